"""How far a month has come on its way to be paid, and what holds it up."""
