"""A pytest run with an implementation: what it is asked, what is collected, and how it ends."""
