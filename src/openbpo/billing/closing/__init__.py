"""Closing a period: its figures stand, and what comes later is an adjustment of the next one."""
