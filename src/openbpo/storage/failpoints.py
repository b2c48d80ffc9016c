"""
Places where a test can kill the process, to prove that running the same command again mends it.

A failpoint is the call itself: its name is a literal in the source, and `known()` reads them all
from there, so that a test can try every one and nobody keeps a list.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from functools import cache
from pathlib import Path

VARIABLE = "OPENBPO_FAILPOINT"

_PACKAGE = Path(__file__).parent.parent
_CALL = re.compile(r"""\bfailpoint\(\s*"([a-z_]+\.[a-z_]+)"\s*\)""")
_reached: Counter[str] = Counter()


@cache
def known() -> frozenset[str]:
    """Return the name of every failpoint in the source of OpenBPO."""
    sources = (path.read_text(encoding="utf-8") for path in _PACKAGE.rglob("*.py"))
    return frozenset(name for source in sources for name in _CALL.findall(source))


def failpoint(name: str) -> None:
    """Kill this process, as a power cut would, if OPENBPO_FAILPOINT is `name`, or `name@<nth>`."""
    if wanted := os.environ.get(VARIABLE):
        _die_if_wanted(name, *wanted.split("@"))


def _die_if_wanted(name: str, wanted: str, nth: str = "1") -> None:
    assert {name, wanted} <= known(), f"unknown failpoint: {sorted({name, wanted} - known())}"
    _reached[name] += 1
    if name == wanted and _reached[name] == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
