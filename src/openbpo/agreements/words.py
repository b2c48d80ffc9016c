"""An agreement read back in plain words, as a lawyer would read it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from openbpo.agreements.model import (
    SIDES,
    Agreement,
    Block,
    CalendarTerms,
    Charge,
    ClockMeasure,
    CountMeasure,
    DisputeTerms,
    FileMapping,
    Level,
    Mean,
    Measure,
    Minimum,
    Moment,
    Party,
    Service,
    ServiceLevel,
    Share,
    TextSource,
    TimeSource,
)
from openbpo.values.durations import duration_text
from openbpo.values.shares import percent_text
from openbpo.values.spans import Span

WIDTH = 96
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ROUNDING = {
    "half_up": "half up",
    "half_down": "half down",
    "half_even": "half to even",
    "up": "up",
    "down": "down",
    "ceiling": "to the higher",
    "floor": "to the lower",
}

TAXED = {
    "standard": "",
    "zero": ", at the zero rate",
    "exempt": ", which are exempt",
    "reverse_charge": ", which the client owes (reverse charge)",
    "outside_scope": ", which are outside its scope",
}
SILENCE = {
    "accepted": "silence accepts what was asked for",
    "open": "silence leaves the dispute open",
}
ROWS = {
    "case": "an event of the case in",
    "call": "a call, named in",
    "agent_time": "time of the agent in",
    "interval_count": "an interval's counts for",
    "headcount": "heads counted for",
    "quantity": "an approved quantity of",
}
"""What a row of each kind is."""
FORMATS = {"xlsx": "a workbook (XLSX)", "json lines": "JSON lines", "xes": "XES"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A term with its clause, in lines; how far a line is indented tells what it belongs to."""

    id: str
    clause: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the agreement: its name, its title, its terms in their order."""

    id: str
    title: str
    entries: tuple[Entry, ...]


def in_words(agreement: Agreement) -> str:
    """Return the whole agreement in plain words."""
    told = (
        _section(one.title, (line for entry in one.entries for line in entry.lines))
        for one in sections(agreement)
    )
    return "\n\n".join(told) + "\n"


def sections(agreement: Agreement) -> tuple[Section, ...]:
    """Return the whole agreement in plain words, section by section and term by term."""
    levels = {level.measure: level for level in agreement.regime.service_levels}
    return (
        Section("agreement", "", (Entry("agreement", None, tuple(_head(agreement))),)),
        Section("parties", "PARTIES", tuple(_parties(agreement))),
        Section("documents", "DOCUMENTS", (
            Entry("documents", None, tuple(_documents(agreement))),
        )),
        Section("working-time", "WORKING TIME", tuple(
            Entry(c.id, c.clause, (_calendar(c),)) for c in agreement.calendars.values()
        )),
        Section("services", "SERVICES", tuple(
            Entry(s.id, s.clause, tuple(_service(s))) for s in agreement.services.values()
        )),
        Section("service-levels", "SERVICE LEVELS", tuple(
            Entry(m.id, m.clause, tuple(_service_level(m, agreement, levels.get(m.id))))
            for m in agreement.measures.values()
        )),
        Section("service-credit", "SERVICE CREDIT", (
            Entry("credit", agreement.regime.credit.clause, tuple(_credit(agreement))),
        )),
        Section("charges", "CHARGES", tuple(_charges(agreement))),
        Section("invoices", "INVOICES", (
            Entry("invoices", None, tuple(_invoices(agreement))),
        )),
        Section("data", "DATA", (Entry("data", None, tuple(_data(agreement))),)),
        Section("files", "FILES", tuple(
            Entry(m.id, None, tuple(_mapping(m))) for m in agreement.mappings.values()
        )),
    )  # fmt: skip


def day_text(day: date) -> str:
    """Return a day as 1 January 2010."""
    return f"{day.day} {day:%B %Y}"


def days_text(days: Span[date]) -> str:
    """Return a run of days: from the first, to the last or open."""
    if days.end is None:
        return f"from {day_text(days.start)}, open-ended"
    return f"from {day_text(days.start)} to {day_text(date.fromordinal(days.end.toordinal() - 1))}"


def listed(words: Iterable[str], joined: str = "and") -> str:
    """Return words as a, b and c."""
    words = list(words)
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joined} {words[-1]}"


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(_wrapped(line) for line in lines)
    return f"{title}\n{body}" if title else body


def _wrapped(line: str) -> str:
    depth = len(line) - len(line.lstrip())
    indent = " " * (depth + 2)
    return textwrap.fill(
        line.strip(), WIDTH, initial_indent=" " * depth, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _named(name: str, clause: str | None) -> str:
    return f"{name} ({clause})" if clause else name


def _head(agreement: Agreement) -> Iterator[str]:
    yield agreement.title
    yield f"Version {agreement.version}, in force {days_text(agreement.in_force)}."
    if agreement.supersedes:
        numbers = listed(str(number) for number in agreement.supersedes)
        yield f"It supersedes version {numbers} from its first day on."
    yield f"The parties are bound {days_text(agreement.term)}."
    yield f"Days begin and end in {agreement.zone}. Amounts are in {agreement.currency}."


def _parties(agreement: Agreement) -> Iterator[Entry]:
    for role, party in (("Client", agreement.client), ("Provider", agreement.provider)):
        yield Entry(role.lower(), None, (f"  {role}: {party_text(party)}.",))


def party_text(party: Party) -> str:
    """Return a party with its seat, registration and tax number, in one line."""
    seat = party.address
    parts = [
        party.name,
        seat.street,
        f"{seat.postcode} {seat.city}" if seat.postcode else seat.city,
        seat.country,
    ]
    if party.register:
        parts.append(f"{party.register} {party.register_number}")
    parts.append(f"{party.tax_scheme or 'tax number'} {party.tax_number}")
    return ", ".join(parts)


def _documents(agreement: Agreement) -> Iterator[str]:
    titles = {document.id: document.title for document in agreement.documents}
    for rank, document in enumerate(agreement.documents, start=1):
        dated = f", {day_text(document.dated)}" if document.dated else ""
        under = f", under the {titles[document.parent]}" if document.parent else ""
        yield f"  {rank}. {document.title}{dated}{under}"
    if len(agreement.documents) > 1:
        yield "  Where they disagree, the one that stands first here prevails."


def _calendar(calendar: CalendarTerms) -> str:
    name = f"  {_named(calendar.id, calendar.clause)}:"
    if calendar.blocks is None:
        return f"{name} round the clock, every day, {calendar.zone}."
    runs: dict[tuple[int, ...], list[str]] = {}
    for block in calendar.blocks:
        runs.setdefault(block.weekdays, []).append(_hours(block))
    hours = "; ".join(f"{_weekdays(days)} {listed(times)}" for days, times in runs.items())
    return f"{name} {hours}, {calendar.zone}.{_free_days(calendar)}"


def _free_days(calendar: CalendarTerms) -> str:
    said = []
    if calendar.country:
        place = f"{calendar.country}-{calendar.region}" if calendar.region else calendar.country
        said.append(f"the public holidays of {place}")
    said += [f"{name} ({day_text(day)})" for day, name in calendar.also]
    text = f" Free are {listed(said)}." if said else " No day is free."
    if calendar.worked:
        text += f" Worked is {listed(day_text(day) for day in calendar.worked)}."
    return text


def _weekdays(days: tuple[int, ...]) -> str:
    first, last = WEEKDAYS[days[0]], WEEKDAYS[days[-1]]
    return first if len(days) == 1 else f"{first} to {last}"


def _hours(block: Block) -> str:
    return f"{_clock(block.start_min)} to {_clock(block.end_min)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _service(service: Service) -> Iterator[str]:
    name = _named(service.id, service.clause)
    yield f"  {name}, a {service.line} service. Its case is a {service.case}."
    for moment in service.moments.values():
        yield f"    A {service.case} is {moment.id} at its {_moment(moment)}."
    for pause in service.pauses.values():
        yield (
            f"    {pause.id}: the clock stands still after an event whose "
            f"{pause.after.in_words()}, until the {service.case}'s next event."
        )


def _moment(moment: Moment) -> str:
    kind = f" “{moment.type}”" if moment.type is not None else ""
    fit = f" whose {moment.where.in_words()}" if moment.where else ""
    return f"{moment.which} event{kind}{fit}"


def _service_level(
    measure: Measure, agreement: Agreement, level: ServiceLevel | None
) -> Iterator[str]:
    case = agreement.services[measure.service].case
    yield f"  {_named(measure.id, measure.clause)}. {measure.says}"
    yield from _measured(measure, case)
    if level is not None:
        yield f"    {_judged(level, case)}"
    else:
        yield "    No consequence is agreed."


def _measured(measure: Measure, case: str) -> Iterator[str]:
    if isinstance(measure, CountMeasure):
        return _counted(measure, case)
    return iter([f"    Measured: {_clocked(measure, case)}"])


def _clocked(measure: ClockMeasure, case: str) -> str:
    clock = measure.clock
    which = f" whose {measure.cases.in_words()}" if measure.cases else ""
    without = f", less {listed(clock.pauses)}" if clock.pauses else ""
    return (
        f"of the {case}s{which} that are {clock.stop} in a calendar month, the share whose time "
        f"from {clock.start} to {clock.stop}, counted in {clock.calendar}{without}, is at most "
        f"{duration_text(measure.within_us)}. A reopened {case}'s clock continues. All {case}s of "
        f"the month are counted together."
    )


def _counted(measure: CountMeasure, case: str) -> Iterator[str]:
    which = f" whose {measure.cases.in_words()}" if measure.cases else ""
    yield (
        f"    Counted: the {case}s{which} that are {measure.moment} in a calendar month, all "
        "together. Among them are:"
    )
    for name, condition in measure.counts.items():
        yield f"      {words_of(name)}: {condition.in_words()}"
    agreed = share_in_words(measure.formulas[measure.judged_by])
    yield f"    Judged is the share {measure.judged_by}: {agreed}."
    for name, share in measure.formulas.items():
        if name != measure.judged_by:
            yield f"    Shown beside it, without consequence: {name}: {share_in_words(share)}."
    for name, figure in measure.beside.items():
        yield f"    Shown beside it, without consequence: {name}: {_beside(figure)}."


def _beside(figure: Share | Mean) -> str:
    if isinstance(figure, Mean):
        return f"the mean of {words_of(figure.attribute)} over {words_of(figure.over)}"
    return share_in_words(figure)


def share_in_words(share: Share) -> str:
    """Return a formula in words: `within, of offered less short abandons`."""
    above, below = (listed(map(words_of, names)) for names in (share.share, share.of))
    less = f" less {listed(map(words_of, share.less))}" if share.less else ""
    return f"{above}, of {below}{less}"


def words_of(name: str) -> str:
    """Return a count's or attribute's name as it is said."""
    return name.replace("_", " ").strip()


def _judged(level: ServiceLevel, case: str) -> str:
    bands = " ".join(_band(band) for band in reversed(level.levels))
    compared = (
        "The share is compared exactly."
        if level.compare_decimals is None
        else f"The share is compared at {level.compare_decimals} decimals of a per cent, half up."
    )
    few = f"Fewer than {level.low_volume_below} {case}s, or none"
    low = f"{few if level.low_volume_below > 1 else f'No {case}'}: low volume, no credit."
    where = f" ({level.clause})" if level.clause else ""
    return f"Judged{where}: {bands} {compared} {low}"


def _band(band: Level) -> str:
    bounds = []
    if band.at_least > 0:
        bounds.append(f"at least {percent_text(band.at_least)}")
    if band.below is not None:
        bounds.append(f"below {percent_text(band.below)}")
    text = " and ".join(bounds) or "any share"
    what = "met" if band.is_met else f"default, credit {percent_text(band.credit_rate)}"
    return f"{text[0].upper()}{text[1:]}: {what}."


def _credit(agreement: Agreement) -> Iterator[str]:
    credit = agreement.regime.credit
    cap = f", at most {percent_text(credit.cap)} a month" if credit.cap is not None else ""
    of = listed(agreement.charges.bases[credit.base])
    where = f" ({credit.clause})" if credit.clause else ""
    yield (
        f"  The rates of all defaults of a month are added{cap}, and make one line{where} on "
        f"{credit.base}, which is {of}."
    )


def _charges(agreement: Agreement) -> Iterator[Entry]:
    charges = agreement.charges
    for charge in charges.charges:
        yield Entry(charge.id, charge.clause, tuple(_priced(charge, agreement)))
    for minimum in charges.minimums:
        yield Entry(minimum.id, minimum.clause, (f"  {_minimum(minimum)}",))
    if (tax := charges.tax) is not None:
        line = (
            f"  {_named(tax.id, tax.clause)}: {tax.name} {percent_text(tax.rate)} is one line on "
            f"the fees less the credit{TAXED[tax.category]}."
        )
        yield Entry(tax.id, tax.clause, (line,))
    rounded = f"  Each line is rounded {ROUNDING[charges.rounding.value]} to the minor unit, once."
    yield Entry("rounding", None, (rounded,))


def _priced(charge: Charge, agreement: Agreement) -> Iterator[str]:
    yield f"  {_charge(charge, agreement)}"
    for number, tier in enumerate(charge.tiers):
        end = f"to {tier.end}" if tier.end is not None else "on"
        until = f"from {tier.start} {end}" if number or tier.end else "each"
        yield f"    {until}: {tier.each} each" if until != "each" else f"    {tier.each} each"


def _charge(charge: Charge, agreement: Agreement) -> str:
    case = agreement.services[charge.service].case
    which = f" whose {charge.cases.in_words()}" if charge.cases else ""
    says = f" {charge.says}" if charge.says else ""
    called = f", called “{charge.title}”" if charge.title else ""
    return (
        f"{_named(charge.id, charge.clause)}{called}.{says} Counted: every {case}{which}, in the "
        f"calendar month in which it is {charge.moment}."
    )


def _minimum(minimum: Minimum) -> str:
    return (
        f"{_named(minimum.id, minimum.clause)}: {listed(minimum.of)} come to at least "
        f"{minimum.at_least} in every month, a part month in full; a line makes up the rest."
    )


def _invoices(agreement: Agreement) -> Iterator[str]:
    terms, disputes = agreement.charges.invoices, agreement.charges.disputes
    where = f" ({terms.clause})" if terms.clause else ""
    usual = "" if terms.is_agreed else " The agreement says nothing of it: this is the usual."
    yield f"  An invoice{where} is due {terms.due_days} days after its date.{usual}"
    anew = ", from 1 each year" if "{year}" in terms.number else ""
    yield f"  The provider numbers its invoices without a gap{anew}: {terms.number}."
    if terms.order is not None:
        yield f"  They name the client's order {terms.order}."
    if terms.untaxed is not None:
        yield f"  No tax is charged: {terms.untaxed}"
    yield f"  {_disputed(disputes)}"


def _disputed(terms: DisputeTerms) -> str:
    where = f" ({terms.clause})" if terms.clause else ""
    until = f"for {terms.within} after it is reported" if terms.within else "until it is final"
    told = [f"Either side may dispute a line of a period{where} {until}."]
    if terms.answer_within is None:
        told.append("No clock runs for the other side's answer.")
    else:
        told.append(
            f"The other side answers within {terms.answer_within}; {SILENCE[terms.if_silent]}."
        )
    if terms.calendar is not None:
        told.append(f"Business days are those on which {terms.calendar} has working time.")
    if not terms.is_agreed:
        told.append("The agreement says nothing of it: this is the usual.")
    return " ".join(told)


def _data(agreement: Agreement) -> Iterator[str]:
    attributes = agreement.attributes.values()
    facts = [a.id for a in attributes if a.is_open]
    content = [a.id for a in attributes if a.is_content]
    if facts:
        yield f"  Facts, kept, measured and billed by: {listed(facts)}."
    for side in SIDES:
        if own := [a.id for a in attributes if not a.is_content and a.audience == side]:
            yield f"  Seen by the {side} alone, nothing rests on it: {listed(own)}."
    if content:
        yield f"  Content, erasable, nothing rests on it: {listed(content)}."


def _mapping(mapping: FileMapping) -> Iterator[str]:
    """A row of one event is told in a sentence; one of several has a line for each."""
    (first, *others), about = mapping.events, _source(mapping.subject)
    head = f"  {mapping.id}: {_format(mapping)}, a row is"
    order = f"Events of one instant {_order(mapping)}."
    if not others and not first.empty:
        yield (
            f"{head} {ROWS[mapping.kind]} {about}, at the time in {_time(first.at)}. {order}"
            f"{_known_by(mapping)}"
        )
        return
    yield f"{head} {ROWS[mapping.kind]} {about}. {order}{_known_by(mapping)}"
    for event in mapping.events:
        empty = listed((f"“{text}”" for text in event.empty), "or")
        unless = f", unless a cell of it is {empty}" if event.empty else ""
        midnight = (
            " More than twelve hours before the row's event before it, it is on the next day."
            if event.past_midnight
            else ""
        )
        yield f"    {event.type}: at the time in {_time(event.at)}{unless}.{midnight}"


def _format(mapping: FileMapping) -> str:
    if mapping.format == "csv":
        return f"CSV in {mapping.encoding}"
    sheet = f", sheet “{mapping.sheet}”" if mapping.sheet else ""
    return f"{FORMATS[mapping.format]}{sheet}"


def _known_by(mapping: FileMapping) -> str:
    if not mapping.key:
        return ""
    return f" A row is known again by {listed(f'“{column.name}”' for column in mapping.key)}."


def _order(mapping: FileMapping) -> str:
    if mapping.rank is None:
        return "keep the order of the file"
    return f"are ordered by “{mapping.rank.name}”"


def _source(text: TextSource) -> str:
    if text.constant is not None:
        return f"“{text.constant}” in every row"
    return listed(f"“{column.name}”" for column in text.columns)


def _time(time: TimeSource) -> str:
    hour = {
        "refuse": "a time in the doubled hour is refused",
        "earlier": "in the doubled hour the earlier time is meant",
        "later": "in the doubled hour the later time is meant",
    }[time.doubled_hour]
    how = f"{time.format}, {time.zone}; {hour}" if time.zone else time.format
    return f"{_source(time.text)} ({how})"
