"""OpenBPO: one record of outsourced work that client and provider can both replay."""

__version__ = "0.1.0"
