"""What was attained of each promise in a period."""
