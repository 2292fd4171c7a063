"""Ready-made adapters of frameworks, and one in plain NumPy."""
