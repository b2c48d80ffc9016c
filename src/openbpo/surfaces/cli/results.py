"""openbpo attain, invoice: what a period came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from openbpo.agreements.resolved import day_of
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import day_text, listed
from openbpo.assurance.attainment.model import Result
from openbpo.assurance.attainment.queries import PeriodOfWork, attain, find_period, work_of
from openbpo.billing.closing.queries import Closed, StoredKnowledge, acts, closed_as
from openbpo.billing.invoicing.model import Invoice
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.record.queries import ALL_KNOWN, Extent, extent, last_entry
from openbpo.storage.database import Transaction
from openbpo.surfaces.cli.explaining import (
    Explainer,
    Explanation,
    explain,
    figures_of_invoice,
    figures_of_results,
)
from openbpo.surfaces.cli.figures import (
    adjustment_lines,
    attained_json,
    credit_sentence,
    due_line,
    due_text,
    invoice_json,
    invoice_lines,
    judged_lines,
    question_lines,
    standing_line,
    year_lines,
)
from openbpo.surfaces.cli.formulas import formula_lines, formulas_json
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped
from openbpo.surfaces.cli.session import engagement_terms, session
from openbpo.values.ids import EngagementId
from openbpo.values.periods import months_between
from openbpo.values.refusals import Refusal
from openbpo.values.spans import as_utc

RANGE = ".."

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
Period = Annotated[str, typer.Option("--period", help="As 2012-02, or 2012-01..2012-12.")]
Explain = Annotated[
    str | None, typer.Option("--explain", help="A figure to open: its formula and its cases.")
]
CaseKey = Annotated[
    str | None, typer.Option("--case", help="With --explain: one case of it, down to its events.")
]
Formulas = Annotated[
    bool, typer.Option("--formulas", help="The same cases under each formula, with its credits.")
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--as-known-at", help="What was known then: an entry's number, or 2012-03-01T08:00Z."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Computed:
    """A period's results and invoice, and the figure that was to be opened, if one was."""

    work: PeriodOfWork
    results: tuple[Result, ...]
    invoice: Invoice
    closed: Closed
    explanation: Explanation | None = None

    def opened(self, figures: Mapping[str, Explainer], figure: str | None) -> Computed:
        """Return this with one of its figures opened."""
        return self if figure is None else replace(self, explanation=explain(figures, figure))

    @property
    def due(self) -> dict[str, Any]:
        """Return what is due with the adjustments of earlier periods; nothing where it has none."""
        return self.closed.due(self.invoice) if self.closed.adjustments else {}

    def as_json(self, engagement: str, figures: Mapping[str, Any]) -> dict[str, Any]:
        """Return its figures for programs."""
        told = {"engagement": engagement, **figures, **self.closed.as_json()}
        if self.explanation is not None:
            told["explanation"] = self.explanation.as_json()
        return told


def attain_(
    engagement: Engagement,
    period: Period,
    figure: Explain = None,
    case: CaseKey = None,
    formulas: Formulas = False,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Tell what was attained of each service level in a period."""
    if formulas and figure is not None:
        raise typer.BadParameter("--formulas shows every formula: leave --explain out")
    found, held = _compute("attain", engagement, period, figure, case, known_at)
    computed = [
        one.opened(figures_of_results(one.work, one.results, case), figure) for one in found
    ]
    if as_json:
        told = [one.as_json(engagement, _attained_json(one, held, formulas)) for one in computed]
        say_json(told if RANGE in period else told[0])
        return
    for one in computed:
        _say_head(f"{engagement}, {one.work.period.name}", one)
        _say_lines(_attained_lines(one, held, formulas))
        _say_doubts(one, held)


def _attained_json(one: Computed, held: Extent, formulas: bool) -> dict[str, Any]:
    if formulas:
        return formulas_json(one.work, one.results, one.invoice, rejected_rows=held.refused)
    return attained_json(one.work, one.results)


def _attained_lines(one: Computed, held: Extent, formulas: bool) -> list[str]:
    if formulas:
        return formula_lines(one.work, one.results, one.invoice, rejected_rows=held.refused)
    return one.explanation.lines() if one.explanation else _result_lines(one)


def invoice_(
    engagement: Engagement,
    period: Period,
    figure: Explain = None,
    case: CaseKey = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Compute the invoice of a period; a range of periods makes one line each, and their sum."""
    found, held = _compute("invoice", engagement, period, figure, case, known_at)
    computed = [
        one.opened(figures_of_invoice(one.work, one.results, one.invoice, case), figure)
        for one in found
    ]
    if as_json:
        told = [
            one.as_json(engagement, {**invoice_json(one.work, one.results, one.invoice), **one.due})
            for one in computed
        ]
        say_json(told if RANGE in period else told[0])
    elif RANGE in period:
        _say_year(engagement, computed)
    else:
        _say_invoice(engagement, computed[0])
    if not as_json:
        for one in computed:
            _say_doubts(one, held)


def _say_invoice(engagement: str, one: Computed) -> None:
    state = one.closed.state.value if one.closed.state else "computed, not issued"
    _say_head(f"{engagement}, invoice of {one.work.period.name}: {state}", one)
    if one.explanation is not None:
        _say_lines(one.explanation.lines())
        return
    lines = invoice_lines(one.work, one.invoice)
    if one.due:
        lines += adjustment_lines(one.closed.as_document(one.invoice.total.currency))
        lines += [due_line(one.due)]
    _say_lines([*lines, "", *_result_lines(one)])


def _say_year(engagement: str, computed: Sequence[Computed]) -> None:
    first, last = computed[0], computed[-1]
    say(f"{engagement}, {first.work.period.name} to {last.work.period.name}")
    for sentence in dict.fromkeys(standing_line(one.work.terms) for one in computed):
        say_wrapped(sentence)
    say()
    _say_lines(year_lines([(one.work, one.invoice) for one in computed]))
    adjusting = [one for one in computed if one.due]
    if adjusting:
        say()
        _say_lines([f"  {one.work.period.name} {_adjusting_text(one)}" for one in adjusting])


def _adjusting_text(one: Computed) -> str:
    """Return which periods one adjusts, and what is due in it therefore."""
    adjusted = listed([found["period"] for found in one.closed.adjustments])
    return f"adjusts {adjusted}: {due_text(one.due)} due."


def _say_head(title: str, one: Computed) -> None:
    say(title)
    say_wrapped(standing_line(one.work.terms))
    say()


def _result_lines(one: Computed) -> list[str]:
    found = one.invoice.consequences
    sentence = credit_sentence(found, one.work.terms.agreement)
    return [*judged_lines(found), "", f"  {sentence}"]


def _compute(
    command: str,
    engagement: str,
    period: str,
    figure: str | None,
    case: str | None,
    known_at: str | None,
) -> tuple[list[Computed], Extent]:
    """Return each named period's results and invoice, and how much the record holds."""
    if case is not None and figure is None:
        raise typer.BadParameter("--case opens a case of a figure: name it with --explain")
    if figure is not None and RANGE in period:
        raise typer.BadParameter("--explain opens a figure of one period")
    with session("read results") as current:
        what = " ".join(part for part in (command, period, figure, case) if part)
        with engagement_terms(current, engagement, what) as (tx, engagement_id, all_terms):
            held = extent(tx, engagement_id)
            if held.events == 0:
                raise Refusal.of(
                    engagement,
                    "Its record holds no events yet.",
                    f"Bring them in: openbpo import {engagement} FILE",
                )
            knowledge = StoredKnowledge(tx, engagement_id)
            at = known_entry(tx, engagement_id, known_at)
            all_acts = [act for act in acts(tx, engagement_id) if at is None or act.entry <= at]
            computed = []
            for name in _names(period, all_terms):
                closed = closed_as(knowledge, all_acts, name, at)
                known = closed.known
                terms = all_terms if known is None else knowledge.terms(known)
                work = work_of(
                    tx, engagement_id, terms, name, known=ALL_KNOWN if known is None else known
                )
                results = attain(work)
                computed.append(Computed(work, results, invoice_of(work, results), closed))
    return computed, held


def known_entry(tx: Transaction, engagement_id: EngagementId, text: str | None) -> int | None:
    """Return the last entry that was made by then; raises Refusal when there was none."""
    if text is None:
        return None
    latest = last_entry(tx, engagement_id)
    if text.isdecimal():
        found = int(text) if latest and 1 <= int(text) <= latest.entry else None
    else:
        entry = last_entry(tx, engagement_id, by=_instant(text))
        found = entry.entry if entry else None
    if found is None:
        raise Refusal.of(
            "--as-known-at",
            f"There is no entry {text}."
            if text.isdecimal()
            else f"Nothing was recorded by {text}.",
            f"The entries are 1 to {latest.entry}; or name a later time." if latest else "",
        )
    return found


def _instant(text: str) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as fault:
        raise Refusal.of(
            "--as-known-at",
            f"{text!r} is no instant, and no entry's number.",
            "Write it with its offset, as 2012-03-01T08:00+01:00 or 2012-03-01T07:00Z.",
        ) from fault


def _names(period: str, all_terms: Sequence[Terms]) -> list[str]:
    first, _, last = period.partition(RANGE)
    if not last:
        return [first]
    for name in (first, last):
        find_period(all_terms, name)
    newest = all_terms[-1]
    try:
        zone = newest.resolved.zones[newest.agreement.zone]
        return [month.name for month in months_between(first, last, zone)]
    except ValueError as fault:
        raise Refusal.of("--period", str(fault), "Write it as 2012-01..2012-12.") from fault


def _say_lines(lines: Sequence[str]) -> None:
    for line in lines:
        say(line)


def _say_doubts(one: Computed, held: Extent) -> None:
    """Say what may still change the figures."""
    for line in question_lines(one.results, one.invoice.volumes):
        say_wrapped(line)
    period = one.work.period
    terms = one.work.terms
    zone = terms.resolved.zones[terms.agreement.zone]
    assert held.first is not None, "a record without events is refused"
    assert held.last is not None, "a record without events is refused"
    first, last = day_of(held.first, zone), day_of(held.last, zone)
    if period.days.end is not None and first >= period.days.end:
        say()
        say_wrapped(
            f"The record begins on {day_text(first)}, after {period.name}: nothing is known of it."
        )
    elif (one.closed.state is None or not one.closed.state.stands) and (
        period.days.end is not None and last < period.days.end - timedelta(days=1)
    ):
        say()
        say_wrapped(
            f"The last event is of {day_text(last)}: if what was imported stops there, later "
            f"events may still change {period.name}."
        )


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("attain")(attain_)
    app.command("invoice")(invoice_)
