"""What the interfaces themselves are made of."""
