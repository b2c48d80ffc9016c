"""Pages: their rights, their words, their looks."""
