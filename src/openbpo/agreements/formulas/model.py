"""To which counts a case belongs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Groups:
    """The counts that a case belongs to, and those that its empty values leave undecided."""

    held: frozenset[str]
    undecided: frozenset[str]
