"""The record of a run, as it is written to a file and read back."""
