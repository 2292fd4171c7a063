"""The record of a run, and what is made from it: nothing here looks at an implementation."""
