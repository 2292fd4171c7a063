"""The operations: a module each, found by its name."""
