"""
A file of refused rows begins with two columns of ours, so that it is known when it comes back.

A spreadsheet may run a CSV cell that begins like a formula. So the refused rows of a CSV file carry
a quotation mark before such a cell, and where a file of them is read it is taken off: the cell
comes back as it was, exactly, also one that began with that mark (it gets a second one).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE, REASON, TEXT = "openbpo_line", "openbpo_reason", "openbpo_text"
MARK = "'"
_RUNS = "=+-@\t\r\n＝＋－＠"
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_ESCAPED = re.compile(f"{MARK}[{re.escape(_RUNS)}{MARK}]")


def is_returned(titles: Sequence[str]) -> bool:
    """Return whether a header is that of a file of refused rows."""
    return tuple(titles[:2]) == (LINE, REASON)


def escaped(cell: str) -> str:
    """Return what a spreadsheet shows as this text; it runs nothing, numbers stay as they are."""
    begins = cell[:1]
    if begins and begins in _RUNS and not (begins in "+-" and _NUMBER.fullmatch(cell)):
        return MARK + cell
    return MARK + cell if _ESCAPED.match(cell) else cell


def without_escape(cell: str) -> str:
    """Return the cell that was escaped so."""
    return cell[1:] if _ESCAPED.match(cell) else cell
