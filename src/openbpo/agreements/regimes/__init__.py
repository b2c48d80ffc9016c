"""What results lead to."""
