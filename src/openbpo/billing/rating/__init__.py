"""What a volume costs."""
