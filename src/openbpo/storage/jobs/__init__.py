"""Work that is done in the background, once in effect, also where a worker is killed."""
