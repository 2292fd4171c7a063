"""Ready-made adapters."""
