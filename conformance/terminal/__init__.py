"""What a run writes on the terminal."""
