"""A case: each measure that applies with its arithmetic, its invoice lines, its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from openbpo.agreements.versions.queries import terms_in_force
from openbpo.billing.statements.actions import cases_of, statement_of
from openbpo.billing.statements.queries import case_time_line
from openbpo.storage.database import Transaction
from openbpo.surfaces.web.numbers import current_locale, moment_text
from openbpo.surfaces.web.pages.levels.figures import (
    Told,
    instant,
    lasted,
    money,
    named,
    outcome_chip,
    reason_text,
    shown_level,
    titled,
    whose_text,
)
from openbpo.surfaces.web.pages.levels.lanes import days_of, lanes_of
from openbpo.surfaces.web.pages.levels.reading import month_name
from openbpo.surfaces.web.parts.pieces import Cell, Chip, Column, Gap, Lane, Row, Shape, Table
from openbpo.surfaces.web.showing import Masked, ShownEvent, show_cases
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal

MOST_EVENTS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMeasure:
    """A measure of the case: what came of it and the arithmetic behind."""

    id: str
    says: str
    clause: str
    chip: Chip
    finding: str
    href: str
    lanes: Sequence[Lane | Gap]
    sum: Table | None
    sum_text: str
    formulas: Table | None
    pairs: Sequence[tuple[str, str]]


@page("e/<handle>/cases/<path:case>", needs=Right.SEE_CASES, name="case")
def case(visit: Visit, case: str) -> HttpResponse:
    """Show a case down to its events."""
    with visit.reading("a case") as tx:
        try:
            life = case_time_line(tx, visit.engagement_id, case)
        except Refusal as refusal:
            raise Http404(_("The record holds no case of this name.")) from refusal
        terms = terms_in_force(tx, visit.engagement_id, visit.handle)
        governing = [one.agreement for one in terms if one.agreement.version == life["version"]]
        attributes = governing[0].attributes if governing else {}
        events = show_cases(visit, tx, attributes, [case])
        lines = _lines(visit, tx, life) if visit.may(Right.SEE_MONEY) else None
    data = told(visit, life, events)
    data["lines"] = lines
    measures = data["measures"]
    above = (
        [Crumb(measures[0].clause or named(measures[0].id), measures[0].href)]
        if measures and measures[0].href
        else []
    )
    return visit.at(*above, Crumb(life["case"])).page("pages/levels/case.html", data)


def told(visit: Visit, life: Told, events: Sequence[ShownEvent]) -> dict[str, Any]:
    """Return what the page tells, but for the invoice lines."""
    applying = [one for one in life["measures"] if one["applies"]]
    measures = [_measure(visit, one, life) for one in applying]
    return {
        "case": life["case"],
        "finding": finding(life, applying),
        "measures": measures,
        "others": [(one["says"] or named(one["id"]), reason_text(one["why"] or ""))
                   for one in life["measures"] if not one["applies"]],
        "zone": life["zone"],
        "version": life["version"],
        "events": events_table(events[:MOST_EVENTS], life),
        "events_left": max(0, len(events) - MOST_EVENTS),
    }  # fmt: skip


def finding(life: Told, applying: Sequence[Told]) -> str:
    """Return what came of the case, in a line."""
    case = life["case"]
    for one in applying:
        said = {"case": case, "counted": lasted(one.get("counted_us")),
                "limit": lasted(one.get("limit_us"))}  # fmt: skip
        if one["kind"] == "clock" and one["outcome"] is not None:
            words = {
                "late": _("%(case)s was late: %(counted)s counted, %(limit)s promised"),
                "within": _("%(case)s was in time: %(counted)s counted, %(limit)s promised"),
                "open": _("%(case)s is open: %(counted)s counted so far, %(limit)s promised"),
            }
            return words[one["outcome"]] % said
        if one["kind"] == "count":
            place = one["formulas"][one["agreed"]]
            words = {
                "within": _("%(case)s counts as within"),
                "late": _("%(case)s counts, and not as within"),
                "left_out": _("%(case)s is left out"),
            }
            return words[place] % said
    return _("%(case)s: no measure is of it") % {"case": case}


def _measure(visit: Visit, one: Told, life: Told) -> ShownMeasure:
    shown = _clock if one["kind"] == "clock" else _count
    return shown(visit, one, life)


def _period_of(text: str | None, zone: str) -> str | None:
    return None if text is None else f"{instant(text).astimezone(ZoneInfo(zone)):%Y-%m}"


def _href(visit: Visit, at: str | None, one: Told, zone: str) -> str:
    period = _period_of(at, zone)
    return "" if period is None else visit.href("measure", period=period, measure=one["id"])


def _clock(visit: Visit, one: Told, life: Told) -> ShownMeasure:
    zone = life["zone"]
    outcome = one["outcome"]
    return ShownMeasure(
        id=one["id"],
        says=one["says"] or named(one["id"]),
        clause=one["clause"] or "",
        chip=outcome_chip(outcome) if outcome else Chip(Shape.PLAIN, _("Not measured")),
        finding=_clock_finding(one),
        href=_href(visit, one["ended"] or one["began"], one, zone),
        lanes=lanes_of(one["segments"], zone, one["due"]),
        sum=_sum(one, zone) if one["segments"] else None,
        sum_text=_sum_text(one) if one["segments"] else "",
        formulas=None,
        pairs=list(_clock_pairs(one, zone)),
    )


def _clock_finding(one: Told) -> str:
    if one["counted_us"] is None:
        return _("Its clock has not run.")
    over = one["counted_us"] - one["limit_us"]
    said = {"counted": lasted(one["counted_us"]), "limit": lasted(one["limit_us"])}
    if over > 0:
        by = _("Counted %(counted)s of %(limit)s: over by %(over)s.")
        return by % {**said, "over": lasted(over)}
    return _("Counted %(counted)s of %(limit)s: %(left)s to spare.") % {
        **said, "left": lasted(-over),
    }  # fmt: skip


def _clock_pairs(one: Told, zone: str) -> Iterator[tuple[str, str]]:
    locale = current_locale()
    for word, at in ((named(one["from"]), one["began"]), (named(one["to"]), one["ended"]),
                     (_("due"), one["due"])):  # fmt: skip
        if at is not None:
            yield word.capitalize(), moment_text(instant(at), locale, zone)
    yield _("Calendar"), named(one["calendar"])
    if one["whose"]:
        yield _("Whose minutes"), whose_text(one["whose"])


def _sum_text(one: Told) -> str:
    """Return the sum of a clock's stretches in a line."""
    stretches = [one_ for one_ in one["segments"] if one_["state"] in ("counted", "late")]
    return ngettext(
        "%(n)s stretch counts: %(sum)s", "%(n)s stretches count: %(sum)s", len(stretches)
    ) % {"n": len(stretches), "sum": lasted(one["counted_us"])}


def _sum(one: Told, zone: str) -> Table:
    """Return what counted and what stood still day by day, with their sums."""
    columns = (
        Column(_("Day")), Column(_("Counted"), is_number=True), Column(_("Late"), is_number=True),
        Column(_("Paused"), is_number=True), Column(_("Why paused")),
    )  # fmt: skip
    rows, whole = [], {"counted": 0, "late": 0, "paused": 0}
    for day in days_of(one["segments"], zone):
        if not day.working:
            continue
        found = {state: sum(p.lasts_us for p in day.pieces if p.state == state) for state in whole}
        whole = {state: whole[state] + found[state] for state in whole}
        why = dict.fromkeys(named(piece.pause) for piece in day.working if piece.pause)
        rows.append(Row((_day(day.day), *_amounts(found), ", ".join(why))))
    assert whole["counted"] + whole["late"] == one["counted_us"], "what counted is its stretches"
    text = _("counted %(sum)s") % {"sum": lasted(one["counted_us"])}
    foot = (Row((Cell(_("Sum"), small=text), *_amounts(whole), "")),)
    return Table(columns, rows, foot=foot)


def _amounts(found: dict[str, int]) -> list[Any]:
    return [
        Cell(lasted(us) if us else "–", kind="bad" if state == "late" and us else "")
        for state, us in found.items()
    ]


def _day(day: Any) -> str:
    from openbpo.surfaces.web.numbers import day_text

    return day_text(day, current_locale())


def _count(visit: Visit, one: Told, life: Told) -> ShownMeasure:
    zone = life["zone"]
    place = one["formulas"][one["agreed"]]
    counts = ", ".join(named(name) for name in one["counts"]) or _("none")
    pairs = [(_("Counts that hold it"), counts)]
    if one["at"] is not None:
        at = moment_text(instant(one["at"]), current_locale(), zone)
        pairs.insert(0, (named(one["moment"]).capitalize(), at))
    if one["undecided"]:
        empty = ", ".join(named(name) for name in one["undecided"])
        pairs.append((_("Nothing is told of"), empty))
    return ShownMeasure(
        id=one["id"],
        says=one["says"] or named(one["id"]),
        clause=one["clause"] or "",
        chip=outcome_chip(place),
        finding=_("It is in: %(counts)s.") % {"counts": counts},
        href=_href(visit, one["at"], one, zone),
        lanes=(),
        sum=None,
        sum_text="",
        formulas=_places(one),
        pairs=pairs,
    )


def _places(one: Told) -> Table:
    """Return where each formula places the case, and what it adds to the two numbers."""
    columns = (
        Column(_("Formula")), Column(_("Places it")), Column(_("Above the line"), is_number=True),
        Column(_("Below the line"), is_number=True),
    )  # fmt: skip
    adds = {"within": ("1", "1"), "late": ("0", "1"), "left_out": ("0", "0")}
    rows = [
        Row(
            (
                Cell(name, small=_("as agreed") if name == one["agreed"] else ""),
                Cell(chip=outcome_chip(place)),
                *adds[place],
            ),
            "judged" if name == one["agreed"] else "",
        )
        for name, place in one["formulas"].items()
    ]
    return Table(columns, rows)


# --- Invoice lines ---------------------------------------------------------------------------


def _lines(visit: Visit, tx: Transaction, life: Told) -> list[tuple[str, Table]]:
    """Return, month by month, which lines charge the case and which credit it is counted in."""
    found: dict[str, list[Row]] = {}
    for charge in life["charges"]:
        period = _period_of(charge["at"], life["zone"])
        if period is None or not charge["applies"]:
            continue
        month = statement_of(tx, visit.engagement_id, period).told
        rows = cases_of(
            tx, visit.engagement_id, period, f"charge:{charge['id']}", cases=[life["case"]]
        ).rows
        units = [row.unit for row in rows if row.unit is not None]
        found.setdefault(period, []).extend(_charged(month, charge["id"], units))
    for measure in life["measures"]:
        period = _period_of(measure.get("ended") or measure.get("at"), life["zone"])
        if period is None or not measure["applies"]:
            continue
        month = statement_of(tx, visit.engagement_id, period).told
        found.setdefault(period, []).extend(_credited(month, measure))
    columns = (
        Column(_("Line")), Column(_("Clause")), Column(_("This case")),
        Column(_("The whole line"), is_number=True),
    )  # fmt: skip
    return [(month_name(period), Table(columns, rows)) for period, rows in sorted(found.items())
            if rows]  # fmt: skip


def _charged(month: Told, charge_id: str, units: Sequence[int]) -> Iterator[Row]:
    for line in month["lines"]:
        opens = line["opens"] or {}
        if opens.get("figure") != f"charge:{charge_id}" or not opens.get("units"):
            continue
        first, last = opens["units"]
        for unit in units:
            if first <= unit <= last:
                each = money(line["each"], month["currency"]) if line["each"] else ""
                what = _("unit %(unit)s: %(each)s") % {"unit": unit, "each": each}
                whole = money(line["amount"], month["currency"])
                yield Row((line["text"], line["clause"] or "", what, whole))


def _credited(month: Told, measure: Told) -> Iterator[Row]:
    credit = month["credit"]
    if credit is None:
        return
    for part in credit["parts"]:
        if part["measure"] == measure["id"]:
            place = measure.get("outcome") or measure["formulas"][measure["agreed"]]
            if place not in ("within", "late"):
                continue
            what = _("%(place)s in its share") % {"place": outcome_chip(place).word}
            text = _("Service credit, %(rate)s") % {"rate": shown_level(credit["rate"])}
            amount = money(f"-{credit['amount']}", month["currency"])
            yield Row((Cell(text, small=titled(part["measure"])), credit["clause"], what, amount))


# --- Events ----------------------------------------------------------------------------------

_MASKED = {
    Masked.CONTENT: lambda: _("not shown: content"),
    Masked.OTHER_SIDE: lambda: _("not shown: the other side's own"),
    Masked.UNKNOWN: lambda: _("not shown: the agreement does not name it"),
}


def events_table(events: Sequence[ShownEvent], life: Told) -> Table:
    """Return the case's events in order, each with its attributes as this visitor may see them."""
    from django.utils.html import format_html, format_html_join

    columns = (Column(_("When")), Column(_("Event")), Column(_("Attributes")), Column(_("Source")))
    moments = {at: named(name) for name, at in life["moments"].items()}
    at_of = {one["event_id"]: one["at"] for one in life["events"]}
    rows = []
    for event in events:
        attributes = format_html_join(
            "",
            "<span><i>{}</i> {}</span>",
            (
                (named(one.name), _MASKED[one.masked]() if one.masked else one.value or "–")
                for one in event.attributes
            ),
        )
        moment = moments.get(at_of.get(event.event_id, ""), "")
        rows.append(
            Row(
                (
                    _second(event, life["zone"]),
                    Cell(event.type, small=moment),
                    Cell(format_html('<span class="facts">{}</span>', attributes)),
                    Cell(event.source, small=event.event_id),
                )
            )
        )
    return Table(columns, rows)


def _second(event: ShownEvent, zone: str) -> str:
    local = event.at.astimezone(ZoneInfo(zone))
    return f"{moment_text(event.at, current_locale(), zone)}:{local:%S}"
