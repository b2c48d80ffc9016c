"""Whether the promise was kept."""
