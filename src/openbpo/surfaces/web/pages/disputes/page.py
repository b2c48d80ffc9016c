"""A dispute: three readings, the bridge between two of them, and what can be done next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.agreements.model import Side
from openbpo.billing.disputes.decisions import other
from openbpo.billing.disputes.model import Dispute, DisputeAct
from openbpo.billing.disputes.queries import disputes_of
from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.bridging import Counted
from openbpo.billing.statements.model import CaseRow
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.engagements import Named
from openbpo.surfaces.web.numbers import (
    current_locale,
    moment_text,
    money_text,
    share_text,
    signed_text,
)
from openbpo.surfaces.web.pages.disputes import acting
from openbpo.surfaces.web.pages.disputes.listing import awaited
from openbpo.surfaces.web.pages.disputes.readings import Between, Said, Step, between, measure_of
from openbpo.surfaces.web.pages.disputes.words import (
    DEEDS,
    amount,
    by_the_agreement,
    cause_text,
    cause_title,
    is_credit,
    line_text,
    party,
    side_word,
    state_chip,
)
from openbpo.surfaces.web.pages.levels.figures import (
    OUTCOME_WORDS,
    Told,
    cases_text,
    decimals_of,
    expected_levels,
    levels_of,
    number,
    of_text,
    points,
    scale_over,
    shown_share,
    verdict_chip,
)
from openbpo.surfaces.web.pages.levels.overview import credit_formula
from openbpo.surfaces.web.pages.levels.reading import month_name
from openbpo.surfaces.web.parts.drawings import bridge_cell, bridge_head
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Row, Scale, Stretch, Table
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right

MOST_CLAIMED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReading:
    """A reading as it stands in the head of the page."""

    title: str
    figure: str
    unit: str
    formula: str
    of: str
    money: str
    note: str
    is_judged: bool
    chip: Chip | None = None


@page("e/<handle>/disputes/<number>", needs=Right.SEE_BILLING)
def dispute(visit: Visit, number: str) -> HttpResponse:
    """Show a dispute."""
    visit.refuse_unless(Right.SEE_MONEY)
    with visit.reading("a dispute") as tx:
        found = find(tx, visit, number)
        month = statement_of(tx, visit.engagement_id, found.period).told
        measure = measure_of(found, month) if found.line == "credit" else None
        apart = None
        if measure is not None:
            apart = between(found, month, measure, _claimed(tx, visit, found, measure))
    data = told(visit, found, month, apart)
    here = visit.at(Crumb(_("Disputes"), visit.href("disputes")), Crumb(month_name(found.period)))
    return here.page("pages/disputes/dispute.html", data)


def find(tx: Transaction, visit: Visit, wanted: str) -> Dispute:
    """Return a dispute by its number in an address; Http404 where there is none."""
    for one in disputes_of(tx, visit.engagement_id):
        if str(one.number) == wanted:
            return one
    raise Http404(_("There is no dispute of this number."))


def _claimed(tx: Transaction, visit: Visit, found: Dispute, measure: Told) -> Sequence[CaseRow]:
    if not found.cases:
        return ()
    return cases_of(
        tx, visit.engagement_id, found.period, f"measure:{measure['id']}",
        cases=found.cases[:MOST_CLAIMED], size=MOST_CLAIMED,
    ).rows  # fmt: skip


def told(visit: Visit, found: Dispute, month: Told, apart: Between | None) -> dict[str, Any]:
    """Return what the page tells."""
    called = visit.named
    return {
        "dispute": found,
        "line": line_text(found),
        "over": _over(found, apart),
        "finding": finding(found, apart),
        "note": note(found, apart),
        "chip": state_chip(found),
        "clock": awaited(found, called),
        "sides": sides(found, apart, called),
        "bridge": bridge_table(visit, found, apart) if apart else None,
        "bridge_title": bridge_title(apart) if apart else "",
        "levels": [str(level.word) for level in expected_levels(apart.measure["regime"])]
        if apart
        else [],
        "deciding": list(deciding(visit, found, apart)) if apart else [],
        "credit": credit_line(visit, found, month, apart),
        "named": named_cases(visit, found),
        "history": [_act(one, found, called) for one in found.acts],
        "own": acting.own_moves(visit, found, month, apart),
        "others": acting.others_moves(visit, found, month, apart),
    }


def _over(found: Dispute, apart: Between | None) -> str:
    what = line_text(found)
    if apart is not None:
        what = apart.measure["says"] or apart.measure["in_words"]
    return f"{what} · {month_name(found.period)}"


def _share(said: Said, measure: Told) -> str:
    return shown_share(
        said.compared or said.counted.share, decimals_of(measure), levels_of(measure)
    )


def finding(found: Dispute, apart: Between | None) -> str:
    """Return the dispute in a line: what each side says."""
    if apart is not None and apart.steps:
        return _("Provider says %(provider)s, client says %(client)s") % {
            side: _share(apart.of(side), apart.measure) for side in ("provider", "client")
        }
    return _("%(line)s: it stands at %(stands)s, %(side)s says %(wanted)s") % {
        "line": line_text(found), "stands": amount(found.stands, found),
        "side": side_word(found.side).lower(), "wanted": amount(found.wanted, found),
    }  # fmt: skip


def note(found: Dispute, apart: Between | None) -> str:
    """Return what lies between the sides and what decides it."""
    if found.settled is not None:
        return _("Settled at %(amount)s. What that changes stands on the next invoice.") % {
            "amount": amount(found.settled, found)
        }
    if apart is None or not apart.steps:
        return found.reason
    said = {
        "cases": cases_text(apart.cases),
        "money": money_text(apart.money, None, current_locale()),
        "share": _share(apart.judged, apart.measure),
        "credit": money_text(apart.judged.credit, None, current_locale()),
    }
    lies = ngettext(
        "%(cases)s and %(money)s lies between them.",
        "%(cases)s and %(money)s lie between them.",
        apart.cases,
    )
    stands = _(
        "By the words of the agreement the month stands at %(share)s and %(credit)s is owed."
    )
    return f"{lies % said} {stands % said}"


# --- Readings --------------------------------------------------------------------------------


def sides(found: Dispute, apart: Between | None, called: Named) -> list[ShownReading]:
    """Return the provider's reading, the agreement's, the client's."""
    if apart is None:
        return _amounts(found, called)
    rows: list[tuple[Side | None, Said, str]] = [
        ("provider", apart.of("provider"), party(called, "provider")),
        (None, apart.judged, ""),
        ("client", apart.of("client"), party(called, "client")),
    ]
    return [_side(said, name, side, found, apart) for side, said, name in rows]


def _side(said: Said, name: str, side: Side | None, found: Dispute, apart: Between) -> ShownReading:
    share = _share(said, apart.measure)
    claims = said.reading.claimed
    words = next(
        one["in_words"] for one in apart.measure["formulas"] if one["id"] == said.reading.formula
    )
    if claims:
        words = _("%(words)s, and %(cases)s read otherwise") % {
            "words": words, "cases": cases_text(len(claims)),
        }  # fmt: skip
    return ShownReading(
        title=_("%(name)s says") % {"name": name} if side else _("The agreement’s words give"),
        figure=share.removesuffix("\u00a0%"),
        unit="%" if "%" in share else "",
        formula=words,
        of=of_text(said.counted.numerator, said.counted.denominator),
        money=money_text(said.credit, None, current_locale()),
        note=_asked(found, side) if side else _("service credit"),
        is_judged=side is None,
        chip=verdict_chip(said.verdict),
    )


def _asked(found: Dispute, side: Side) -> str:
    """Return what a side has on the table, where that is its last word."""
    if found.offered_by == side and found.offer is not None:
        return _("service credit; asks for %(amount)s") % {"amount": amount(found.offer, found)}
    return _("service credit")


def _amounts(found: Dispute, called: Named) -> list[ShownReading]:
    """Return the amounts alone, for a line that is no share."""
    claimed = found.offer if found.offered_by == other(found.side) else None
    by_side: dict[Side, str] = {
        found.side: amount(found.wanted, found),
        other(found.side): amount(claimed or found.stands, found),
    }
    return [
        _amount(_("%(name)s says") % {"name": party(called, "provider")}, by_side["provider"]),
        _amount(_("As it was charged"), amount(found.stands, found), is_judged=True),
        _amount(_("%(name)s says") % {"name": party(called, "client")}, by_side["client"]),
    ]


def _amount(title: str, figure: str, *, is_judged: bool = False) -> ShownReading:
    shown, _sep, currency = figure.rpartition("\u00a0")
    return ShownReading(
        title=title, figure=shown, unit=currency, formula="", of="", money="", note="",
        is_judged=is_judged,
    )  # fmt: skip


# --- The bridge ------------------------------------------------------------------------------


def bridge_title(apart: Between) -> str:
    """Return what the bridge explains: how many points, and from where to where."""
    apart_points = _points(apart.disputer.counted, apart.answerer.counted)
    if apart_points is None:
        return _("What lies between the two")
    return _("Where the %(points)s points come from") % {
        "points": signed_text(abs(apart_points), current_locale()).lstrip("+")
    }


def _points(one: Counted, two: Counted) -> Decimal | None:
    before, after = points(one.share, 2), points(two.share, 2)
    return None if before is None or after is None else after - before


def bridge_table(visit: Visit, found: Dispute, apart: Between) -> Table:
    """Return the way from the disputer's reading to the other's, a cause a row."""
    decimals = decimals_of(apart.measure)
    scale = _scale(apart)
    currency = apart.judged.credit.currency
    columns = (
        Column(_("Cause")), Column(_("By the agreement")), Column(_("Cases"), is_number=True),
        Column(_("Points"), is_number=True), Column(bridge_head(scale), is_drawn=True),
        Column(_("Share, then"), is_number=True),
        Column(_("Credit, then, %(currency)s") % {"currency": currency}, is_number=True),
    )  # fmt: skip
    rows = [_end(apart.disputer, apart, scale, found.side)]
    for side, end in ((found.side, _judged(apart, scale)), (other(found.side), None)):
        steps = [step for step in apart.steps if step.against == side]
        rows += [_cause(visit, found, apart, step, scale, decimals) for step in steps]
        rows += [end] if end else []
    total = cases_text(apart.cases)
    rows.append(_end(apart.answerer, apart, scale, other(found.side), cases=total))
    return Table(columns, rows)


def _judged(apart: Between, scale: Scale) -> Row:
    judged = apart.judged
    at = points(judged.counted.share, 2)
    return Row(
        (
            Cell(_("By the agreement"), small=_of(judged, apart.measure)),
            "", "", "", _mark(scale, at, at), _share(judged, apart.measure), _bare(judged.credit),
        ),
        "judged strong",
    )  # fmt: skip


def _of(said: Said, measure: Told) -> str:
    words = next(
        one["in_words"] for one in measure["formulas"] if one["id"] == said.reading.formula
    )
    return f"{of_text(said.counted.numerator, said.counted.denominator)}: {words}"


def _end(said: Said, apart: Between, scale: Scale, side: Side, *, cases: str = "") -> Row:
    at = points(said.counted.share, 2)
    title = _("%(side)s says") % {"side": side_word(side)}
    moved = _points(apart.disputer.counted, said.counted) if cases else None
    return Row(
        (
            Cell(title, small=_of(said, apart.measure)), "", cases, _signed(moved),
            _mark(scale, at, at), _share(said, apart.measure), _bare(said.credit),
        ),
        "strong",
    )  # fmt: skip


def _cause(
    visit: Visit, found: Dispute, apart: Between, step: Step, scale: Scale, decimals: int | None
) -> Row:
    cause, measure = step.cause, apart.measure
    before, after = points(cause.was.share, 2), points(cause.then.share, 2)
    moved = step.moved.amount if Decimal(step.moved.amount) else None
    return Row(
        (
            Cell(cause_title(cause, measure), small=cause_text(cause, measure)),
            by_the_agreement(step.by_the_agreement, step.against),
            Cell(number(cause.cases), href=_listed(visit, found, step, measure)),
            _signed(_points(cause.was, cause.then)),
            _mark(scale, before, after),
            shown_share(step.compared or cause.then.share, decimals),
            Cell(_bare(step.credit), small=_signed(Decimal(moved)) if moved else ""),
        )
    )


def _listed(visit: Visit, found: Dispute, step: Step, measure: Told) -> str:
    """Return the address of the cases behind a cause; none for a role that sees no cases."""
    if not visit.may(Right.SEE_CASES):
        return ""
    if step.cause.named:
        return "#named"
    address = visit.href("measure_cases", period=found.period, measure=measure["id"])
    return f"{address}?{urlencode({'group': step.cause.group})}"


def _mark(scale: Scale, before: Decimal | None, after: Decimal | None) -> Any:
    if before is None or after is None:
        return ""
    return Cell(drawing=bridge_cell(scale, Stretch(before, after)))


def _signed(value: Decimal | None) -> str:
    return "" if value is None else signed_text(value, current_locale())


def _bare(value: Any) -> str:
    return money_text(value.amount, None, current_locale())


def _scale(apart: Between) -> Scale:
    counts = [apart.disputer.counted, apart.judged.counted, apart.answerer.counted]
    counts += [step.cause.then for step in apart.steps]
    values = [found for one in counts if (found := points(one.share, 2)) is not None]
    levels = [
        replace(level, word=share_text(level.at, current_locale()))
        for level in expected_levels(apart.measure["regime"])
    ]
    return scale_over(values, levels)


# --- What decides ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """A cause that moves the money, and how few of its cases do."""

    title: str
    told: str
    href: str


def deciding(visit: Visit, found: Dispute, apart: Between) -> Any:
    """Yield the causes whose cases decide the money."""
    for step in apart.steps:
        if step.deciding is None:
            continue
        said = {
            "k": number(step.deciding),
            "cases": cases_text(step.cause.cases),
            "money": money_text(step.credit - step.moved, None, current_locale()),
            "then": money_text(step.credit, None, current_locale()),
        }
        yield Deciding(
            title=_("%(cause)s: %(after)s instead of %(before)s")
            % {
                "cause": cause_title(step.cause, apart.measure),
                "after": OUTCOME_WORDS[step.cause.after.value]().lower(),
                "before": OUTCOME_WORDS[step.cause.before.value]().lower(),
            },
            told=_("%(k)s of these %(cases)s already take the credit from %(money)s to %(then)s.")
            % said,
            href=_listed(visit, found, step, apart.measure),
        )


def credit_line(visit: Visit, found: Dispute, month: Told, apart: Between | None) -> Any:
    """Return how the credit that stands was made, with the address of its measure."""
    if not is_credit(found) or month["credit"] is None:
        return None
    href = ""
    if apart is not None:
        href = visit.href("measure", period=found.period, measure=apart.measure["id"])
    stands = amount(found.stands, found)
    return {"stands": stands, "formula": credit_formula(month), "href": href,
            "clause": month["credit"]["clause"]}  # fmt: skip


def named_cases(visit: Visit, found: Dispute) -> list[tuple[str, str]]:
    """Return the cases that were named with the claim, each with its address."""
    if not visit.may(Right.SEE_CASES):
        return []
    return [(case, visit.href("case", case=case)) for case in found.cases[:MOST_CLAIMED]]


def _act(act: DisputeAct, found: Dispute, called: Named) -> tuple[str, str, str]:
    """Return an act: when, who did what, and why."""
    what = DEEDS[act.did]()
    text = act.told.get("amount") or act.told.get("wanted")
    if text is not None:
        value = type(found.stands).parse(f"{text} {found.stands.currency}")
        what = f"{what}: {amount(value, found)}"
    formula = act.told.get("formula")
    reason = act.told.get("reason") or ""
    if formula is not None:
        by = _("by formula %(formula)s") % {"formula": formula["formula"]}
        reason = f"{reason} ({by})" if reason else by
    return moment_text(act.at, current_locale()), f"{party(called, act.side)} {what}", reason
