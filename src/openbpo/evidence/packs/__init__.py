"""The evidence pack: the record of an engagement as one file, and its proof."""
