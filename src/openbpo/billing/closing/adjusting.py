"""
What earlier periods come to with what is known now, less what was charged for them: pure.

A case adds to a period what it would come to alone, and a period's sums are the sums over its
cases. So only the cases of which something was told since the last closing are counted again:
their part as it was known then is taken out, and their part as it is known now is put in. Where
the agreement itself changed for a period, all its cases are counted again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openbpo.agreements.service_levels.model import OpenQuestion
from openbpo.agreements.versions.model import Terms
from openbpo.assurance.attainment.periods import find_period, work_from
from openbpo.billing.closing.figures import Counting, came_to, count, count_cases, figures
from openbpo.billing.closing.knowledge import Knowledge
from openbpo.billing.closing.model import Document, Sums
from openbpo.record.model import RecordedEvent
from openbpo.values.money import Money
from openbpo.values.periods import Period
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span

_DAY_ONE = date.min

AllTerms = Sequence[Terms]
ByCase = Mapping[str, Sequence[RecordedEvent]]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """
    The adjustments of earlier periods, as a document holds them, in the order of the periods.

    `questions` are what empty values leave undecided in the cases that were counted again.
    """

    entries: list[dict[str, Any]]
    questions: frozenset[OpenQuestion]


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A period that stands: its days, what was charged for it so far, and the terms of then."""

    period: Period
    governing: Terms
    currency: str
    charged: Mapping[str, Any]
    then_terms: AllTerms
    now_terms: AllTerms

    @property
    def is_judged_alike(self) -> bool:
        """Tell whether the terms of its days, and of the days before, are those of then."""
        end = self.period.days.end
        return _rules_until(self.then_terms, end) == _rules_until(self.now_terms, end)


@dataclass(frozen=True, slots=True)
class Changed:
    """The cases that changed, with their events as they were known before and as they are now."""

    before: ByCase
    now: ByCase
    corrected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one changed case adds to a period: as it was known before, and as it is known now."""

    case: str
    before: Counting
    now: Counting

    @property
    def differs(self) -> bool:
        """Tell whether the case adds something else now."""
        return self.before.sums != self.now.sums


def adjustments(
    knowledge: Knowledge, known: int, closed: Sequence[Document], *, since: int | None = None
) -> Adjusted:
    """
    Return what earlier periods come to with what is known at an entry, less what was charged.

    One entry for each period that came to something else: its figures now, the differences by
    line, credit and tax, and the cases that made them with the reason. `closed` holds the documents
    of the periods that stand, in their order; where some are left out, as nothing that is asked
    for adjusts them, `since` is the entry that the last period that stands is closed by.
    """
    if not closed:
        return Adjusted([], frozenset())
    before = max(one["known"] for one in closed) if since is None else since
    _refuse_older(known, before)
    periods = _periods(closed, knowledge.terms(before), knowledge.terms(known))
    changed = _changed(knowledge, before, known, periods)
    cases = _cases_by_period(changed, periods)
    entries, questions = [], set[OpenQuestion]()
    for one in periods:
        parts = [_part(case, one, changed) for case in cases[one.period.name]]
        now = _counted_now(knowledge, known, one, parts)
        questions.update(now.questions)
        entry = _entry(one, now, [part for part in parts if part.differs], changed.corrected)
        if entry is not None:
            entries.append(entry)
    return Adjusted(entries, frozenset(questions))


def _refuse_older(known: int, before: int) -> None:
    if known < before:
        raise Refusal.of(
            f"entry {known}",
            f"The periods before stand on entry {before}, which was not known then.",
            "Close a period by all that was known when those before it were closed.",
        )


def charged_so_far(closed: Iterable[Document]) -> dict[str, Mapping[str, Any]]:
    """Return the figures by which each closed period has been charged up to now, by its name."""
    so_far: dict[str, Mapping[str, Any]] = {}
    for one in closed:
        so_far[one["period"]] = one["figures"]
        for adjusted in one["adjustments"]:
            so_far[adjusted["period"]] = adjusted["figures"]
    return so_far


def _periods(closed: Sequence[Document], then: AllTerms, now: AllTerms) -> list[ClosedPeriod]:
    currencies = {one["period"]: one["currency"] for one in closed}
    found = []
    for name, charged in charged_so_far(closed).items():
        period, governing = find_period(now, name)
        _refuse_other_currency(name, currencies[name], governing)
        found.append(ClosedPeriod(period, governing, currencies[name], charged, then, now))
    return found


def _refuse_other_currency(name: str, currency: str, governing: Terms) -> None:
    if governing.agreement.currency != currency:
        raise Refusal.of(
            name,
            f"It was charged in {currency}, and version {governing.agreement.version} counts it in "
            f"{governing.agreement.currency}: the difference is no amount of money.",
            "Accept a version that leaves the currency of closed periods as it is.",
        )


def _rules_until(all_terms: AllTerms, end: date | None) -> list[object]:
    """Return which version holds on which days before a day; who signed it changes no rule."""
    told: list[object] = []
    for terms in all_terms:
        days = terms.days if end is None else terms.days.intersection(Span(_DAY_ONE, end))
        if days is not None:
            told.append((terms.content_hash, days))
    return told


def _changed(
    knowledge: Knowledge, before: int, known: int, periods: Sequence[ClosedPeriod]
) -> Changed:
    """Return the cases that changed, of those that had begun when the last period ended."""
    ends = [one.period.span.end for one in periods if one.period.span.end is not None]
    touched = knowledge.touched(before, known, begun=max(ends))
    if not touched:
        return Changed({}, {}, frozenset())
    return Changed(
        _by_case(knowledge.of_cases(touched, before)),
        _by_case(knowledge.of_cases(touched, known)),
        knowledge.corrected(before, known),
    )


def _by_case(events: Iterable[RecordedEvent]) -> dict[str, list[RecordedEvent]]:
    found: dict[str, list[RecordedEvent]] = {}
    for event in events:
        found.setdefault(event.subject, []).append(event)
    return found


def _cases_by_period(changed: Changed, periods: Sequence[ClosedPeriod]) -> dict[str, list[str]]:
    """Return the changed cases that had an event in each period then, or have one in it now."""
    spans = sorted((one.period.span.start, one.period) for one in periods)
    starts = [start for start, _ in spans]
    found: dict[str, set[str]] = {one.period.name: set() for one in periods}
    for cases in (changed.before, changed.now):
        for case, events in cases.items():
            for period in _periods_of(events, starts, spans):
                found[period.name].add(case)
    return {name: sorted(cases) for name, cases in found.items()}


def _periods_of(
    events: Iterable[RecordedEvent],
    starts: Sequence[datetime],
    spans: Sequence[tuple[datetime, Period]],
) -> Iterator[Period]:
    for event in events:
        place = bisect_right(starts, event.happened_at) - 1
        if place >= 0 and spans[place][1].span.contains(event.happened_at):
            yield spans[place][1]


def _part(case: str, one: ClosedPeriod, changed: Changed) -> Part:
    """Return what a case adds by the terms of now: what they change is not the case's doing."""
    name, terms = one.period.name, one.now_terms
    return Part(
        case,
        count(work_from(changed.before.get(case, ()), terms, name)),
        count(work_from(changed.now.get(case, ()), terms, name)),
    )


def _counted_now(
    knowledge: Knowledge, known: int, one: ClosedPeriod, parts: Iterable[Part]
) -> Counting:
    """Return a closed period's sums with what is known now."""
    if not one.is_judged_alike:
        name, terms = one.period.name, one.now_terms
        return count_cases(knowledge.active(one.period, known), terms, name)
    sums, questions = Sums.from_json(one.charged["sums"]), set[OpenQuestion]()
    for part in parts:
        sums = sums.minus(part.before.sums).plus(part.now.sums)
        questions.update(part.now.questions)
    return Counting(one.governing, one.period, sums, tuple(sorted(questions)))


def _entry(
    one: ClosedPeriod, now: Counting, parts: Sequence[Part], corrected: frozenset[str]
) -> dict[str, Any] | None:
    """Return the adjustment of a period, None where it comes to what was charged for it."""
    told = figures(now.sums, one.governing, one.period)
    if came_to(told) == came_to(one.charged):
        return None
    return {
        "period": one.period.name,
        "currency": one.currency,
        "figures": told,
        "difference": _difference(one.charged, told, one.currency),
        "reasons": [*_reasons_of_terms(one, now, parts), *_reasons(parts, corrected)],
    }


def _reasons_of_terms(
    one: ClosedPeriod, now: Counting, parts: Iterable[Part]
) -> list[dict[str, Any]]:
    """Return that the agreement changed, where it made a difference of its own."""
    sums = now.sums
    for part in parts:
        sums = sums.minus(part.now.sums).plus(part.before.sums)
    by_terms_alone = figures(sums, one.governing, one.period)
    if came_to(by_terms_alone) == came_to(one.charged):
        return []
    versions = [one.charged["version"]["number"], one.governing.agreement.version]
    return [{"why": "the agreement changed", "versions": versions}]


def _reasons(parts: Iterable[Part], corrected: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {
            "case": part.case,
            "why": "corrected" if part.case in corrected else "recorded later",
            "before": part.before.sums.as_json() if part.before.sums.holds_any else None,
            "now": part.now.sums.as_json() if part.now.sums.holds_any else None,
        }
        for part in parts
    ]


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], currency: str) -> dict[str, Any]:
    told: dict[str, Any] = {"lines": _line_differences(before["lines"], now["lines"], currency)}
    for key in ("fees", "credits", "net", "tax_amount", "total"):
        told[key] = less(now[key], before[key], currency)
    return told


NO_LINE: Mapping[str, Any] = {"quantity": None, "amount": "0"}


def _line_differences(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], currency: str
) -> list[dict[str, Any]]:
    old, new = ({line["key"]: line for line in lines} for lines in (before, now))
    told = []
    for key in {**new, **old}:
        was, is_ = old.get(key, NO_LINE), new.get(key, NO_LINE)
        quantity = (is_["quantity"] or 0) - (was["quantity"] or 0)
        if was["amount"] == is_["amount"] and not quantity and key in old and key in new:
            continue
        shown = new.get(key) or old[key]
        told.append(
            {
                "key": key,
                "id": shown["id"],
                "text": shown["text"],
                "quantity": quantity if shown["quantity"] is not None else None,
                "amount": less(is_["amount"], was["amount"], currency),
            }
        )
    return told


def less(amount: str, other: str, currency: str) -> str:
    """Return an amount less another, as texts of one currency."""
    return (Money.parse(f"{amount} {currency}") - Money.parse(f"{other} {currency}")).amount
