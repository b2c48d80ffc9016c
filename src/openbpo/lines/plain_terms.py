"""
An agreement written from a few plain terms, in the ten files that a person would write: pure.

The form of a page gives the terms. Each line of a file knows of which term it was made, so that a
mistake which the agreement's own check finds is told at the field that it came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Literal

from openbpo.agreements.files import FILE_NAMES, Files
from openbpo.agreements.reading import read_agreement
from openbpo.values.refusals import Mistake, Refusal

FIRST_EVENT = "first event"
TYPE, ACTIVITY = "event:", "activity:"
"""How a moment is named: the first event of all, an event's type, or what was done."""
SERVICE, MEASURE, CHARGE, CALENDAR = "work", "in-time", "finished", "hours"
TO_TELL = "to be told"


@dataclass(frozen=True, slots=True)
class Template:
    """What a service line begins with; a person changes it."""

    line: Literal["helpdesk", "telephone"]
    case: str
    within: str
    is_always: bool
    expected: str
    minimum: str
    below_expected: str
    below_minimum: str
    low_volume: str
    rate: str


TEMPLATES: Mapping[str, Template] = {
    "helpdesk": Template(
        "helpdesk", "ticket", "8 h", is_always=False, expected="95", minimum="90",
        below_expected="5", below_minimum="10", low_volume="20", rate="38.00",
    ),
    "telephone": Template(
        "telephone", "call", "20 s", is_always=True, expected="60", minimum="55",
        below_expected="5", below_minimum="10", low_volume="1", rate="2.10",
    ),
}  # fmt: skip
"""For each line that has an agreement to begin with, the same that `openbpo new --from` takes."""


def template_names() -> list[str]:
    """Return the lines that have an agreement to begin with."""
    found = resources.files("openbpo.lines")
    return sorted(one.name for one in found.iterdir() if (one / "agreement").is_dir())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainTerms:
    """
    The terms of one clock and one price. All are texts as they were typed.

    `started` and `finished` are moments: FIRST_EVENT, TYPE + an event's type, or ACTIVITY + what
    was done; `paused` are activities after which the clock stands still. Levels and credits are in
    per cent, amounts in the currency.
    """

    line: str
    title: str
    client: str
    client_id: str
    provider: str
    provider_id: str
    country: str
    zone: str
    currency: str
    in_force: str
    days: str
    opens: str
    closes: str
    is_always: bool
    holidays: str
    started: str
    finished: str
    which_finish: str
    paused: Sequence[str]
    within: str
    expected: str
    minimum: str
    below_expected: str
    below_minimum: str
    low_volume: str
    rate: str
    tax: str


@dataclass(slots=True)
class _Page:
    """A file being written, with the term of each of its lines."""

    lines: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)

    def add(self, line: str, term: str = "") -> None:
        self.lines.append(line)
        self.terms.append(term)

    @property
    def content(self) -> bytes:
        return ("\n".join(self.lines) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Written:
    """An agreement's files, and of which term each line of them was made."""

    files: Files
    terms: Mapping[str, Sequence[str]]

    def at_terms(self, mistakes: Iterable[Mistake]) -> list[tuple[str, Mistake]]:
        """Return each mistake with the term that it came from; "" where it is of none."""
        return [(self._term(mistake.where), mistake) for mistake in mistakes]

    def _term(self, where: str) -> str:
        found = re.fullmatch(r"([a-z]+\.yaml):([0-9]+)(?::[0-9]+)?", where)
        if found is None:
            return ""
        terms, number = self.terms.get(found[1], ()), int(found[2])
        return terms[number - 1] if 0 < number <= len(terms) else ""


def written(terms: PlainTerms, *, mapping: str, data: str) -> Written:
    """Return the agreement's files; whether they are sound `refuse_unsound` says."""
    pages = {
        "agreement.yaml": _agreement(terms),
        "parties.yaml": _parties(terms),
        "calendars.yaml": _calendars(terms),
        "periods.yaml": _of_text("- {id: month, kind: calendar month}\n", ""),
        "data.yaml": _of_text(data, ""),
        "services.yaml": _services(terms),
        "measures.yaml": _measures(terms),
        "regime.yaml": _regime(terms),
        "charges.yaml": _charges(terms),
        "mapping.yaml": _of_text(mapping, "columns"),
    }
    assert set(pages) == set(FILE_NAMES), "an agreement has its ten files"
    files = {name: pages[name].content for name in FILE_NAMES}
    return Written(files, {name: page.terms for name, page in pages.items()})


def refuse_unsound(agreement: Written) -> None:
    """Raise Refusal whose places are terms, where one is known, else files and lines."""
    try:
        read_agreement(agreement.files)
    except Refusal as refusal:
        placed = agreement.at_terms(refusal.mistakes)
        raise Refusal(
            *(Mistake(term or m.where, m.what, m.remedy) for term, m in placed)
        ) from refusal


def _of_text(text: str, term: str) -> _Page:
    page = _Page()
    for line in text.rstrip("\n").split("\n"):
        page.add(line, term)
    return page


def _q(text: str) -> str:
    """Return a text in quotes; what cannot be printed is left out."""
    return json.dumps("".join(c for c in text if c.isprintable()).strip(), ensure_ascii=False)


def _kept(text: str) -> str:
    """Return a text in quotes as it is; what cannot be printed stands as its number."""
    told = json.dumps(text, ensure_ascii=False)
    return "".join(
        c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}"
        for c in told
    )


def _agreement(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add(f"title: {_q(terms.title)}", "title")
    page.add("version: 1")
    page.add(f"in_force: {{from: {_q(terms.in_force)}}}", "in_force")
    page.add(f"term: {{from: {_q(terms.in_force)}}}", "in_force")
    page.add(f"zone: {_q(terms.zone)}", "zone")
    page.add(f"currency: {_q(terms.currency)}", "currency")
    page.add("documents:")
    page.add(
        f"  - {{id: order, title: {_q(terms.title)}, dated: {_q(terms.in_force)}, precedence: 1}}",
        "in_force",
    )
    return page


def _parties(terms: PlainTerms) -> _Page:
    page = _Page()
    sides = (("client", terms.client_id, terms.client),
             ("provider", terms.provider_id, terms.provider))  # fmt: skip
    for side, party_id, name in sides:
        page.add(f"{side}:")
        page.add(f"  id: {party_id}", side)
        page.add(f"  name: {_q(name)}", side)
        country = _q(terms.country)
        page.add(
            f"  address: {{street: {TO_TELL}, city: {TO_TELL}, country: {country}}}", "country"
        )
        page.add(f"  tax: {{country: {country}, number: {TO_TELL}}}", "country")
    return page


def _calendars(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add(f"- id: {CALENDAR}")
    if terms.is_always:
        page.add("  hours: always", "is_always")
        return page
    page.add("  hours:")
    block = f"    - {{days: {_q(terms.days)}, from: {_q(terms.opens)}, to: {_q(terms.closes)}}}"
    page.add(block, "opens")
    if terms.holidays:
        page.add(f"  holidays: {{country: {_q(terms.holidays)}}}", "holidays")
    return page


def _services(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add(f"- id: {SERVICE}")
    page.add(f"  line: {terms.line}")
    page.add(f"  case: {TEMPLATES[terms.line].case}")
    page.add("  moments:")
    page.add(_moment("started", terms.started, "first"), "started")
    page.add(_moment("finished", terms.finished, terms.which_finish), "finished")
    if terms.paused:
        page.add("  pauses:")
        page.add("    - id: standing-still", "paused")
        listed = ", ".join(_feel(one) for one in terms.paused)
        page.add(f"      after: {_kept(f'activity in ({listed})')}", "paused")
        page.add("      until: next event", "paused")
    return page


def _moment(name: str, moment: str, which: str) -> str:
    if moment == FIRST_EVENT:
        return f"    - {{id: {name}, at: first event}}"
    at = "last event" if which == "last" else "first event"
    if moment.startswith(TYPE):
        return f"    - {{id: {name}, at: {at}, type: {moment.removeprefix(TYPE)}}}"
    where = f"activity = {_feel(moment.removeprefix(ACTIVITY))}"
    return f"    - {{id: {name}, at: {at}, where: {_kept(where)}}}"


def _feel(text: str) -> str:
    """Return a text as an expression writes it."""
    return json.dumps(text, ensure_ascii=False)


def _measures(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add(f"- id: {MEASURE}")
    case = TEMPLATES[terms.line].case
    page.add(f"  says: {_q(f'Each {case} is finished within {terms.within}.')}", "within")
    page.add(f"  service: {SERVICE}")
    pauses = ", pauses: [standing-still]" if terms.paused else ""
    page.add(
        f"  clock: {{from: started, to: finished, calendar: {CALENDAR}{pauses}, "
        "reopened: continues}",
        "finished",
    )
    page.add(f"  within: {_q(terms.within)}", "within")
    page.add("  formula: {share: within, of: completed}")
    page.add("  aggregate: pooled")
    page.add("  period: month")
    return page


def _regime(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add("service_levels:")
    page.add(f"  - measure: {MEASURE}")
    page.add("    compare_at: exact")
    page.add(
        f"    low_volume: {{below: {_number(terms.low_volume)}, then: no_credit}}", "low_volume"
    )
    page.add("    levels:")
    expected, minimum = f"{terms.expected} %", f"{terms.minimum} %"
    page.add(f"      - {{at_least: {_q(expected)}, verdict: met}}", "expected")
    page.add(
        f"      - {{at_least: {_q(minimum)}, below: {_q(expected)}, verdict: default, "
        f"credit: {_q(terms.below_expected + ' %')}}}",
        "below_expected" if not _is_number(terms.below_expected) else "minimum",
    )
    page.add(
        f"      - {{below: {_q(minimum)}, verdict: default, "
        f"credit: {_q(terms.below_minimum + ' %')}}}",
        "below_minimum",
    )
    page.add("credit: {combine: rates_added, of: fees-of-the-month, line: one}")
    return page


def _charges(terms: PlainTerms) -> _Page:
    page = _Page()
    page.add("charges:")
    page.add(f"  - id: {CHARGE}")
    page.add(f"    count: {{service: {SERVICE}, moment: finished}}")
    page.add("    period: month")
    page.add(f"    price: {{each: {_q(f'{terms.rate} {terms.currency}')}}}", "rate")
    page.add("bases:")
    page.add(f"  - {{id: fees-of-the-month, of: [{CHARGE}]}}")
    if terms.tax:
        rate = _q(f"{terms.tax} %")
        page.add("tax:")
        page.add(
            f"  - {{id: tax, name: Tax, rate: {rate}, on: fees_less_credits, line: one}}", "tax"
        )
    page.add("rounding: {rule: half_up, to: minor_unit, each: line}")
    return page


def _number(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{1,9}", text) else _q(text)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,12})?", text) is not None
