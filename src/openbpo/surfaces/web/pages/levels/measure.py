"""A measure of a month: its words, its figure, its ladder, its outcomes, its trend, what if."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext as _

from openbpo.billing.closing.lines import CREDIT
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.statements.inputs import inputs_from
from openbpo.billing.statements.supposing import what_if
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.pages.levels import supposing
from openbpo.surfaces.web.pages.levels.figures import (
    IN_ORDER,
    OUTCOME_WORDS,
    STATE_NOTES,
    Told,
    cases_text,
    decimals_of,
    lasted,
    levels_of,
    money,
    named,
    number,
    of_text,
    points,
    reason_text,
    share_of,
    shown_level,
    shown_share,
    state_chip,
    trend_of,
    verdict_chip,
)
from openbpo.surfaces.web.pages.levels.overview import credit_rate
from openbpo.surfaces.web.pages.levels.reading import (
    Periods,
    at_month,
    measure_in,
    month_name,
    months_of,
    no_such_period,
    periods_of,
    short_month,
    up_to,
)
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Table
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right


@page("e/<handle>/service-levels/<period>/<measure>", needs=Right.SEE_SERVICE_LEVELS)
def measure(visit: Visit, period: str, measure: str) -> HttpResponse:
    """Show a measure of a month; with a query, what it would come to otherwise."""
    with visit.reading("service levels") as tx:
        periods = periods_of(tx, visit, period)
        if periods is None:
            raise no_such_period()
        statements = up_to(tx, visit, periods)
        running = _dispute(tx, visit, period)
    month = statements[-1].told
    found = measure_in(month, measure)
    months = months_of(statements, measure)
    sees_money = visit.may(Right.SEE_MONEY)
    listed = visit.href("measure_cases", period=period, measure=measure)
    data = told(month, found, sees_money=sees_money, cases=_opener(visit, listed))
    data["trend"] = trend_of(months, data["says"], short_month) if len(months) > 1 else None
    data["trend_finding"] = trend_finding(months)
    data["periods"] = _periods(visit, periods, measure)
    data["what_if"] = supposing.told(month, found, visit.request.GET, sees_money=sees_money)
    data["running"] = running
    data["dispute_href"] = (
        visit.href("dispute_credit", period=period, measure=measure)
        if not running and may_dispute(visit, month, found)
        else ""
    )
    here = at_month(visit, period).at(Crumb(found["clause"] or named(measure)))
    return here.page("pages/levels/measure.html", data)


def _dispute(tx: Transaction, visit: Visit, period: str) -> str:
    """Return the address of the dispute in which the month's credit is, if it is in one."""
    if not visit.may(Right.SEE_BILLING):
        return ""
    for one in disputes_of(tx, visit.engagement_id):
        if (one.period, one.line) == (period, CREDIT) and not one.state.is_over:
            return visit.href("dispute", number=one.number)
    return ""


def may_dispute(visit: Visit, month: Told, measure: Told) -> bool:
    """Whether the visitor can dispute the month's credit by another formula."""
    stands = month["state"] in ("reported", "disputed", "agreed")
    is_other = any(not one["is_agreed"] for one in measure["formulas"])
    may = visit.may(Right.DISPUTE_LINE) and visit.may(Right.SEE_MONEY)
    return may and stands and is_other and month["credit"] is not None


Opener = Callable[..., str]


def _opener(visit: Visit, address: str) -> Opener:
    """Return what makes the address of a list of cases; none for a role that sees no cases."""

    def cases(**query: str) -> str:
        return f"{address}?{urlencode(query)}" if query else address

    return cases if visit.may(Right.SEE_CASES) else lambda **_query: ""


def _periods(visit: Visit, periods: Periods, measure_id: str) -> list[tuple[str, str, bool]]:
    return [
        (month_name(name), visit.href("measure", period=name, measure=measure_id),
         name == periods.chosen)
        for name in periods.before
    ]  # fmt: skip


def told(month: Told, measure: Told, *, sees_money: bool, cases: Opener) -> dict[str, Any]:
    """Return what the page tells, but for its trend and what-if."""
    says = measure["says"] or measure["in_words"]
    return {
        "says": says,
        "measure": measure,
        "period": month["period"],
        "version": month["version"]["number"],
        "state": state_chip(month["state"]),
        "state_note": STATE_NOTES[month["state"]](),
        "finding": finding(measure, month["period"]),
        "chip": verdict_chip(measure["verdict"], undecided=measure["outcomes"]["not_provable"]),
        "tiles": list(tiles(month, measure, sees_money=sees_money)),
        "words": list(words(measure)),
        "ladder": list(ladder(month, measure, sees_money=sees_money)),
        "outcomes": outcomes(measure, cases),
        "counts": counts(measure),
        "beside": [(named(one["id"]), _beside(one)) for one in measure.get("beside", ())],
        "all_cases": cases(),
    }


def finding(measure: Told, period: str) -> str:
    """Return what came of the measure, in a line."""
    said = {"share": shown_share(share_of(measure), decimals_of(measure), levels_of(measure)),
            "month": month_name(period)}  # fmt: skip
    if measure["verdict"] == "met":
        return _("%(share)s in %(month)s: met") % said
    if measure["verdict"] == "default":
        return _("%(share)s in %(month)s: below what was promised") % said
    if measure["verdict"] == "low_volume":
        return _("Too few cases in %(month)s to judge") % said
    return _("%(share)s in %(month)s; no level judges it") % said


def tiles(
    month: Told, measure: Told, *, sees_money: bool
) -> Iterator[tuple[str, str, str, str, Chip | None]]:
    """Yield at most four figures: label, figure, unit, formula, and a chip in a figure's place."""
    decimals = decimals_of(measure)
    levels = levels_of(measure)
    found = points(share_of(measure), decimals, levels)
    share = shown_share(share_of(measure), decimals, levels)
    figure, unit = (share, "") if found is None else (share.removesuffix("\u00a0%"), "%")
    counted = of_text(measure["numerator"], measure["denominator"])
    yield month_name(month["period"]), figure, unit, f"{counted}: {measure['in_words']}", None
    chip = verdict_chip(measure["verdict"], undecided=measure["outcomes"]["not_provable"])
    yield _("Verdict"), "", "", _compared(measure), chip
    if sees_money:
        of = _("adds %(rate)s to the month's credit") % {"rate": credit_rate(measure)}
        formula = of if measure["verdict"] == "default" else _("nothing is added to the credit")
        yield (
            _("Credit of the month"),
            money(month["credits"], "").strip(),
            month["currency"],
            (formula),
            None,
        )
    yield _("State"), "", "", STATE_NOTES[month["state"]](), state_chip(month["state"])


def _compared(measure: Told) -> str:
    """Return between which levels the share lies, and how it was compared."""
    regime = measure["regime"]
    if regime is None:
        return _("The agreement names no level for it.")
    if measure["level"] is None:
        below = cases_text(regime["low_volume_below"])
        return _("below %(cases)s no month is judged") % {"cases": below}
    level = regime["levels"][measure["level"]]
    share = shown_share(share_of(measure), decimals_of(measure), levels_of(measure))
    between = share
    if Fraction(level["at_least"]) > 0:
        between = f"{shown_level(level['at_least'])} ≤ {between}"
    if level["below"] is not None:
        between = f"{between} < {shown_level(level['below'])}"
    decimals = regime["compare_decimals"]
    how = (
        _("compared exactly")
        if decimals is None
        else _("compared at %(n)s decimals") % {"n": decimals}
    )
    return f"{between}, {how}"


def words(measure: Told) -> Iterator[tuple[str, str]]:
    """Yield what is measured, in the agreement's terms."""
    yield _("Formula"), measure["in_words"]
    yield _("Of"), _condition(measure)
    clock = measure.get("clock")
    if clock is not None:
        yield _("Clock"), _("from %(start)s to %(stop)s, by the calendar %(calendar)s") % {
            "start": named(clock["from"]), "stop": named(clock["to"]),
            "calendar": named(clock["calendar"]),
        }  # fmt: skip
        if clock["pauses"]:
            yield _("Pauses"), ", ".join(named(one) for one in clock["pauses"])
        yield _("Promise"), _("at most %(limit)s") % {"limit": lasted(clock["within_us"])}
    else:
        yield _("Month"), _("a %(case)s belongs to the month of %(moment)s") % {
            "case": measure["case"], "moment": named(measure["moment"]),
        }  # fmt: skip
    if measure["regime"]:
        yield _("Levels"), measure["regime"]["clause"] or ""


def _condition(measure: Told) -> str:
    if measure["cases"] is None:
        return _("every %(case)s") % {"case": measure["case"]}
    return _("each %(case)s with %(condition)s") % {
        "case": measure["case"], "condition": measure["cases"],
    }  # fmt: skip


# --- The ladder ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A level: what it asks for, what it leads to, and how far it is."""

    range: str
    leads_to: str
    told: str
    is_reached: bool


def ladder(month: Told, measure: Told, *, sees_money: bool) -> Iterator[Rung]:
    """Yield the levels, the best first."""
    regime = measure["regime"]
    if regime is None:
        return
    for nth in reversed(range(len(regime["levels"]))):
        level = regime["levels"][nth]
        is_reached = nth == measure["level"]
        needed = _needed(measure, level)
        yield Rung(
            range=_range(level),
            leads_to=_leads_to(level),
            told=_reached(month, sees_money=sees_money)
            if is_reached
            else _far(month, measure, needed, sees_money=sees_money),
            is_reached=is_reached,
        )


def _range(level: Told) -> str:
    low, high = shown_level(level["at_least"]), level["below"]
    if Fraction(level["at_least"]) == 0 and high is not None:
        return _("below %(high)s") % {"high": shown_level(high)}
    if high is None:
        return _("%(low)s or more") % {"low": low}
    return _("%(low)s and more, below %(high)s") % {"low": low, "high": shown_level(high)}


def _leads_to(level: Told) -> str:
    if level["is_met"]:
        return _("Met: no credit")
    rate = shown_level(level["credit_rate"])
    return _("Default: %(rate)s") % {"rate": rate}


def _reached(month: Told, *, sees_money: bool) -> str:
    if not sees_money:
        return _("Reached")
    return _("Reached: %(credit)s") % {"credit": money(month["credits"], month["currency"])}


def _needed(measure: Told, level: Told) -> int | None:
    """Return the numerator nearest to the present one that the level holds, None if none is."""
    total = measure["denominator"]
    if not total:
        return None
    low = -(-Fraction(level["at_least"]) * total // 1)
    least = int(low)
    most = total
    if level["below"] is not None:
        most = min(total, int(-(-Fraction(level["below"]) * total // 1)) - 1)
    if least > most:
        return None
    return min(max(int(measure["numerator"]), least), most)


def _far(month: Told, measure: Told, needed: int | None, *, sees_money: bool) -> str:
    if needed is None or measure["level"] is None:
        return _("not reached")
    cases = needed - measure["numerator"]
    if cases == 0:
        return _("not reached")
    far = (
        _("%(cases)s more within") % {"cases": cases_text(cases)}
        if cases > 0
        else _("%(cases)s fewer within") % {"cases": cases_text(-cases)}
    )
    if not sees_money:
        return far
    tally = {measure["id"]: (needed, measure["denominator"])}
    then = what_if(inputs_from(month["inputs"]), tally=tally).credits
    return f"{far}: {money(then.amount, then.currency)}"


# --- What became of its cases ----------------------------------------------------------------


def outcomes(measure: Told, cases: Opener) -> Table:
    """Return what became of the cases; each row leads to their list."""
    rows: list[Row] = []
    for outcome in IN_ORDER:
        count = measure["outcomes"][outcome]
        href = cases(outcome=outcome) if count else ""
        rows.append(Row((Cell(OUTCOME_WORDS[outcome](), href=href), number(count))))
        reasons = measure["left_out"] if outcome == "left_out" else ()
        reasons = measure["not_provable"] if outcome == "not_provable" else reasons
        rows += [
            Row(
                (
                    Cell(small=reason_link(one["why"], cases(outcome=outcome, why=one["why"]))),
                    number(one["cases"]),
                ),
                "lighter",
            )
            for one in reasons
        ]
    return Table((Column(_("Outcome")), Column(_("Cases"), is_number=True)), rows)


def reason_link(why: str, href: str) -> Any:
    """Return a reason as a link to its cases, if there is one."""
    from django.utils.html import format_html

    text = reason_text(why)
    return format_html('<a href="{}">{}</a>', href, text) if href else text


def counts(measure: Told) -> Table | None:
    """Return the counts that formulas are made of, each with its condition."""
    if not measure.get("counts"):
        return None
    columns = (Column(_("Count")), Column(_("It holds")), Column(_("Cases"), is_number=True))
    rows = [Row((named(one["id"]), one["condition"], number(one["cases"])))
            for one in measure["counts"]]  # fmt: skip
    return Table(columns, rows)


def _beside(one: Told) -> str:
    value = one["value"]
    if value is None:
        return "–"
    if one["kind"] == "share":
        shown = shown_share(value)
    else:
        shown = shown_share(Fraction(value) / 100).removesuffix("\u00a0%")
    return f"{shown}: {one['in_words']}"


def trend_finding(months: list[tuple[str, str, Told]]) -> str:
    """Return how many months were met and how many not."""
    verdicts = [one["verdict"] for _period, _state, one in months]
    return _("%(n)s months: %(met)s met, %(missed)s in default") % {
        "n": len(verdicts), "met": verdicts.count("met"), "missed": verdicts.count("default"),
    }  # fmt: skip
