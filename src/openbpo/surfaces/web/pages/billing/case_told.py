"""What the lists of cases behind money tell: pure, but for the attributes' classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from babel import Locale
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.agreements.model import Attribute
from openbpo.billing.closing.queries import StoredKnowledge
from openbpo.billing.statements.model import CaseRow, CasesPage, Outcome, Statement
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.numbers import figure_text, moment_text
from openbpo.surfaces.web.pages.billing.words import month_or_name, of_id, titles
from openbpo.surfaces.web.parts.pieces import Cell, Column, Row, Table
from openbpo.surfaces.web.showing import Masked, ShownEvent
from openbpo.values.durations import duration_text
from openbpo.values.ids import EngagementId

OUTCOMES: Mapping[Outcome, Callable[[], str]] = {
    Outcome.WITHIN: lambda: _("within"),
    Outcome.LATE: lambda: _("late"),
    Outcome.OPEN: lambda: _("open"),
    Outcome.LEFT_OUT: lambda: _("left out"),
    Outcome.NOT_PROVABLE: lambda: _("not provable"),
    Outcome.BILLED: lambda: _("billed"),
}
MASKS: Mapping[Masked, Callable[[], str]] = {
    Masked.CONTENT: lambda: _("content, not open to your role"),
    Masked.OTHER_SIDE: lambda: _("the other side's own"),
    Masked.UNKNOWN: lambda: _("not told by the agreement"),
}
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class CasesTold:
    """A list of cases: its head, what was asked for, and its table."""

    finding: str
    note: str
    table: Table


@dataclass(frozen=True, slots=True)
class AdjustedCases:
    """A page of the cases that changed an earlier period; `total` counts those on all pages."""

    cases: Sequence[tuple[str, str]]
    period: str
    page: int
    total: int

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // AT_ONCE))


def of_adjustment(statement: Statement, period: str, why: str, page: int) -> AdjustedCases:
    """Return the cases for which a statement adjusts an earlier period."""
    found = [
        (reason["case"], reason["why"])
        for one in statement.told["adjustments"]
        if one["period"] == period
        for reason in one["reasons"]
        if "case" in reason and why in ("", reason["why"])
    ]
    first = (page - 1) * AT_ONCE
    return AdjustedCases(found[first : first + AT_ONCE], period, page, len(found))


def cases(
    found: CasesPage | AdjustedCases,
    statement: Statement,
    asked: Mapping[str, str],
    *,
    zone: str,
    locale: Locale,
    href: Callable[[str], str],
) -> CasesTold:
    """Return what a list of cases tells; `href` makes the address of a case."""
    month = month_or_name(statement.period, locale)
    n = ngettext("%(n)s case", "%(n)s cases", found.total) % {"n": figure_text(found.total, locale)}
    if isinstance(found, AdjustedCases):
        earlier = month_or_name(found.period, locale)
        rows = [Row((Cell(case, href=href(case), kind="id"), why)) for case, why in found.cases]
        columns: list[Column] = [Column(_("Case")), Column(_("Why"))]
        finding = _("%(n)s changed %(earlier)s after it was closed") % {"n": n, "earlier": earlier}
        return CasesTold(finding, month, Table(columns, rows, are_links=True))
    kind, _colon, name = found.figure.partition(":")
    called = titles(statement.told).get(name) or of_id(name)
    is_charge = kind == "charge"
    columns = [
        Column(_("Case")),
        *([Column(_("Unit"), is_number=True)] if is_charge else []),
        Column(_("From")), Column(_("Until")),
        *([] if is_charge else [Column(_("Counted"), is_number=True),
                                Column(_("Limit"), is_number=True)]),
        Column(_("Outcome")),
    ]  # fmt: skip
    rows = [_row(one, zone, locale, href, is_charge=is_charge) for one in found.rows]
    return CasesTold(
        f"{called}: {n} {_asked(asked)}".strip(), month, Table(columns, rows, are_links=True)
    )


def _asked(asked: Mapping[str, str]) -> str:
    """What of a figure is listed, in words."""
    said = []
    if asked.get("outcome"):
        said.append(OUTCOMES[Outcome(asked["outcome"])]())
    if asked.get("why"):
        said.append(f"({asked['why']})")
    if asked.get("units"):
        said.append(_("as units %(units)s") % {"units": asked["units"].replace("-", " – ")})
    return " ".join(said)


def _row(
    one: CaseRow, zone: str, locale: Locale, href: Callable[[str], str], *, is_charge: bool
) -> Row:
    ended = moment_text(one.ended, locale, zone) if one.ended else ""
    outcome = Cell(OUTCOMES[one.outcome](), one.why or "")
    unit = figure_text(one.unit, locale) if one.unit else ""
    clock = (_length(one.counted_us), _length(one.limit_us))
    return Row((
        Cell(one.case, href=href(one.case), kind="id"),
        *([unit] if is_charge else []),
        moment_text(one.began, locale, zone), ended,
        *([] if is_charge else clock),
        outcome,
    ))  # fmt: skip


def _length(us: int | None) -> str:
    return "" if us is None else duration_text(us)


def pages(found: CasesPage | AdjustedCases, address: str) -> list[tuple[str, str]]:
    """Return the pages before and after, as words and addresses."""
    told = []
    if found.page > 1:
        told.append((_("Back"), f"{address}&page={found.page - 1}"))
    if found.page < found.pages:
        told.append((_("On"), f"{address}&page={found.page + 1}"))
    return told


@dataclass(frozen=True, slots=True)
class CaseTold:
    """A case's events as the visitor may see them."""

    finding: str
    note: str
    table: Table


def attributes_of(tx: Transaction, engagement_id: EngagementId) -> Mapping[str, Attribute]:
    """Return the attributes that the newest terms know, each with its class."""
    knowledge = StoredKnowledge(tx, engagement_id)
    return knowledge.terms(knowledge.latest())[-1].agreement.attributes


def case(events: Sequence[ShownEvent], key: str, *, zone: str, locale: Locale) -> CaseTold:
    """Return what a case's events tell."""
    columns = (Column(_("Event")), Column(_("When")), Column(_("What it says")),
               Column(_("From")), Column(_("Id")))  # fmt: skip
    rows = [
        Row((
            one.type.replace("_", " "), moment_text(one.at, locale, zone), _facts(one), one.source,
            Cell(one.event_id, kind="id"),
        ))
        for one in events
    ]  # fmt: skip
    n = len(events)
    count = ngettext("%(n)d event", "%(n)d events", n) % {"n": n}
    first: datetime = min(one.at for one in events)
    note = _("Recorded events of this case, from %(day)s on; what your role does not open is "
             "said, not shown.") % {"day": moment_text(first, locale, zone)}  # fmt: skip
    return CaseTold(f"{key}: {count}", note, Table(columns, rows))


def _facts(event: ShownEvent) -> str:
    return "; ".join(
        f"{one.name}: {one.value if one.masked is None else MASKS[one.masked]()}"
        for one in event.attributes
        if one.value or one.masked is not None
    )
