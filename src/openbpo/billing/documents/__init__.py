"""An issued invoice as a file: to print, to compute with, to be read by machines."""
