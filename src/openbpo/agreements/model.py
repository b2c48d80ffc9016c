"""
An agreement as it is computed with: frozen terms, every reference resolved to a name that exists.

Each class holds one file's (or one entry's) terms in the words of that file. Shares are fractions
in 0..1, times are whole microseconds (`_us`), money is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal, TypeAlias

from openbpo.values.expressions import Expression
from openbpo.values.expressions import Type as ExpressionType
from openbpo.values.money import Money, Rounding
from openbpo.values.spans import Span

Side = Literal["client", "provider"]
SIDES: tuple[Side, Side] = ("client", "provider")
Audience = Literal["both", "client", "provider"]
RecordKind = Literal["case", "call", "agent_time", "interval_count", "headcount", "quantity"]
TaxCategory = Literal["standard", "zero", "exempt", "reverse_charge", "outside_scope"]
FileFormat = Literal["csv", "xlsx", "json lines", "xes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a party has its seat."""

    street: str
    postcode: str | None
    city: str
    region: str | None
    country: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An organisation with its legal and tax data; `handle` names it among the keys that sign."""

    handle: str
    name: str
    address: Address
    register: str | None
    register_number: str | None
    tax_country: str
    tax_number: str
    tax_scheme: str | None
    invoices_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of the contract family; where two disagree, the lower precedence prevails."""

    id: str
    title: str
    dated: date | None
    parent: str | None
    precedence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Working time on a run of weekdays (0 = Monday), in local minutes of the day, end excluded."""

    weekdays: tuple[int, ...]
    start_min: int
    end_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTerms:
    """A calendar as it is written: `blocks` None means round the clock."""

    id: str
    clause: str | None
    zone: str
    blocks: tuple[Block, ...] | None
    country: str | None
    region: str | None
    also: tuple[tuple[date, str], ...]
    worked: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """
    What is known of an event or case.

    Content can be erased, and what has an `audience` is one side's alone, so nothing is computed
    from either.
    """

    id: str
    is_content: bool
    type: ExpressionType
    is_optional: bool
    case_value: Literal["first", "last"]
    purpose: str
    audience: Audience = "both"

    @property
    def is_open(self) -> bool:
        """Whether it stands plainly in the record and may be computed with: a fact of both."""
        return not self.is_content and self.audience == "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """
    What happens once in a case's life: the first or the last of the events that fit.

    `type` is of which type such an event is, None for any.
    """

    id: str
    which: Literal["first", "last"]
    where: Expression | None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The clock stands still after an event that fits, until the case's next event."""

    id: str
    after: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An outsourced process; its cases are known by their moments and pauses."""

    id: str
    clause: str | None
    line: str
    case: str
    moments: Mapping[str, Moment]
    pauses: Mapping[str, Pause]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTerms:
    """The time that counts between two moments, under a calendar, less pauses."""

    start: str
    stop: str
    calendar: str
    pauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMeasure:
    """The share of completed cases whose counted time is at most `within_us`."""

    id: str
    clause: str | None
    says: str
    service: str
    cases: Expression | None
    clock: ClockTerms
    within_us: int
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """
    Of the cases in a count of `of` and in none of `less`, the part that is in a count of `share`.

    The counts of one list have no case in common; `less` lies within `of`, and `share` within what
    is left.
    """

    share: tuple[str, ...]
    of: tuple[str, ...]
    less: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of an attribute, a number, over the cases of a count."""

    attribute: str
    over: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountMeasure:
    """
    Shares of counts, of the cases whose `moment` falls in a period.

    A count is which cases belong to it; its condition reads attributes, and the counts before it
    as groups to which a case belongs or not. `judged_by` names the formula that is agreed.
    """

    id: str
    clause: str | None
    says: str
    service: str
    cases: Expression | None
    moment: str
    counts: Mapping[str, Expression]
    formulas: Mapping[str, Share]
    judged_by: str
    beside: Mapping[str, Share | Mean]
    period: str


Measure: TypeAlias = ClockMeasure | CountMeasure


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A band [at_least, below) of a share, and what a result in it is; None is an open side."""

    at_least: Fraction
    below: Fraction | None
    is_met: bool
    credit_rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevel:
    """
    What one measure's result leads to.

    `compare_decimals` is how many decimals of a per cent the share is rounded to (half up) before
    it is compared; None compares it exactly.
    """

    measure: str
    clause: str | None
    compare_decimals: int | None
    low_volume_below: int
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTerms:
    """The rates of all defaults are added, capped, and make one line on a named charge base."""

    clause: str | None
    base: str
    cap: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """What the results of a month lead to."""

    service_levels: tuple[ServiceLevel, ...]
    credit: CreditTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Units `start` to `end` (both counted, from 1; None is open) at one price each."""

    start: int
    end: int | None
    each: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Each case with its moment in the period is one unit, at the price of its tier."""

    id: str
    clause: str | None
    says: str | None
    service: str
    moment: str
    cases: Expression | None
    period: str
    tiers: tuple[Tier, ...]
    title: str | None = None
    """What it is called on pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """The charges `of` come to `at_least` a month, in full in every month; a line makes it up."""

    id: str
    clause: str | None
    of: tuple[str, ...]
    at_least: Money
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """One line on the fees less the credits; `reason` says why nothing is charged."""

    id: str
    clause: str | None
    name: str
    rate: Fraction
    category: TaxCategory = "standard"
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """A number of days: of the calendar, or such as are worked."""

    count: int
    are_business: bool

    def __str__(self) -> str:
        kind = "business day" if self.are_business else "day"
        return f"{self.count} {kind}" + ("s" if self.count > 1 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTerms:
    """How the provider invoices; what an agreement leaves out is as it stands here."""

    clause: str | None = None
    number: str = "{year}-{number}"
    order: str | None = None
    due_days: int = 30
    untaxed: str | None = None
    is_agreed: bool = False
    """Whether the agreement says anything of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeTerms:
    """
    How figures are disputed; `calendar` names whose working days are business days.

    `within` None is until the period is final, `answer_within` None is without a clock.
    """

    clause: str | None = None
    calendar: str | None = None
    within: Days | None = None
    answer_within: Days | None = None
    if_silent: Literal["accepted", "open"] = "open"
    is_agreed: bool = False
    """Whether the agreement says anything of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """The rate card: charges, minimums, named sums of them, tax, and how each line is rounded."""

    charges: tuple[Charge, ...]
    minimums: tuple[Minimum, ...]
    bases: Mapping[str, tuple[str, ...]]
    tax: Tax | None
    rounding: Rounding
    invoices: InvoiceTerms = InvoiceTerms()
    disputes: DisputeTerms = DisputeTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file, the how-manieth of that name."""

    name: str
    occurrence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """
    Where a text is taken from: the cells of columns, put together with `joined`, or a constant.

    Cells that are empty are left out. `columns` is empty where there is a constant.
    """

    columns: tuple[Column, ...]
    joined: str = " "
    constant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSource:
    """Where a time is taken from, and how it is written; `zone` None where the text tells it."""

    text: TextSource
    format: str
    zone: str | None
    doubled_hour: Literal["refuse", "earlier", "later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSource:
    """
    Where an attribute comes from.

    `values` says what each value of the file means, and `otherwise` what every other one does;
    a text of `empty` says that nothing was given.
    """

    attribute: str
    text: TextSource
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    date_format: str | None = None
    decimal: str = "."
    thousands: str | None = None
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """
    One event that a row may tell.

    It did not happen where a cell of its time is one of `empty`. With `past_midnight` its time is
    on the first day on which it is not over twelve hours before the row's event before it.
    `attributes` None means those of the row.
    """

    type: str
    at: TimeSource
    empty: tuple[str, ...] = ()
    past_midnight: bool = False
    attributes: tuple[AttributeSource, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """
    How each row of a file becomes events of its subject: a case, a call, an agent, a queue.

    `key` holds the columns by which a row is known again; without any, it is all mapped ones. The
    cell of `rank` orders a subject's events of one instant; without it, the file's order does.
    """

    id: str
    kind: RecordKind
    service: str
    format: FileFormat
    sheet: str | None
    encoding: str | None
    delimiter: str | None
    quote: str
    subject: TextSource
    key: tuple[Column, ...]
    events: tuple[EventSource, ...]
    rank: Column | None
    attributes: tuple[AttributeSource, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All mapped columns, each once, in an order that is not the file's."""
        own = (s for e in self.events for s in e.attributes or ())
        texts = [self.subject, *(event.at.text for event in self.events)]
        texts += [source.text for source in (*self.attributes, *own)]
        found = {column for text in texts for column in text.columns} | {*self.key}
        return in_order({*found, self.rank} if self.rank else found)

    @property
    def zones(self) -> frozenset[str]:
        """The names of the zones in which its times are written."""
        return frozenset(event.at.zone for event in self.events if event.at.zone)


def in_order(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return columns by name and occurrence, so that a row's identity has one order."""
    return tuple(sorted(columns, key=lambda column: (column.name, column.occurrence or 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """All terms of one version."""

    title: str
    version: int
    supersedes: tuple[int, ...]
    in_force: Span[date]
    term: Span[date]
    zone: str
    currency: str
    documents: tuple[Document, ...]
    client: Party
    provider: Party
    calendars: Mapping[str, CalendarTerms]
    attributes: Mapping[str, Attribute]
    services: Mapping[str, Service]
    measures: Mapping[str, Measure]
    regime: Regime
    charges: Charges
    mappings: Mapping[str, FileMapping]

    def party(self, side: Side) -> Party:
        """Return the party on a side."""
        return self.client if side == "client" else self.provider
