"""What comes in: files of events, taken in once."""
