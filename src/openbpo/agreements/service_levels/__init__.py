"""Cases, their moments and their clocks: the arithmetic that routing and verdicts share."""
