"""The cases of each operation: a module each, found by its name."""
