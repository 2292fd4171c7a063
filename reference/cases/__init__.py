"""What is tested of each operation."""
