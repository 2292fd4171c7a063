"""What the cases of several operations share, and parts of them too long for one module."""
