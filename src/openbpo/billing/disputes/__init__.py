"""What is disputed of a closed period, and how that is answered and settled."""
