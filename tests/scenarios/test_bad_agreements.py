"""Every wrong agreement has a clear answer: file and line, what is wrong, and what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.support import EXAMPLE, agreement_at, openbpo

from openbpo.agreements.files import read_folder
from openbpo.agreements.located import read_located
from openbpo.agreements.model import Agreement
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import resolve
from openbpo.agreements.schema import NAMES, schema_text
from openbpo.agreements.words import in_words
from openbpo.values.refusals import Mistake, Refusal

FILES: Mapping[str, bytes] = dict(read_folder(EXAMPLE))
PREMIUM = 'service_level = "premium"'
RESOLVED = 'activity = "Resolve ticket"'


def edited(name: str, old: str, new: str) -> dict[str, bytes]:
    """Return the example's files with one piece of one of them replaced, at its first place."""
    text = FILES[name].decode()
    assert old in text, f"{name} does not hold {old!r}"
    return {**FILES, name: text.replace(old, new, 1).encode()}


def refused(files: Mapping[str, bytes]) -> list[Mistake]:
    with pytest.raises(Refusal) as refusal:
        read_agreement(files)
    return list(refusal.value.mistakes)


def assert_tells(mistakes: list[Mistake], where: str, what: str, remedy: str) -> None:
    told = [m for m in mistakes if m.where == where and what in m.what and remedy in m.remedy]
    assert told, "\n".join(map(str, mistakes))


@dataclass(frozen=True, slots=True)
class Bad:
    """One edit of the example, and what must be said of it."""

    name: str
    old: str
    new: str
    line: int
    what: str
    remedy: str
    alone: bool = True
    """Whether nothing else may be said."""


# fmt: off
TERMS = [
    # agreement.yaml
    Bad("agreement", "title:", "titel:",
        2, "'titel' is unknown", "Did you mean 'title'?", alone=False),
    Bad("agreement", "title: Help desk of Officina Software", "",
        3, "'title' is missing", "Add `title:`"),
    Bad("agreement", "version: 1", "version: 0", 3, "`version` is below 1", "from 1"),
    Bad("agreement", "version: 1", "version: 1.0", 3, "a whole number", "from 1"),
    Bad("agreement", "version: 1", "version: 3000000000",
        3, "is above 1000000", "Counts the versions"),
    Bad("agreement", "version: 1", "version: 1\nversion: 2",
        4, "'version' stands again, after line 3", "Keep one"),
    Bad("agreement", "version: 1", "version: 1\nsupersedes: [1]",
        4, "cannot supersede version 1", "earlier versions"),
    Bad("agreement", "version: 1", "version: 1\nsupersedes: [7]",
        4, "cannot supersede version 7", "earlier versions"),
    Bad("agreement", "in_force: {from: 2010-01-01}", "in_force: {from: 2009-12-31}",
        4, "outside the term", "within `term`"),
    Bad("agreement", "term: {from: 2010-01-01}", "term: {from: 2010-01-01, until: 2012-01-01}",
        4, "outside the term", "within `term`"),
    Bad("agreement", "in_force: {from: 2010-01-01}", "in_force: {from: 2010-02-30}",
        4, "Day is out of range", "a day of the calendar"),
    Bad("agreement", "in_force: {from: 2010-01-01}", "in_force: {from: 1.1.2010}",
        4, "`from` cannot be \"1.1.2010\"", "as 2012-02-29"),
    Bad("agreement", "in_force: {from: 2010-01-01}",
        "in_force: {from: 2010-01-01, until: 2010-01-01}",
        4, "ends before it begins", "day after the last"),
    Bad("agreement", "term: {from: 2010-01-01}", "term: {from: 0201-01-01}",
        5, "clocks of 201 are not known", "1970 to 2200"),
    Bad("agreement", "term: {from: 2010-01-01}", "term: {from: 2010-01-01, until: 9999-12-31}",
        5, "clocks of 9999", "1970 to 2200", alone=False),
    Bad("agreement", "dated: 2009-11-02", "dated: 2009-13-02",
        9, "Month must be in", "a day of the calendar"),
    Bad("agreement", "zone: Europe/Rome", "zone: Europe/Rom",
        6, "'Europe/Rom' is no time zone", "Europe/Rome"),
    Bad("agreement", "currency: EUR", "currency: EURO",
        7, "`currency` cannot be \"EURO\"", "three letters of ISO 4217"),
    Bad("agreement", "currency: EUR", "currency: EUX",
        7, "'EUX' is no ISO 4217 currency", "as EUR"),
    Bad("agreement", "parent: master", "parent: mater",
        10, "no document 'mater'", "Did you mean 'master'?"),
    Bad("agreement", "precedence: 2", "precedence: 1",
        10, "'order-1' and 'master' have the same", "its own rank"),
    # parties.yaml
    Bad("parties", "id: banco-servizi", "id: officina-software",
        10, "both 'officina-software'", "its own id"),
    Bad("parties", "id: banco-servizi", "id: Banco Servizi",
        10, "`id` cannot be", "lower-case letters"),
    Bad("parties", 'postcode: "50124"', "postcode: 50124",
        5, "`postcode` must be text, not 50124", "in quotes"),
    # calendars.yaml
    Bad("calendars", "from: 14:00", "from: 12:30",
        6, "overlaps another of the same day", "one block"),
    Bad("calendars", "from: 14:00, to: 18:00", "from: 18:00, to: 14:00",
        6, "ends before it begins", "Swap from and to"),
    Bad("calendars", "from: 14:00", "from: 2 pm",
        6, "`from` cannot be \"2 pm\"", "Write the time as 08:30"),
    Bad("calendars", "monday to friday", "mon-fri",
        5, "`days` cannot be \"mon-fri\"", "monday to friday"),
    Bad("calendars", "country: IT", "country: ITA",
        7, "`country` cannot be \"ITA\"", "two letters"),
    Bad("calendars", "country: IT", "country: XX", 7, "'XX' is no country code", "ISO 3166"),
    Bad("calendars", "country: IT", "country: IT, region: Bozen",
        7, "'Bozen' is no region of IT", "ISO 3166"),
    Bad("calendars", "country: IT", "region: BZ",
        7, "A region needs its country", "Add `country:`"),
    Bad("calendars", "country: IT", "country: IT, also: [{day: 2012-02-30, name: x}]",
        7, "Day is out of range", "a day of the calendar"),
    Bad("calendars", "  hours:", "  zone: Rome\n  hours:",
        4, "'Rome' is no time zone. Did you mean Europe/Rome?", "Europe/Rome"),
    # data.yaml
    Bad("data", "class: fact", "class: facts",
        5, "`class` cannot be \"facts\"", "Did you mean 'fact'?"),
    Bad("data", "type: string\n    values: [", "type: number\n    values: [",
        11, "Only a string has a list", "`type: string`", alone=False),
    Bad("data", "id: seriousness", "id: activity",
        14, "'activity' stands a second time (first: data.yaml:4)", "its own name", alone=False),
    # services.yaml
    Bad("services", "{id: opened,", "{id: closed,",
        9, "'closed' stands a second time", "its own name", alone=False),
    Bad("services", RESOLVED, 'activty = "Resolve ticket"',
        8, "activty is not a known name", "Did you mean activity?"),
    Bad("services", 'activity in ("Wait"', 'activty in ("Wait"',
        12, "activty is not a known name", "Did you mean activity?"),
    Bad("services", RESOLVED, 'customer = "x"',
        8, "reads 'customer', which is content", "facts only"),
    # measures.yaml
    Bad("measures", PREMIUM, 'customer = "x"',
        6, "reads 'customer', which is content and may be erased", "facts only"),
    Bad("measures", PREMIUM, 'servce_level = "premium"',
        6, "servce_level is not a known name", "Did you mean service_level?"),
    Bad("measures", PREMIUM, "service_level = 3",
        6, "column 15: A string is never compared with a number", "Put the value in quotes"),
    Bad("measures", PREMIUM, "service_level", 6, "wanted is a boolean", "Write a condition"),
    Bad("measures", PREMIUM, 'service_level = "premium" and', 6, "column", ""),
    Bad("measures", PREMIUM, 'service_level = "premum"', 6, "\"premum\"", "\"premium\""),
    Bad("measures", PREMIUM, "service_level < null", 6, "A null never decides", "x = null"),
    Bad("measures", PREMIUM, "3", 6, "`cases` must be text, not 3", "in quotes"),
    Bad("measures", "service: tickets", "service: ticket",
        5, "no service 'ticket'", "Did you mean 'tickets'?"),
    Bad("measures", "calendar: desk-hours", "calendar: desk-hour",
        7, "no calendar 'desk-hour'", "Did you mean 'desk-hours'?"),
    Bad("measures", "to: resolved", "to: solved",
        7, "no moment 'solved'", "Did you mean 'resolved'?"),
    Bad("measures", "[standing-still]", "[standing]",
        7, "no pause 'standing'", "There are: standing-still"),
    Bad("measures", "period: month", "period: months",
        11, "no period 'months'", "Did you mean 'month'?"),
    Bad("measures", "within: 96 h", "within: 4 d",
        8, "`within` cannot be \"4 d\"", "96 h, 30 min or 20 s"),
    Bad("measures", "within: 96 h", "within: 0.0000001 ms",
        8, "not whole microseconds", "whole microseconds"),
    Bad("measures", "within: 96 h", 'within: "96 h\\n"',
        8, "`within` cannot be \"96 h\\n\"", "Write it as 96 h"),
    Bad("measures", "  aggregate: pooled\n", "", 2, "'aggregate' is missing", "Add `aggregate:`"),
    # regime.yaml
    Bad("regime", "measure: resolve-premium", "measure: resolve-premum",
        3, "no measure 'resolve-premum'", "Did you mean 'resolve-premium'?"),
    Bad("regime", "measure: resolve-standard", "measure: resolve-premium",
        11, "'resolve-premium' stands a second time", "its own name"),
    Bad("regime", "at_least: 95 %", "at_least: 96 %",
        8, "at least 95 % and below 96 % is in no level", "begin where the one below it ends"),
    Bad("regime", "at_least: 95 %", "at_least: 94 %",
        8, "A result of 94 % is in two levels", "begin where the one below it ends"),
    Bad("regime", "{below: 90 %", "{at_least: 10 %, below: 90 %",
        10, "what a result below 10 % is", "Leave `at_least` out"),
    Bad("regime", "{at_least: 95 %", "{at_least: 95 %, below: 99 %",
        8, "what a result of 99 % or more is", "Leave `below` out"),
    Bad("regime", "{at_least: 90 %, below: 95 %", "{at_least: 95 %, below: 90 %",
        9, "No result is at least 95 % and below 90 %", "into `at_least`"),
    Bad("regime", "{at_least: 90 %, below: 95 %", "{at_least: 90 %, below: 90 %",
        9, "No result is at least 90 % and below 90 %", "into `at_least`"),
    Bad("regime", "at_least: 95 %", "at_least: 101 %", 8, "at most 100 %", "0 % to 100 %"),
    Bad("regime", "at_least: 95 %", "at_least: 0.95",
        8, "`at_least` cannot be \"0.95\"", "as 95 %"),
    Bad("regime", "at_least: 95 %", f"at_least: {'1' * 5000} %",
        8, "`at_least` cannot be", "as 95 %"),
    Bad("regime", "verdict: met}", "verdict: met, credit: 1 %}",
        8, "A met level has a credit", "Leave `credit` out"),
    Bad("regime", "compare_at: exact", "compare_at: 9 decimals",
        5, "`compare_at` cannot be", "exact"),
    Bad("regime", "of: fees-of-the-month", "of: fees",
        30, "no charge base 'fees'", "fees-of-the-month"),
    # charges.yaml
    Bad("charges", "from: 51", "from: 50", 11, "Unit 50 is in two tiers", "begin at 51"),
    Bad("charges", "from: 51", "from: 52", 11, "Unit 51 is in no tier", "begin at 51"),
    Bad("charges", "from: 51", "from: 61", 11, "Units 51 to 60 are in no tier", "begin at 51"),
    Bad("charges", "{from: 1, to: 50", "{from: 2, to: 50",
        10, "Unit 1 is in no tier", "begin at 1"),
    Bad("charges", "{from: 1, to: 50", "{from: 0, to: 50", 10, "`from` is below 1", ""),
    Bad("charges", "{from: 101, each", "{from: 101, to: 200, each",
        12, "what unit 201 costs", "Leave `to` out"),
    Bad("charges", "from: 51, to: 100", "from: 51",
        11, "Only the last tier is open", "Add `to:`", alone=False),
    Bad("charges", "from: 51, to: 100", "from: 51, to: 40",
        11, "ends before it begins", "Swap from and to", alone=False),
    Bad("charges", "31.50 EUR", "31.50 USD", 11, "not in the agreement's currency, EUR", "in EUR"),
    Bad("charges", "31.50 EUR", "31,50 EUR",
        11, "`each` must be text, not 31", "as 38.00 EUR", alone=False),
    Bad("charges", "31.50 EUR", "31.50 EUX", 11, "'EUX' is no ISO 4217", "as 38.00 EUR"),
    Bad("charges", "31.50 EUR", "31.50", 11, "`each` cannot be \"31.50\"", "as 38.00 EUR"),
    Bad("charges", "count: {service: tickets,", "count: {service: calls,",
        6, "no service 'calls'", "There are: tickets"),
    Bad("charges", "moment: closed", "moment: close",
        6, "no moment 'close'", "Did you mean 'closed'?"),
    Bad("charges", "moment: closed}", "moment: closed, cases: 'customer = \"x\"'}",
        6, "reads 'customer'", "facts only"),
    Bad("charges", "period: month", "period: quarter",
        7, "no period 'quarter'", "There are: month"),
    Bad("charges", "of: [tickets-closed]", "of: [tickets]",
        16, "no charge 'tickets'", "tickets-closed"),
    Bad("charges", "of: [tickets-closed, monthly-minimum]", "of: [monthly]",
        21, "no charge or minimum 'monthly'", "monthly-minimum"),
    Bad("charges", "id: monthly-minimum", "id: tickets-closed",
        14, "is a charge already", "its own name", alone=False),
    Bad("charges", "rate: 22 %", "rate: 22", 23, "`rate` must be text, not 22", "as 95 %"),
    Bad("charges", "rule: half_up", "rule: halfup",
        24, "`rule` cannot be \"halfup\"", "Did you mean 'half_up'?"),
    Bad("charges", "price:\n      graduated:", "price:\n      each: 1.00 EUR\n      graduated:",
        8, "takes only 1 of its keys", ""),
    # mapping.yaml
    Bad("mapping", "service: tickets", "service: calls",
        4, "no service 'calls'", "There are: tickets"),
    Bad("mapping", "encoding: utf-8", "encoding: utf-9",
        6, "no encoding 'utf-9'", "as utf-8 or cp1252"),
    Bad("mapping", "encoding: utf-8", "encoding: base64",
        6, "no encoding 'base64'", "as utf-8 or cp1252"),
    Bad("mapping", "encoding: utf-8", "encoding: idna",
        6, "'idna' is no encoding of files", "as utf-8 or cp1252"),
    Bad("mapping", "encoding: utf-8", "encoding: utf-8\n  delimiter: \"'\"\n  quote: \"'\"",
        7, "must differ", "Leave both out"),
    Bad("mapping", "yyyy/MM/dd HH:mm:ss.SSS", "YYYY/MM/dd HH:mm:ss",
        10, "'YYYY'", "as yyyy/MM/dd HH:mm:ss"),
    Bad("mapping", "yyyy/MM/dd HH:mm:ss.SSS", "HH:mm:ss",
        10, "lacks the day, the month, the year", "as yyyy/MM/dd HH:mm:ss"),
    Bad("mapping", "zone: Europe/Rome", "zone: CEST", 11, "'CEST' is no time zone", ""),
    Bad("mapping", "Value 1: premium", "Value 1: gold", 23, "no allowed value 'gold'", "premium"),
    Bad("mapping", "    resource: {column: Resource}\n", "",
        14, "The attribute 'resource' comes from no column", "Map it"),
    Bad("mapping", "    resource: {", "    resorce: {",
        16, "no attribute 'resorce'", "Did you mean 'resource'?", alone=False),
    Bad("mapping", "  encoding: utf-8\n", "", 2, "'encoding' is missing", "as utf-8"),
    Bad("mapping", "format: csv ", "format: xlsx ",
        6, "`encoding` means nothing in a file of xlsx", "Leave `encoding` out"),
    Bad("mapping", "encoding: utf-8", "encoding: utf-8\n  sheet: Calls",
        7, "`sheet` means nothing in a file of csv", "Leave `sheet` out"),
    Bad("mapping", "case: {column: Case ID}", "call: {column: Case ID}",
        7, "`call` does not name what rows of case events are about", "Write `case:`"),
    Bad("mapping", "  case: {column: Case ID}\n", "", 2, "'case' is missing", "Add `case:`"),
    Bad("mapping", "case: {column: Case ID}", "case: {}", 7, "`case` is empty", "column: NAME"),
    Bad("mapping", "case: {column: Case ID}", "case: {occurrence: 2}",
        7, "Nothing says where it is taken from", "`column: NAME`"),
    Bad("mapping", "case: {column: Case ID}", "case: {column: Case ID, constant: x}",
        7, "Both `column` and `constant`", "Write one of"),
    Bad("mapping", "case: {column: Case ID}", "case: {column: Case ID, joined: x}",
        7, "`joined` belongs to `columns`", "Leave `joined` out"),
    Bad("mapping", "case: {column: Case ID}", "case: {columns: [A, B], occurrence: 2}",
        7, "`occurrence` belongs to `column`", "Leave `occurrence` out"),
    Bad("mapping", "case: {column: Case ID}", "case: {columns: [A, {colum: B}]}",
        7, "`columns` cannot be a mapping", "{column: NAME, occurrence: 2}"),
    Bad("mapping", "case: {column: Case ID}", "case: {column: Case ID}\n  key: [A, A]",
        8, "`key` names something twice", "known again"),
    Bad("mapping", "    format: yyyy/MM/dd HH:mm:ss.SSS\n", "",
        8, "'format' is missing", "yyyy/MM/dd HH:mm:ss"),
    Bad("mapping", "    zone: Europe/Rome\n", "", 8, "'zone' is missing", "as Europe/Rome"),
    Bad("mapping", "yyyy/MM/dd HH:mm:ss.SSS", "epoch s",
        11, "needs no `zone`", "Leave `zone` out", alone=False),
    Bad("mapping", "yyyy/MM/dd HH:mm:ss.SSS", "yyyy/MM/dd HH:mm:ssXXX",
        12, "needs no `doubled_hour`", "Leave `doubled_hour` out", alone=False),
    Bad("mapping", "same_instant: file_order", "same_instant: by_column",
        13, "`same_instant` cannot be", "{by_column: NAME}"),
    Bad("mapping", "same_instant: file_order", "same_instant: {by_colum: X}",
        13, "`same_instant` cannot be a mapping", "{by_column: NAME}"),
    Bad("mapping", "same_instant: file_order", "same_instant: file_order\n  events: [{type: done}]",
        14, "'at' is missing", "Add `at:`"),
    Bad("mapping", "    column: Complete Timestamp\n", "",
        8, "Nothing says where it is taken from", "Write one of"),
    Bad("mapping", "same_instant: file_order", "same_instant: file_order\n  events:\n"
        "    - {type: done, at: {column: Done}}",
        9, "`at` says only what their times share", "Put `column` into the `at` of each event"),
    Bad("mapping", "    column: Complete Timestamp\n", "    past: x\n",
        9, "'past' is unknown", "The keys are"),
    Bad("mapping", "resource: {column: Resource}", "resource: {column: Resource, otherwise: x}",
        16, "`otherwise` is for what is not in `values`", "Add `values`"),
    Bad("mapping", "resource: {column: Resource}", "resource: {column: Resource, decimal: ','}",
        16, "`decimal` is for numbers", "Leave `decimal` out"),
    Bad("mapping", "resource: {column: Resource}",
        "resource: {column: Resource, values: {a: b}, empty: [a]}",
        16, "'a' has a meaning in `values`", "Keep one of the two"),
    Bad("mapping", "resource: {column: Resource}", "resource: {constant: x, empty: [a]}",
        16, "`empty` is said of cells", "Leave `empty` out"),
    Bad("mapping", "resource: {column: Resource}", "resource: {constant: 5}",
        16, "`constant` must be text", "Put it in quotes"),
    Bad("mapping", "service_level:\n      column: service_level\n", "service_level:\n"
        "      column: service_level\n      otherwise: gold\n",
        23, "no allowed value 'gold'", "premium"),
    # what is one side's alone
    Bad("data", "id: seriousness\n    class: fact", "id: seriousness\n    class: fact\n"
        "    audience: nobody", 16, "`audience` cannot be", "both"),
]
# fmt: on


def with_events(events: str, *, at: str = "{format: 'yyyy-MM-dd HH:mm', zone: Europe/Rome}") -> Any:
    """Return the example with several events a row; `events` begins in line 10 of the mapping."""
    text = FILES["mapping.yaml"].decode()
    before, _, rest = text.partition("  at:\n")
    _, _, after = rest.partition("  same_instant")
    told = f"{before}  at: {at}\n  events:\n{events}  same_instant{after}"
    return {**FILES, "mapping.yaml": told.encode()}


ON_ITS_DAY = """\
    - {type: a, at: {column: X, format: iso 8601}, past_midnight: next_day}
"""
ENTERED = "    - {type: entered, at: {column: In}}\n"


class TestSeveralEventsOfARow:
    def test_are_taken(self) -> None:
        mapping = read_agreement(with_events(ENTERED + ENTERED)).mappings["helpdesk-log"]
        assert [event.at.zone for event in mapping.events] == ["Europe/Rome"] * 2
        own = "    - {type: left, at: {column: Out, format: epoch s}}\n"
        mapping = read_agreement(with_events(ENTERED + own)).mappings["helpdesk-log"]
        assert [event.at.zone for event in mapping.events] == ["Europe/Rome", None]

    @pytest.mark.parametrize(
        ("event", "line", "what", "remedy"),
        [
            ("{type: Left, at: {column: X}}", 11, '`type` cannot be "Left"', "lower-case"),
            ("{type: left, at: {columm: X}}", 11, "'columm' is unknown", "Did you mean"),
            ("{type: left, at: {joined: X}}", 11, "Nothing says where it is", "Write one of"),
            ("{type: left, at: {column: X, zone: Rome}}", 11, "'Rome' is no time", "IANA"),
            ("{type: left, at: {column: X, format: HH}}", 11, "'HH' lacks", "yyyy/MM/dd"),
            ("{type: left, at: {column: X, format: epoch s, zone: UTC}}", 11,
             "needs no `zone`", "Leave `zone` out"),
            ("{type: left, at: {column: X}, empty: []}", 11, "`empty` needs at least", "texts"),
            ("{type: left, at: {column: X}, past_midnight: yes}", 11, "cannot be", "next_day"),
            ("{type: left, at: {column: X}, attributes: {a: {column: B}}}", 11,
             "no attribute 'a'", "There are"),
            ("{type: left, at: {column: X}, attributes: {service_level: {constant: A}}}", 11,
             "no allowed value 'A'", "premium"),
        ],
    )  # fmt: skip
    def test_are_told_by_line_where_they_are_wrong(
        self, event: str, line: int, what: str, remedy: str
    ) -> None:
        mistakes = refused(with_events(f"{ENTERED}    - {event}\n"))
        assert_tells(mistakes, f"mapping.yaml:{line}", what, remedy)
        assert len(mistakes) == 1, mistakes

    def test_share_a_mistake_that_is_told_once(self) -> None:
        wrong = "{format: 'YYYY', zone: Rome}"
        mistakes = refused(with_events(ENTERED * 4, at=wrong))
        assert [mistake.where for mistake in mistakes] == ["mapping.yaml:8"] * 2

    @pytest.mark.parametrize(
        ("events", "line", "what"),
        [
            ("    - {type: a, at: {column: X}, past_midnight: next_day}\n", 10, "none before it"),
            (f"{ENTERED}{ON_ITS_DAY}", 11, "tells its day too"),
        ],
    )
    def test_are_past_a_midnight_that_can_be_known(self, events: str, line: int, what: str) -> None:
        assert_tells(refused(with_events(events)), f"mapping.yaml:{line}", what, "Leave")


def of_kind(kind: str, subject: str, more: str = "", data: str = "") -> dict[str, bytes]:
    """Return the example with a mapping of another kind, further attributes and their columns."""
    text = FILES["mapping.yaml"].decode().replace("kind: case events", f"kind: {kind}")
    text = text.replace("case: {column", f"{subject}: {{column")
    known = FILES["data.yaml"].decode().rstrip("\n") + data
    files = {"mapping.yaml": f"{text.rstrip()}\n{more}", "data.yaml": f"{known}\n"}
    return {**FILES, **{name: content.encode() for name, content in files.items()}}


def attributes(**types: str) -> tuple[str, str]:
    """Return what maps attributes, and what data.yaml says of them."""
    more = "".join(f"    {name}: {{column: {name}}}\n" for name in types)
    data = "".join(
        f"\n  - {{id: {name}, class: fact, type: {kind}, purpose: test}}"
        for name, kind in types.items()
    )
    return more, data


class TestAKindOfRows:
    @pytest.mark.parametrize(
        ("kind", "subject", "types"),
        [
            ("calls", "call", {}),
            ("agent time", "agent", {"duration_s": "number"}),
            ("interval counts", "interval", {"offered": "number"}),
            ("headcount", "site", {"heads": "number"}),
            ("headcount", "group", {"heads": "number"}),
            ("manual quantities", "quantity",
             {"hours": "number", "approver": "string", "reference": "string"}),
        ],
    )  # fmt: skip
    def test_is_taken_with_what_it_has_to_tell(
        self, kind: str, subject: str, types: dict[str, str]
    ) -> None:
        agreement = read_agreement(of_kind(kind, subject, *attributes(**types)))
        assert agreement.mappings["helpdesk-log"].subject.columns[0].name == "Case ID"
        assert "helpdesk-log: CSV in utf-8, a row is " in in_words(agreement)

    @pytest.mark.parametrize(
        ("kind", "subject", "types", "lacks"),
        [
            ("agent time", "agent", {}, ["how long it lasted"]),
            ("agent time", "agent", {"duration_s": "string"}, ["how long it lasted"]),
            ("interval counts", "interval", {}, ["no number is mapped"]),
            ("headcount", "site", {"heads": "string"}, ["no number is mapped"]),
            ("manual quantities", "quantity", {"approver": "string"},
             ["no number is mapped", "where it is written"]),
            ("manual quantities", "quantity", {"reference": "string", "n": "number"},
             ["who approved it"]),
        ],
    )  # fmt: skip
    def test_is_refused_by_name_without_it(
        self, kind: str, subject: str, types: dict[str, str], lacks: list[str]
    ) -> None:
        mistakes = refused(of_kind(kind, subject, *attributes(**types)))
        assert [m.where for m in mistakes] == ["mapping.yaml:14"] * len(lacks), mistakes
        for lack in lacks:
            assert_tells(mistakes, "mapping.yaml:14", f"{kind}: ", "not optional")
            assert any(lack in mistake.what for mistake in mistakes), mistakes

    @pytest.mark.parametrize("kind", ["number, optional: true", "number, class: content"])
    def test_is_refused_where_it_may_be_empty_or_erased(self, kind: str) -> None:
        more, data = attributes(n=kind)
        data = data.replace("class: fact, ", "", 1 if "content" in kind else 0)
        (mistake,) = refused(of_kind("headcount", "site", more, data))
        assert "no number is mapped" in mistake.what

    def test_is_about_one_thing(self) -> None:
        more, data = attributes(heads="number")
        files = of_kind("headcount", "group: {constant: x}\n  site", more, data)
        assert_tells(
            refused(files), "mapping.yaml:7", "Both `site` and `group`", "about one of them"
        )


class TestWhatIsOneSidesAlone:
    @pytest.mark.parametrize("audience", ["provider", "client"])
    def test_is_read_by_no_condition(self, audience: str) -> None:
        old = "id: service_level\n    class: fact"
        files = edited("data.yaml", old, f"{old}\n    audience: {audience}")
        mistakes = refused(files)
        assert {m.where.partition(":")[0] for m in mistakes} == {"measures.yaml"}
        for mistake in mistakes:
            assert f"'service_level', which only the {audience} may see" in mistake.what
            assert "`audience: both`" in mistake.remedy

    def test_is_told_in_words(self) -> None:
        old = "id: resource\n    class: fact"
        agreement = read_agreement(edited("data.yaml", old, f"{old}\n    audience: provider"))
        assert "Seen by the provider alone, nothing rests on it: resource." in in_words(agreement)
        assert not agreement.attributes["resource"].is_open


class TestAWrongTerm:
    @pytest.mark.parametrize("bad", TERMS, ids=lambda bad: f"{bad.name}:{bad.line} {bad.what[:40]}")
    def test_is_told_by_file_and_line_with_its_remedy(self, bad: Bad) -> None:
        mistakes = refused(edited(f"{bad.name}.yaml", bad.old, bad.new))
        assert_tells(mistakes, f"{bad.name}.yaml:{bad.line}", bad.what, bad.remedy)
        assert not bad.alone or len(mistakes) == 1, "\n".join(map(str, mistakes))
        assert all(mistake.remedy for mistake in mistakes), mistakes

    def test_is_sound_without_the_edit(self) -> None:
        assert read_agreement(FILES).currency == "EUR"

    def test_that_is_long_is_quoted_in_short(self) -> None:
        """A page of the user's own words would bury what is wrong with them."""
        told = refused(edited("measures.yaml", PREMIUM, f"{'(' * 900}{PREMIUM}{')' * 900}"))
        assert max(len(str(mistake)) for mistake in told) < 500


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
DEEP = 5_000

# fmt: off
UNREADABLE = [
    ("empty", b"", 1, "The file is empty", "Write its content"),
    ("only a comment", b"# to be written\n", 1, "The file is empty", "Write its content"),
    ("null", b"null\n", 1, "The file says nothing", "Write its content"),
    ("binary", bytes(range(256)) * 8, 2, "not UTF-8", "Save it as UTF-8"),
    ("other control characters", b"a: \x07\n", 1, "not YAML", ""),
    ("Latin-1", "- id: caf\u00e9".encode("latin-1"), 1, "not UTF-8", "Save it as UTF-8"),
    ("UTF-16", FILES["charges.yaml"].decode().encode("utf-16"), 1, "not UTF-8", "Save it as UTF-8"),
    ("over a million bytes", b"#" * 1_000_001, 1, "larger than 1,000,000 bytes", "Split it"),
    ("tabs", b"charges:\n\t- id: x\n", 2, "not YAML", "Look at this line"),
    ("an open bracket", b"charges: [\n  {a: b}\n", 3, "not YAML", "Look at this line"),
    ("an open quote", b"charges: \"a\n", 2, "not YAML", "Look at this line"),
    ("an anchor", b"a: &a 1\n", 1, "Anchors and aliases", "Write the value out"),
    ("an alias", b"a: *a\n", 1, "Anchors and aliases", "Write the value out"),
    ("a bomb", BOMB.encode(), 1, "Anchors and aliases", "Write the value out"),
    ("a merge key", b"a: 1\n<<: {b: 2}\n", 2, "Merge keys", "Write the values out"),
    ("a Python tag", b"a: !!python/object:os.system x\n", 1, "The tag", "without a tag"),
    ("a tag", b"a: !!int 3\n", 1, "The tag", "without a tag"),
    ("two documents", b"a: 1\n---\nb: 2\n", 2, "several documents", "one file of each"),
    ("nested brackets", b"[" * DEEP + b"]" * DEEP, 1, "More than 30 levels", "flatter"),
    ("nested braces", b"{a: " * DEEP, 1, "More than 30 levels", "flatter"),
    ("nested lists", b"- " * DEEP, 1, "More than 30 levels", "flatter"),
    ("nested keys", b"? " * DEEP, 1, "A key must be a word", "key: value"),
    ("a list as a key", b"? [a, b]\n: c\n", 1, "A key must be a word", "key: value"),
    ("an impossible character", b'a: "\\UFFFFFFFF"\n', 1, "not YAML", "escapes"),
    ("half a character", b'a: "\\uD800"\n', 1, "is no text", "Take it out"),
    ("a NUL", b'a: "\\0"\n', 1, "is no text", "Take it out"),
    ("a terminal's escape", b'a: "\\e[2J"\n', 1, "is no text", "Take it out"),
    ("a list", b"- a\n", 1, "a mapping", ""),
    ("a word", b"charges\n", 1, "a mapping", ""),
]
# fmt: on


class TestAFileThatCannotBeRead:
    @pytest.mark.parametrize(
        ("content", "line", "what", "remedy"),
        [pytest.param(*told, id=label) for label, *told in UNREADABLE],
    )
    def test_is_told_alone(self, content: bytes, line: int, what: str, remedy: str) -> None:
        """What other files name in it is not called missing: nobody knows."""
        (mistake,) = refused({**FILES, "charges.yaml": content})
        assert_tells([mistake], f"charges.yaml:{line}", what, remedy)

    @pytest.mark.parametrize("name", FILES)
    def test_is_told_alone_whichever_it_is(self, name: str) -> None:
        (mistake,) = refused({**FILES, name: b"a: *b\n"})
        assert mistake.where == f"{name}:1"

    def test_may_begin_with_a_mark_or_end_its_lines_as_windows_does(self) -> None:
        marked = {name: b"\xef\xbb\xbf" + content for name, content in FILES.items()}
        returned = {name: content.replace(b"\n", b"\r\n") for name, content in FILES.items()}
        assert read_agreement(marked) == read_agreement(FILES) == read_agreement(returned)


def change(folder: Path, action: Callable[[Path], object]) -> Path:
    copied = agreement_at(folder / "desk")
    action(copied)
    return copied


def as_folder(folder: Path) -> None:
    (folder / "charges.yaml").unlink()
    (folder / "charges.yaml").mkdir()


def as_pipe(folder: Path) -> None:
    (folder / "charges.yaml").unlink()
    os.mkfifo(folder / "charges.yaml")


def as_dangling_link(folder: Path) -> None:
    (folder / "charges.yaml").unlink()
    (folder / "charges.yaml").symlink_to("nowhere.yaml")


class TestTheFolder:
    @pytest.mark.parametrize(
        ("action", "where", "what", "remedy"),
        [
            (
                lambda f: (f / "charge.yaml").touch(),
                "charge.yaml",
                "no file of an agreement",
                "Did you mean 'charges.yaml'?",
            ),
            (
                lambda f: (f / "charges.yaml").unlink(),
                "charges.yaml",
                "The file is missing",
                "openbpo new",
            ),
            (
                lambda f: (f / "charges.yaml").write_bytes(b"#" * 1_000_001),
                "charges.yaml:1",
                "larger than",
                "Shorten it",
            ),
            (as_folder, "charges.yaml", "This is no file", "the file itself"),
            (as_pipe, "charges.yaml", "This is no file", "the file itself"),
            (as_dangling_link, "charges.yaml", "This is no file", "the file itself"),
        ],
    )
    def test_holds_its_ten_files_and_no_other(
        self,
        tmp_path: Path,
        action: Callable[[Path], object],
        where: str,
        what: str,
        remedy: str,
    ) -> None:
        with pytest.raises(Refusal) as refusal:
            read_folder(change(tmp_path, action))
        assert_tells(list(refusal.value.mistakes), where, what, remedy)

    def test_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(Refusal, match=r"There is no such folder.*openbpo new"):
            read_folder(tmp_path / "nowhere")

    def test_may_hold_a_readme_and_what_begins_with_a_dot(self, tmp_path: Path) -> None:
        folder = change(tmp_path, lambda f: (f / "README.md").touch())
        (folder / ".notes").mkdir()
        assert read_folder(folder) == FILES

    def test_names_all_that_is_missing_or_unknown(self, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "desk")
        (folder / "charges.yaml").rename(folder / "prices.yaml")
        (folder / "data.yaml").unlink()
        with pytest.raises(Refusal) as refusal:
            read_folder(folder)
        wheres = [mistake.where for mistake in refusal.value.mistakes]
        assert wheres == ["prices.yaml", "data.yaml", "charges.yaml"]


class TestAllMistakes:
    def test_are_told_at_once_in_the_order_of_file_and_line(self) -> None:
        files = dict(FILES)
        for name, old, new in (
            ("regime.yaml", "at_least: 95 %", "at_least: 96 %"),
            ("regime.yaml", "of: fees-of-the-month", "of: fees"),
            ("charges.yaml", "from: 51", "from: 52"),
            ("charges.yaml", "moment: closed", "moment: close"),
            ("charges.yaml", "rule: half_up", "rule: halfup"),
            ("measures.yaml", PREMIUM, 'customer = "x"'),
            ("measures.yaml", "calendar: desk-hours", "calendar: desk-hour"),
            ("agreement.yaml", "zone: Europe/Rome", "zone: Europe/Rom"),
            ("mapping.yaml", "encoding: utf-8", "encoding: utf-9"),
        ):
            text = files[name].decode()
            assert old in text
            files[name] = text.replace(old, new, 1).encode()
        assert [mistake.where for mistake in refused(files)] == [
            "agreement.yaml:6",
            "charges.yaml:6",
            "charges.yaml:11",
            "charges.yaml:24",
            "mapping.yaml:6",
            "measures.yaml:6",
            "measures.yaml:7",
            "regime.yaml:8",
            "regime.yaml:30",
        ]

    def test_of_one_kind_are_each_told_in_their_place(self) -> None:
        text = FILES["regime.yaml"].decode().replace("at_least: 95 %", "at_least: 96 %")
        told = refused({**FILES, "regime.yaml": text.encode()})
        assert [m.where for m in told] == ["regime.yaml:8", "regime.yaml:16", "regime.yaml:24"]


# What the grammar holds and this version does not compute: every such place of the schemas.

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class NotYet:
    """A marked place of a schema; `value` is the marked value, None where the key itself is."""

    name: str
    path: Path_
    value: str | None


def marked(name: str, schema: Mapping[str, Any], path: Path_ = ()) -> Iterator[NotYet]:
    """Yield every marked place of a schema; a list's items are its first, any key is `*`."""
    if schema.get("x-not-yet"):
        yield NotYet(name, path, None)
    for value in schema.get("x-not-yet-values", ()):
        yield NotYet(name, path, value)
    for key, inner in schema.get("properties", {}).items():
        yield from marked(name, inner, (*path, key))
    for inner in schema.get("anyOf", ()):
        yield from marked(name, inner, path)
    if isinstance(inner := schema.get("items"), dict):
        yield from marked(name, inner, (*path, 0))
    if isinstance(inner := schema.get("additionalProperties"), dict):
        yield from marked(name, inner, (*path, "*"))


def marks(value: object) -> int:
    """Count the marks in a schema wherever they stand."""
    if isinstance(value, list):
        return sum(map(marks, value))
    if not isinstance(value, dict):
        return 0
    own = int(value.get("x-not-yet", False)) + len(value.get("x-not-yet-values", ()))
    return own + sum(map(marks, value.values()))


SCHEMAS: Mapping[str, Any] = {name: json.loads(schema_text(name)) for name in NAMES}
NOT_YET = [place for name, schema in SCHEMAS.items() for place in marked(name, schema)]


def planted(place: NotYet, value: object) -> bytes:
    """Return the example's file with a value at a place, as JSON, which is YAML."""
    document = read_located(f"{place.name}.yaml", FILES[f"{place.name}.yaml"]).value
    part = document
    for step in place.path[:-1]:
        part = part[next(iter(part)) if step == "*" else step]
    part[place.path[-1]] = value
    return json.dumps(document, indent=1).encode()


class TestWhatIsNotComputedYet:
    def test_is_all_found_by_this_test(self) -> None:
        assert len(NOT_YET) == sum(map(marks, SCHEMAS.values()))
        assert len(NOT_YET) > 100

    @pytest.mark.parametrize(
        "place", NOT_YET, ids=lambda p: f"{p.name} {'.'.join(map(str, p.path))} {p.value or ''}"
    )
    def test_is_refused_by_name(self, place: NotYet) -> None:
        key = place.path[-1]
        for value in [place.value] if place.value else ["anything", 3, None, {"a": ["b"]}]:
            content = planted(place, value)
            told = [
                mistake
                for mistake in refused({**FILES, f"{place.name}.yaml": content})
                if mistake.what.startswith(f"`{key}`") and "part of the grammar" in mistake.what
            ]
            assert len(told) == 1, (place, value)
            (mistake,) = told
            assert place.value is None or json.dumps(place.value) in mistake.what
            assert mistake.remedy.startswith(
                "This version computes:" if place.value else "Leave it out"
            )
            name, line = mistake.where.split(":")
            assert name == f"{place.name}.yaml"
            assert f'"{key}":' in content.decode().splitlines()[int(line) - 1]


class TestTheSchemas:
    @pytest.mark.parametrize("name", NAMES)
    def test_are_valid_and_take_the_example_as_an_editor_would(self, name: str) -> None:
        Draft202012Validator.check_schema(SCHEMAS[name])
        document = read_located(f"{name}.yaml", FILES[f"{name}.yaml"]).value
        assert list(Draft202012Validator(SCHEMAS[name]).iter_errors(document)) == []

    def test_describe_each_key(self) -> None:
        """An editor shows the description; a refusal gives it as the remedy."""

        def undescribed(schema: Mapping[str, Any], path: Path_) -> Iterator[Path_]:
            for key, inner in schema.get("properties", {}).items():
                if not {"description", "$ref", "properties"} & set(inner):
                    yield (*path, key)
                yield from undescribed(inner, (*path, key))
            if isinstance(inner := schema.get("items"), dict):
                yield from undescribed(inner, (*path, 0))

        silent = [p for name in NAMES for p in undescribed(SCHEMAS[name], (name,))]
        assert silent == []


LINES = {name: content.splitlines(keepends=True) for name, content in FILES.items()}
SCALARS = st.sampled_from(
    ["", "~", "0", "-1", "1e9", "99999999999999999999", "0.5", "true", "[]", "{}", "[[]]", '""',
     "''", "100 %", "0 h", "2012-02-30", "24:00", "EUR", "1 EUR", "always", "null", "&a", "*a",
     "!x", "|",
     "> x", "- -", "? :", '"\\n"', '"\\uD834"', '"\\x9b"', "\u2028", "\U0001f600", "a" * 3000,
     "9" * 5000 + " %", "9" * 5000 + " EUR", "<<", "=", "%YAML 1.1", "\ufeff", "\x85"]
)  # fmt: skip
MARKS = "[]{},:-?&*!|>'\"%@` \n#ab1"


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, bytes]:
    """Delete, double, swap or cut lines; put other scalars and other bytes into them."""
    files = {name: list(lines) for name, lines in LINES.items()}
    for _ in range(draw(st.integers(1, 4))):
        lines = files[draw(st.sampled_from(sorted(files)))]
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2)) if lines else (0, 0)
        match draw(st.sampled_from(["delete", "double", "swap", "scalar", "bytes", "indent"])):
            case _ if not lines:
                pass
            case "delete":
                del lines[at]
            case "double":
                lines.insert(other, lines[at])
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "scalar":
                key, colon, _ = lines[at].rpartition(b": ")
                lines[at] = key + colon + draw(SCALARS).encode("utf-8", "surrogatepass") + b"\n"
            case "bytes":
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(st.binary(max_size=4)) + lines[at][cut:]
            case "indent":
                lines[at] = b"  " + lines[at] if draw(st.booleans()) else lines[at].lstrip()
    return {name: b"".join(lines) for name, lines in files.items()}


def read_or_refused(files: Mapping[str, bytes]) -> Agreement | None:
    try:
        return read_agreement(files)
    except Refusal as refusal:
        for mistake in refusal.mistakes:
            assert mistake.what, mistake
            assert mistake.where.partition(":")[0] in FILES, mistake
            str(mistake).encode()
        return None


class TestAnyText:
    @given(mutated())
    @settings(max_examples=250, deadline=2_000)
    def test_is_read_or_refused(self, files: dict[str, bytes]) -> None:
        """And what is read can be read back in words and resolved."""
        if (agreement := read_or_refused(files)) is not None:
            in_words(agreement).encode()
            resolve(agreement)

    @given(st.sampled_from(sorted(FILES)), st.binary(max_size=300))
    @settings(max_examples=150, deadline=2_000)
    def test_of_any_bytes_is_refused(self, name: str, content: bytes) -> None:
        assert read_or_refused({**FILES, name: content}) is None

    @given(
        st.sampled_from(sorted(FILES)), st.text(alphabet="[]{},:-?&*!|>'\"%@` \n#ab1", max_size=80)
    )
    @settings(max_examples=150, deadline=2_000)
    def test_of_any_marks_is_refused(self, name: str, content: str) -> None:
        assert read_or_refused({**FILES, name: content.encode()}) is None


class TestTheCommand:
    """`openbpo check`, as it is typed: no server is needed to refuse."""

    def test_exits_with_1_and_names_every_mistake_on_stderr(self, tmp_path: Path) -> None:
        folder = agreement_at(
            tmp_path / "desk",
            {
                "charges.yaml": [("from: 51", "from: 52")],
                "agreement.yaml": [("Europe/Rome", "Europe/Rom")],
            },
        )
        ran = openbpo("check", str(folder))
        assert (ran.status, ran.out) == (1, "")
        near = "Europe/Rome or Europe/Kirov or Europe/Riga"
        assert ran.err.splitlines() == [
            "2 mistakes:",
            f"agreement.yaml:6: 'Europe/Rom' is no time zone. Did you mean {near}?",
            "    Write an IANA zone, as Europe/Rome.",
            "charges.yaml:11: Unit 51 is in no tier.",
            "    Let this tier begin at 51.",
        ]

    def test_says_it_in_json_too(self, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "desk", {"charges.yaml": [("from: 51", "from: 52")]})
        ran = openbpo("check", str(folder), "--json")
        assert ran.status == 1
        assert ran.json == {
            "refused": [
                {
                    "where": "charges.yaml:11",
                    "what": "Unit 51 is in no tier.",
                    "remedy": "Let this tier begin at 51.",
                }
            ]
        }

    def test_names_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        ran = openbpo("check", str(tmp_path / "nowhere"))
        assert (ran.status, ran.out) == (1, "")
        assert "There is no such folder." in ran.err
        assert "openbpo new" in ran.err

    def test_exits_with_2_when_it_is_called_wrongly(self) -> None:
        for arguments in (("check",), ("check", "a", "b"), ("check", "--frob", "a"), ("chek",)):
            ran = openbpo(*arguments)
            assert (ran.status, ran.out) == (2, ""), arguments
            assert "Traceback" not in ran.err
