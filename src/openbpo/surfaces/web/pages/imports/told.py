"""What the pages of imports tell, from jobs, recordings and statements: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.record.queries import Recording
from openbpo.storage.jobs.model import Job, JobState
from openbpo.surfaces.web.numbers import current_locale, figure_text, month_text, share_text
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Shape, Table
from openbpo.values.shares import decimal_text

UNDER_WAY = (JobState.WAITING, JobState.RUNNING)
SHARE_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: in words, and in per cent where that is known."""

    words: str
    percent: int | None


def progress_of(job: Job) -> Progress:
    """Return how far a job is."""
    if job.state == JobState.WAITING:
        return Progress(_("It waits for its turn."), None)
    if not job.steps:
        return Progress(_("It is being looked through."), None)
    if job.doing == "rows":
        words = _("%(done)s of about %(all)s rows are in.") % {
            "done": _n(job.steps_done), "all": _n(job.steps)}  # fmt: skip
        return Progress(words, min(100 * job.steps_done // job.steps, 99))
    words = _("All rows are in. Figures: month %(done)s of %(all)s.") % {
        "done": _n(job.steps_done), "all": _n(job.steps)}  # fmt: skip
    return Progress(words, 100 * job.steps_done // job.steps)


@dataclass(frozen=True, slots=True)
class Counted:
    """What an import did: read = accepted + corrected + already known + refused."""

    read: int
    accepted: int
    corrected: int
    already_known: int
    refused: int
    out_of_order: int
    was_known: bool

    @classmethod
    def of(cls, outcome: Mapping[str, Any]) -> Counted:
        """Return what a job's outcome tells."""
        return cls(**{name: outcome[name] for name in cls.__slots__})

    @property
    def finding(self) -> str:
        """Return what is said first of it."""
        if self.was_known:
            return _("This very file was in already; nothing was done")
        taken = self.accepted + self.corrected
        if self.refused:
            return ngettext(
                "%(taken)s rows are in, %(refused)s was refused",
                "%(taken)s rows are in, %(refused)s were refused",
                self.refused,
            ) % {"taken": _n(taken), "refused": _n(self.refused)}
        if not taken:
            return _("All %(n)s rows were known already") % {"n": _n(self.read)}
        return _("All %(n)s rows are in") % {"n": _n(self.read - self.already_known)}

    @property
    def formula(self) -> str:
        """Return the sum that read comes to."""
        return _(
            "%(read)s read = %(accepted)s accepted + %(corrected)s corrected"
            " + %(known)s already known + %(refused)s refused"
        ) % {
            "read": _n(self.read), "accepted": _n(self.accepted),
            "corrected": _n(self.corrected), "known": _n(self.already_known),
            "refused": _n(self.refused),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """A period's first figures; money is None where the role does not see it."""

    period: str
    month: str
    share: str
    formula: str
    of: str
    chip: Chip
    credit: str | None
    credit_formula: str
    total: str | None
    total_formula: str


def verdict_of(statement: Mapping[str, Any], *, sees_money: bool) -> Verdict:
    """Return the first measure's verdict of a statement, with its credit and the invoice's sum."""
    measure = statement["measures"][0]
    share = measure["share"]
    locale = current_locale()
    currency = statement["currency"]
    shown = "–" if share is None else share_text(cut_off(Fraction(share) * 100), locale)
    rate = Decimal(statement["credit_rate"]) * 100
    fees = figure_text(statement["fees"], locale)
    return Verdict(
        period=statement["period"],
        month=month_text(statement["period"], locale),
        share=shown,
        formula=_("%(within)s within of %(of)s finished") % {
            "within": _n(measure["numerator"]), "of": _n(measure["denominator"])},
        of=_("%(within)s of %(of)s") % {
            "within": _n(measure["numerator"]), "of": _n(measure["denominator"])},
        chip=_chip(measure["verdict"]),
        credit=figure_text(statement["credits"], locale) if sees_money else None,
        credit_formula=_("%(rate)s %% of fees of %(fees)s") % {
            "rate": figure_text(decimal_text(Fraction(rate), 0), locale), "fees": fees},
        total=figure_text(statement["total"], locale) if sees_money else None,
        total_formula=_("%(fees)s fees − %(credits)s credit + %(tax)s tax, in %(currency)s") % {
            "fees": fees, "credits": figure_text(statement["credits"], locale),
            "tax": figure_text(statement["tax"], locale), "currency": currency},
    )  # fmt: skip


def cut_off(points: Fraction) -> Decimal:
    """Return per cent points to two decimals, cut off: what is below a level never reads as it."""
    return Decimal(int(points * 10**SHARE_DECIMALS)).scaleb(-SHARE_DECIMALS)


def _chip(verdict: str | None) -> Chip:
    shapes = {
        "met": Chip(Shape.MET, _("Met")),
        "default": Chip(Shape.DEFAULT, _("Default")),
        "low_volume": Chip(Shape.LOW, _("Low volume")),
    }
    return shapes.get(verdict or "", Chip(Shape.PLAIN, _("Not judged")))


def verdict_table(verdicts: Sequence[Verdict], currency: str, *, sees_money: bool) -> Table:
    """Return the months with their verdicts, the latest first."""
    columns = [
        Column(_("Month")),
        Column(_("Service level"), is_number=True),
        Column(_("Cases within"), is_number=True),
        Column(_("Verdict")),
    ]  # fmt: skip
    if sees_money:
        columns += [
            Column(_("Credit, %(currency)s") % {"currency": currency}, is_number=True),
            Column(_("Invoice, %(currency)s") % {"currency": currency}, is_number=True),
        ]
    rows = []
    for one in verdicts:
        money = (one.credit, one.total) if sees_money else ()
        rows.append(Row((one.month, one.share, one.of, Cell(chip=one.chip), *money)))
    return Table(columns, rows)


def recordings_table(recordings: Sequence[Recording], moment: Any) -> Table:
    """Return what was imported, by whatever way, the latest first."""
    columns = (
        Column(_("File")), Column(_("When")), Column(_("Mapping")),
        Column(_("Read"), is_number=True), Column(_("Accepted"), is_number=True),
        Column(_("Corrected"), is_number=True), Column(_("Already known"), is_number=True),
        Column(_("Refused"), is_number=True), Column(_("State")),
    )  # fmt: skip
    return Table(columns, [_recording_row(one, moment) for one in recordings])


def _recording_row(one: Recording, moment: Any) -> Row:
    if one.abandoned_at is not None:
        state = Chip(Shape.PLAIN, _("Given up"))
    elif one.completed_at is None:
        state = Chip(Shape.PRELIMINARY, _("Not finished"))
    else:
        state = Chip(Shape.PLAIN, _("In the record"))
    counts = (one.read, one.accepted, one.corrected, one.already_known, one.refused)
    if one.completed_at is None:
        shown: Sequence[Any] = ("",) * 5
    else:
        shown = [_n(count) for count in counts]
    return Row((
        Cell(one.source, small=one.opened_by.removeprefix("user:")), moment(one.opened_at),
        one.mapping, *shown, Cell(chip=state),
    ))  # fmt: skip


def _n(count: int) -> str:
    return figure_text(count, current_locale())
