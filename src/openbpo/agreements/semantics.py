"""
The number of the rules of computation.

A version is computed for ever by the rules under which it was signed. When a rule of computation
changes, it gets a new number here and the old code stays; a version names the number it is under.
"""

from __future__ import annotations

CURRENT = 1
SUPPORTED = frozenset({1})
