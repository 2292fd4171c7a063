"""The implementation under test: how it is loaded, what it declares, and what its results are read as."""
