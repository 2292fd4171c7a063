"""Arithmetics that a formula can be evaluated in."""
