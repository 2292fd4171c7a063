"""Generate golden files: draw inputs, evaluate answers, write files."""
