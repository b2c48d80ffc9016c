"""What a period comes to, kept ready to be read."""
