"""The work itself: for now its intake from files."""
