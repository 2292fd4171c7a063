"""The catalogue of wrong implementations, one module an operation."""
