"""The pages: Django for who signs in, and our own door to everything else."""
