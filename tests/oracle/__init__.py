"""Slow, plain second answers: each is written from a contract's text and shares no code with us."""
