"""Golden vectors: the data, and the only code that knows HDF5."""
