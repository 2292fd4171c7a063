"""Wrong implementations made from right ones."""
