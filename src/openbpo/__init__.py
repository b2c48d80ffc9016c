"""OpenBPO: one record of outsourced work that client and provider can both replay."""
