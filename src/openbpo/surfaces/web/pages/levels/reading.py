"""What the pages of service levels read: which periods there are, and their statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from babel.dates import format_date
from django.http import Http404
from django.utils.translation import gettext as _

from openbpo.billing.statements.actions import statement_of, statements_between
from openbpo.billing.statements.model import Statement
from openbpo.billing.statements.queries import period_names
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.numbers import current_locale, month_text
from openbpo.surfaces.web.pages.levels.figures import MONTHS, Told
from openbpo.surfaces.web.visits import Crumb, Visit
from openbpo.values.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a record, the newest last, and the one that is looked at."""

    names: Sequence[str]
    chosen: str

    @property
    def before(self) -> list[str]:
        """Return the chosen one and those before it: at most twelve."""
        return [name for name in self.names if name <= self.chosen][-MONTHS:]


def periods_of(tx: Transaction, visit: Visit, wanted: str | None) -> Periods | None:
    """Return the periods; None where the record has none. Http404 for one that it has not."""
    try:
        names = period_names(tx, visit.engagement_id)
    except Refusal:
        names = []
    if not names:
        if wanted:
            raise no_such_period()
        return None
    if wanted and wanted not in names:
        raise no_such_period()
    return Periods(names, wanted or names[-1])


def no_such_period() -> Http404:
    """Return the answer where the record has nothing of a period."""
    return Http404(_("The record has nothing of this period."))


def told_of(tx: Transaction, visit: Visit, period: str) -> Told:
    """Return a period's statement; Http404 where the record has nothing of it."""
    found = periods_of(tx, visit, period)
    if found is None:
        raise no_such_period()
    return statement_of(tx, visit.engagement_id, period).told


def up_to(tx: Transaction, visit: Visit, periods: Periods) -> list[Statement]:
    """Return the statements of up to twelve months, the chosen one last."""
    names = periods.before
    return statements_between(tx, visit.engagement_id, names[0], names[-1])


def measure_in(told: Told, measure_id: str) -> Told:
    """Return a measure of a statement; Http404 where it has none of this name."""
    for one in told["measures"]:
        if one["id"] == measure_id:
            found: Told = one
            return found
    raise Http404(_("The period has no measure of this name."))


def months_of(statements: Sequence[Statement], measure_id: str) -> list[tuple[str, str, Told]]:
    """Return a measure in each month that has it, with the month's name and state."""
    return [
        (statement.period, statement.told["state"], one)
        for statement in statements
        for one in statement.told["measures"]
        if one["id"] == measure_id
    ]


def short_month(period: str) -> str:
    """Return a month's short name, for a trend: Sep."""
    found: str = format_date(date.fromisoformat(f"{period}-01"), "LLL", locale=current_locale())
    return found


def month_name(period: str) -> str:
    """Return a period in words."""
    return month_text(period, current_locale())


def at_month(visit: Visit, period: str) -> Visit:
    """Return the visit within a month of the service levels."""
    href = f"{visit.href('service_levels')}?period={period}"
    return visit.at(Crumb(month_name(period), href))


def any_text(value: Any) -> str:
    """Return a query's value, or nothing."""
    return str(value or "").strip()
