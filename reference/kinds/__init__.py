"""Kinds of operations: the families of cases that all operations of a kind have."""
