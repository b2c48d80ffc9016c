"""openbpo reconcile: somebody else's report against the recomputed figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from openbpo.agreements.versions.model import Terms
from openbpo.agreements.words import listed
from openbpo.assurance.attainment.queries import find_period
from openbpo.billing.closing.model import State
from openbpo.billing.closing.queries import StoredKnowledge
from openbpo.evidence.reconciling.decisions import needs_earlier, reconcile
from openbpo.evidence.reconciling.model import (
    SUMS,
    Cause,
    Priced,
    Reckoned,
    Recomputed,
    Reconciliation,
    Report,
)
from openbpo.evidence.reconciling.queries import recomputed_of, standing_at, with_earlier
from openbpo.evidence.reconciling.reports import period_of_report, read_report
from openbpo.evidence.reconciling.templates import tables, write_report
from openbpo.record.queries import ALL_KNOWN, extent
from openbpo.surfaces.cli.figures import (
    MINUS,
    figure_text,
    head_json,
    question_lines,
    questions_json,
    standing_line,
)
from openbpo.surfaces.cli.printing import say, say_json, say_wrapped, table
from openbpo.surfaces.cli.results import KnownAt, known_entry
from openbpo.surfaces.cli.session import engagement_terms, session
from openbpo.values.money import Money, sum_money
from openbpo.values.refusals import Refusal
from openbpo.values.shares import decimal_text

Engagement = Annotated[str, typer.Argument(help="The engagement: its agreement folder's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def reconcile_(
    engagement: Engagement,
    report: Annotated[
        Path | None, typer.Argument(help="The report: a workbook (.xlsx) or CSV.")
    ] = None,
    period: Annotated[
        str | None, typer.Option("--period", help="As 2012-05; else the report names it.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="Write our figures of the period as a report, FILE.xlsx."),
    ] = None,
    known_at: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Tell where a report and the recomputed figures differ: each cause, its cases, its money."""
    if (report is None) == (template is None):
        raise typer.BadParameter("name a report, or --template FILE.xlsx to write one")
    if template is not None and period is None:
        raise typer.BadParameter("--template needs --period")
    with session("reconcile") as current:
        what = f"figures to reconcile with {report.name}" if report else f"figures of {period}"
        with engagement_terms(current, engagement, what) as (tx, engagement_id, all_terms):
            if extent(tx, engagement_id).events == 0:
                raise Refusal.of(
                    engagement,
                    "Its record holds no events yet.",
                    f"Bring them in: openbpo import {engagement} FILE",
                )
            at = known_entry(tx, engagement_id, known_at)
            name = period or period_of_report(report or Path())
            state, entry = standing_at(tx, engagement_id, name, at)
            known = ALL_KNOWN if entry is None else entry
            terms = all_terms
            if entry is not None:
                terms = StoredKnowledge(tx, engagement_id).terms(entry)
            told = _read(report, terms, name) if report is not None else None
            ours = recomputed_of(tx, engagement_id, terms, name, known=known)
            if told is not None:
                found = reconcile(ours, told)
                if needs_earlier(ours, found):
                    earlier = with_earlier(tx, engagement_id, terms, ours, known=known)
                    found = reconcile(earlier, told)
    if told is None:
        assert template is not None
        _say_template(engagement, template, ours, as_json=as_json)
        return
    standing = Standing(state, entry)
    if as_json:
        say_json({**_json(engagement, ours, told, found), **standing.as_json()})
    else:
        _say(engagement, ours, told, found, standing)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the period is closed, and the entry up to which its figures here count."""

    state: State | None
    known: int | None

    def as_json(self) -> dict[str, Any]:
        """Return this for programs."""
        return {"state": self.state.value if self.state else "open", "known": self.known}

    def line(self, period: str) -> str | None:
        """Return a sentence, None where the figures are by all that is recorded."""
        if self.known is None:
            return None
        state = self.state.value if self.state else "open"
        stands = self.state is not None and self.state.stands
        figures = "its figures as they stand" if stands else "its figures"
        return f"{period} is {state}: {figures}, by what was known at entry {self.known:,}."


def _read(path: Path, all_terms: Sequence[Terms], name: str) -> Report:
    """Read a report by the names of the version that governs its period."""
    _, governing = find_period(all_terms, name)
    return read_report(path, governing.agreement, name)


def _say_template(engagement: str, path: Path, ours: Recomputed, *, as_json: bool) -> None:
    rows = write_report(path, tables(ours))
    period = ours.work.period.name
    if as_json:
        say_json({"engagement": engagement, "period": period, "file": str(path), "rows": rows})
        return
    say(f"{path}: {rows:,} rows, the figures of {period} and the cases behind them.")
    say_wrapped(f"Put the other side's figures in their place: openbpo reconcile {engagement} FILE")


def _say(
    engagement: str, ours: Recomputed, told: Report, found: Reconciliation, standing: Standing
) -> None:
    currency = ours.terms.agreement.currency
    say(f"{engagement}, {ours.work.period.name}: {told.name} against the record")
    say_wrapped(standing_line(ours.terms))
    known = standing.line(ours.work.period.name)
    if known is not None:
        say_wrapped(known)
    say()
    for line in _sum_lines(told, found, currency):
        say(line)
    say()
    if not found.differences:
        say("  No difference.")
    else:
        for line in (*_cause_lines(found, currency), "", *_difference_lines(found, currency)):
            say(line)
    _say_notes(ours, told, found)


def _sum_lines(told: Report, found: Reconciliation, currency: str) -> list[str]:
    whole = found.reported.minus(found.recomputed)
    rows = [
        (
            name.capitalize(),
            figure_text(getattr(found.reported, name)) if name in told.sums else "not told",
            figure_text(getattr(found.recomputed, name)),
            _signed(getattr(whole, name)),
        )
        for name in SUMS
    ]
    return table(("", "Report", "Recomputed", f"Difference {currency}"), rows, right=(1, 2, 3))


def _cause_lines(found: Reconciliation, currency: str) -> list[str]:
    rows = []
    for cause in Cause:
        of_cause = [one for one in found.differences if one.difference.cause is cause]
        if of_cause:
            money = sum_money((one.money.total for one in of_cause), currency)
            rows.append((cause.value, f"{len(of_cause):,}", _signed(money)))
    if found.interaction.total.exact:
        rows.append(("together, beyond each alone", "", _signed(found.interaction.total)))
    whole = found.reported.total - found.recomputed.total
    rows.append(("all", f"{len(found.differences):,}", _signed(whole)))
    return table(("Cause", "Differences", f"Total {currency}"), rows, right=(1, 2))


def _difference_lines(found: Reconciliation, currency: str) -> list[str]:
    rows = [_row(number, one) for number, one in enumerate(found.differences, start=1)]
    head = ("", "Cause", "Figure", "Case", "Report", "Recomputed", f"Total {currency}", "Why")
    return table(head, rows, right=(0, 6))


def _row(number: int, one: Priced) -> Sequence[str]:
    told = one.difference
    return (
        str(number), told.causes_text, told.figure, ", ".join(told.cases), told.reported,
        told.recomputed, _signed(one.money.total), told.why,
    )  # fmt: skip


def _signed(money: Money) -> str:
    if money.exact < 0:
        return MINUS + figure_text(-money)
    return f"+{figure_text(money)}" if money.exact else figure_text(money)


def _say_notes(ours: Recomputed, told: Report, found: Reconciliation) -> None:
    notes = list(told.notes)
    if found.not_told:
        notes.append(f"The report tells nothing of {listed(found.not_told)}.")
    volumes = ours.volumes
    for note in (*notes, *question_lines(ours.results, volumes)):
        say()
        say_wrapped(note)


def _json(engagement: str, ours: Recomputed, told: Report, found: Reconciliation) -> dict[str, Any]:
    return {
        "engagement": engagement,
        **head_json(ours.work),
        "report": told.name,
        "currency": ours.terms.agreement.currency,
        "reported": {
            name: text if name in told.sums else None
            for name, text in _sums_json(found.reported).items()
        },
        "recomputed": _sums_json(found.recomputed),
        "difference": _sums_json(found.reported.minus(found.recomputed)),
        "differences": [
            {
                "cause": one.difference.cause.value,
                "and": one.difference.also.value if one.difference.also else None,
                "figure": one.difference.figure,
                "cases": list(one.difference.cases),
                "reported": one.difference.reported,
                "recomputed": one.difference.recomputed,
                "why": one.difference.why,
                "money": _sums_json(one.money),
            }
            for one in found.differences
        ],
        "interaction": _sums_json(found.interaction),
        "not_told": list(found.not_told),
        "notes": list(told.notes),
        "undecided": questions_json(ours.results, ours.volumes),
    }


def _sums_json(sums: Reckoned) -> dict[str, str]:
    return {name: decimal_text(getattr(sums, name).exact) for name in SUMS}


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("reconcile")(reconcile_)
