"""A pytest run with an implementation: its plan, its hooks, its results."""
