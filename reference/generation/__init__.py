"""From what a case asks to golden files: inputs drawn, answers evaluated, files written."""
