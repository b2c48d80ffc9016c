"""The parts of which pages are made: what they hold (`pieces`), and how they are drawn."""
