"""
An agreement as it is computed with: frozen terms, every reference resolved to a name that exists.

Each class holds one file's (or one entry's) terms in the words of that file. Shares are fractions
in 0..1, times are whole microseconds (`_us`), money is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from openbpo.values.expressions import Expression
from openbpo.values.expressions import Type as ExpressionType
from openbpo.values.money import Money, Rounding
from openbpo.values.spans import Span

Side = Literal["client", "provider"]
SIDES: tuple[Side, Side] = ("client", "provider")


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
    """What is known of an event or case. Content can be erased, so nothing is computed from it."""

    id: str
    is_content: bool
    type: ExpressionType
    is_optional: bool
    case_value: Literal["first", "last"]
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What happens once in a case's life: the first or the last of the events that fit."""

    id: str
    which: Literal["first", "last"]
    where: Expression | None


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
class Measure:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimum:
    """The charges `of` come to `at_least` a month, in full in every month; a line makes it up."""

    id: str
    clause: str | None
    of: tuple[str, ...]
    at_least: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """One line on the fees less the credits."""

    id: str
    clause: str | None
    name: str
    rate: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """The rate card: charges, minimums, named sums of them, tax, and how each line is rounded."""

    charges: tuple[Charge, ...]
    minimums: tuple[Minimum, ...]
    bases: Mapping[str, tuple[str, ...]]
    tax: Tax | None
    rounding: Rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a file, the how-manieth of that name."""

    name: str
    occurrence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSource:
    """Where an attribute comes from; `values` says what each value of the file means."""

    attribute: str
    column: Column
    values: Mapping[str, str] | None
    date_format: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """How each row of a CSV file becomes one event of a case."""

    id: str
    service: str
    encoding: str
    delimiter: str | None
    quote: str
    case: Column
    at: Column
    time_format: str
    zone: str
    doubled_hour: Literal["refuse", "earlier", "later"]
    attributes: tuple[AttributeSource, ...]


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
