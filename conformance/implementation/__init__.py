"""The implementation under test: loading it, its declarations and options, time limits, results as NumPy arrays."""
