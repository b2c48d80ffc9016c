"""Whether the figures of a record are what its own entries come to: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openbpo.assurance.attainment.periods import find_period
from openbpo.billing.closing.adjusting import charged_so_far
from openbpo.billing.closing.decisions import document
from openbpo.billing.closing.figures import came_to, count_cases, figures
from openbpo.billing.closing.knowledge import Knowledge
from openbpo.billing.closing.model import State


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what it is recomputed to: of which period, where, and both values."""

    period: str
    where: str
    stored: str
    recomputed: str


@dataclass(slots=True)
class Proving:
    """Recomputes the documents of periods, each from what was known when it was made."""

    knowledge: Knowledge
    shows_what_it_adjusts: bool = True
    """
    False where cases of periods that are adjusted may be withheld.

    Packs of version 1 with some periods are so; then adjustments are not recomputed.
    """
    standing: list[Mapping[str, Any]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    recomputed: int = 0
    _latest: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _closed: dict[int, int] = field(default_factory=dict)
    """By the entry of an act from which on a period stands, the entry up to which it counts."""

    def add_act(self, act: Mapping[str, Any]) -> None:
        """Note an act on a period, whether or not its document is shown."""
        if State(act["state"]).stands:
            self._closed[act["entry"]] = act["known"]

    def prove(self, act: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
        """Recompute the document of an act on a period, and note where the stored one differs."""
        period = act["period"]
        if self._latest.get(period) == stored:
            return
        self._latest[period] = stored
        is_whole = self.shows_what_it_adjusts
        before = (known for entry, known in self._closed.items() if entry < act["entry"])
        again = document(
            self.knowledge,
            period,
            act["known"],
            self.standing if is_whole else [],
            since=max(before, default=None),
        )
        taken = ("checkpoint",) if is_whole else ("checkpoint", "adjustments", "due")
        given = {name: stored[name] for name in taken if name in stored}
        self._compare(period, "", stored, {**again, **given})
        self._note(period, "checkpoint", act["checkpoint"], stored["checkpoint"])
        self.recomputed += 1
        if State(act["state"]).stands:
            self.standing.append(stored)

    def finish(self, known: int) -> None:
        """
        Check that each period's figures, with all its adjustments, are those of all that is known.

        This is a second way to the same figures: from scratch, not by the cases that changed.
        """
        if not self.standing or not self.shows_what_it_adjusts:
            return
        at = max(one["known"] for one in self.standing)
        assert at <= known, "what is closed is known"
        all_terms = self.knowledge.terms(at)
        own = {one["period"]: one for one in self.standing}
        for name, charged in charged_so_far(self.standing).items():
            if name not in own:
                continue  # it is noted already that nothing shown is adjusted there
            if own[name]["known"] == at and charged is own[name]["figures"]:
                continue  # it was computed from scratch at this very entry
            period, _ = find_period(all_terms, name)
            counted = count_cases(self.knowledge.active(period, at), all_terms, name)
            scratch = figures(counted.sums, counted.terms, period)
            self._compare(name, "figures with all adjustments", came_to(charged), came_to(scratch))

    def _compare(self, period: str, where: str, stored: Any, again: Any) -> None:
        for path, ours, theirs in differing(stored, again):
            self._note(period, ".".join(part for part in (where, path) if part), ours, theirs)

    def _note(self, period: str, where: str, stored: object, again: object) -> None:
        if stored != again:
            self.differences.append(Difference(period, where, _short(stored), _short(again)))


def differing(stored: Any, again: Any, path: str = "") -> Iterable[tuple[str, Any, Any]]:
    """Yield each place where two JSON values differ, as deep as it goes."""
    if isinstance(stored, Mapping) and isinstance(again, Mapping):
        for key in sorted({*stored, *again}):
            yield from differing(stored.get(key), again.get(key), f"{path}.{key}".strip("."))
    elif _is_list(stored) and _is_list(again) and len(stored) == len(again):
        for number, (one, other) in enumerate(zip(stored, again, strict=True)):
            yield from differing(one, other, f"{path}[{number}]")
    elif stored != again:
        yield path, stored, again


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
