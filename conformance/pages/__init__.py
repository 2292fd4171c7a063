"""Pages, badges and comparisons, made from records of runs."""
