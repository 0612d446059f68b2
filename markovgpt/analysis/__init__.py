"""What one asks: one question a file."""
