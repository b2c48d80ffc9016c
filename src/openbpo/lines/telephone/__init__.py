"""The telephone: calls promised an answer within seconds and billed when they are answered."""
