"""agreement.yaml, parties.yaml, periods.yaml and calendars.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from openbpo.agreements.located import Path
from openbpo.agreements.model import Address, Block, CalendarTerms, Document, Party
from openbpo.agreements.reading.findings import Findings
from openbpo.values.calendars import resolve_holidays
from openbpo.values.currencies import minor_digits
from openbpo.values.spans import Span
from openbpo.values.zones import FIRST_YEAR, LAST_YEAR, resolve_zone

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """agreement.yaml; a part that is wrong is None, and its mistake is noted."""

    title: str
    version: int
    supersedes: tuple[int, ...]
    in_force: Span[date] | None
    term: Span[date] | None
    zone: str | None
    currency: str | None
    documents: tuple[Document, ...]


def read_frame(findings: Findings) -> Frame:
    """Return agreement.yaml, as far as it is sound."""

    def section(key: str) -> Any:
        return findings.section("agreement", key)

    version, supersedes = section("version"), tuple(section("supersedes") or ())
    for number, earlier in enumerate(supersedes):
        if version is not None and earlier >= version:
            findings.say(
                "agreement", ("supersedes", number),
                f"Version {version} cannot supersede version {earlier}.", "Name earlier versions.",
            )  # fmt: skip
    frame = Frame(
        title=section("title") or "",
        version=version or 0,
        supersedes=supersedes,
        in_force=_days(findings, "in_force"),
        term=_days(findings, "term"),
        zone=read_zone(findings, "agreement", ("zone",), section("zone")),
        currency=_currency(findings, section("currency")),
        documents=_documents(findings),
    )
    _refuse_force_outside_term(findings, frame)
    return frame


def _days(findings: Findings, key: str) -> Span[date] | None:
    section = findings.section("agreement", key)
    days = findings.days("agreement", (key,), section) if section is not None else None
    for word, day in (("from", days.start), ("until", days.end)) if days else ():
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            findings.say(
                "agreement", (key, word), f"The clocks of {day.year} are not known.",
                f"Write a year of {FIRST_YEAR} to {LAST_YEAR}.",
            )  # fmt: skip
    return days


def _currency(findings: Findings, code: str | None) -> str | None:
    if code is None:
        return None
    known = findings.parse(
        "agreement", ("currency",), minor_digits, code, "Write a code of ISO 4217, as EUR."
    )
    return code if known is not None else None


def read_zone(findings: Findings, name: str, path: Path, zone: str | None) -> str | None:
    """Return the zone's name if there is such a zone."""
    if zone is None:
        return None

    def resolve(text: str) -> str:
        return resolve_zone(text, 2020, 2020).name

    return findings.parse(name, path, resolve, zone, "Write an IANA zone, as Europe/Rome.")


def _refuse_force_outside_term(findings: Findings, frame: Frame) -> None:
    term, force = frame.term, frame.in_force
    if term is None or force is None:
        return
    begins_early = force.start < term.start
    ends_late = term.end is not None and (force.end is None or force.end > term.end)
    if begins_early or ends_late:
        findings.say(
            "agreement", ("in_force",), "The version governs days outside the term.",
            "Keep `in_force` within `term`.",
        )  # fmt: skip


def _documents(findings: Findings) -> tuple[Document, ...]:
    known = findings.ids("agreement", "documents")
    documents = []
    ranks: dict[int, str] = {}
    for path, entry in findings.entries("agreement", "documents"):
        parent, rank = entry.get("parent"), entry["precedence"]
        if parent is not None:
            findings.known(
                "agreement", (*path, "parent"), parent, known - {entry["id"]}, "document"
            )
        if rank in ranks:
            findings.say(
                "agreement", (*path, "precedence"),
                f"{entry['id']!r} and {ranks[rank]!r} have the same precedence.",
                "Give each document its own rank, so that one prevails.",
            )  # fmt: skip
        ranks.setdefault(rank, entry["id"])
        dated = entry.get("dated")
        documents.append(
            Document(
                id=entry["id"],
                title=entry["title"],
                dated=findings.day("agreement", (*path, "dated"), dated) if dated else None,
                parent=parent,
                precedence=rank,
            )
        )
    return tuple(sorted(documents, key=lambda document: document.precedence))


def read_party(findings: Findings, side: str) -> Party | None:
    """Return the party on a side."""
    entry = findings.section("parties", side)
    if entry is None:
        return None
    address, registration = entry["address"], entry.get("registration", {})
    return Party(
        handle=entry["id"],
        name=entry["name"],
        address=Address(
            street=address["street"],
            postcode=address.get("postcode"),
            city=address["city"],
            region=address.get("region"),
            country=address["country"],
        ),
        register=registration.get("register"),
        register_number=registration.get("number"),
        tax_country=entry["tax"]["country"],
        tax_number=entry["tax"]["number"],
        tax_scheme=entry["tax"].get("scheme"),
        invoices_to=entry.get("invoices_to"),
    )


def refuse_one_party_twice(
    findings: Findings, client: Party | None, provider: Party | None
) -> None:
    """An engagement has two parties; one cannot agree with itself."""
    if client is not None and provider is not None and client.handle == provider.handle:
        findings.say(
            "parties", ("provider", "id"), f"Client and provider are both {client.handle!r}.",
            "Give each party its own id.",
        )  # fmt: skip


def read_calendars(findings: Findings, zone: str | None) -> Mapping[str, CalendarTerms]:
    """Return the calendars by id."""
    calendars = {}
    for path, entry in findings.entries("calendars"):
        own = read_zone(findings, "calendars", (*path, "zone"), entry.get("zone"))
        holidays = entry.get("holidays", {})
        country, region = holidays.get("country"), holidays.get("region")
        _refuse_unknown_country(findings, path, country, region)
        if entry["hours"] == "always" and holidays:
            what = "A calendar that always runs has no free days."
            remedy = "Leave `holidays` out, or write blocks of 00:00 to 24:00."
            findings.say("calendars", (*path, "holidays"), what, remedy)
        calendars[entry["id"]] = CalendarTerms(
            id=entry["id"],
            clause=entry.get("clause"),
            zone=own or zone or "UTC",
            blocks=_blocks(findings, path, entry["hours"]),
            country=country,
            region=region,
            also=_further_days(findings, path, holidays),
            worked=_worked_days(findings, path, holidays),
        )
    return calendars


def _refuse_unknown_country(
    findings: Findings, path: Path, country: str | None, region: str | None
) -> None:
    at = (*path, "holidays", "region" if region else "country")
    if country is None:
        if region is not None:
            findings.say("calendars", at, "A region needs its country.", "Add `country:`.")
        return

    def resolve(code: str) -> int:
        return len(resolve_holidays(code, region, 2020, 2020))

    findings.parse("calendars", at, resolve, country, "Write codes of ISO 3166, as IT and BZ.")


def _further_days(
    findings: Findings, path: Path, holidays: dict[str, Any]
) -> tuple[tuple[date, str], ...]:
    at = (*path, "holidays", "also")
    days = [
        (findings.day("calendars", (*at, number, "day"), entry["day"]), entry["name"])
        for number, entry in enumerate(holidays.get("also", ()))
    ]
    return tuple((day, name) for day, name in days if day is not None)


def _worked_days(findings: Findings, path: Path, holidays: dict[str, Any]) -> tuple[date, ...]:
    at = (*path, "holidays", "except")
    days = [
        findings.day("calendars", (*at, number), text)
        for number, text in enumerate(holidays.get("except", ()))
    ]
    return tuple(day for day in days if day is not None)


def _blocks(findings: Findings, path: Path, hours: Any) -> tuple[Block, ...] | None:
    if hours == "always":
        return None
    blocks: list[Block] = []
    for number, entry in enumerate(hours):
        block = Block(
            weekdays=_weekdays(entry["days"]),
            start_min=_minute_of_day(entry["from"]),
            end_min=_minute_of_day(entry["to"]),
        )
        at = (*path, "hours", number)
        if block.end_min <= block.start_min:
            findings.say("calendars", at, "The block ends before it begins.", "Swap from and to.")
        elif any(_meet(block, other) for other in blocks):
            findings.say(
                "calendars", at, "The block overlaps another of the same day.",
                "Let each minute of a day stand in one block.",
            )  # fmt: skip
        else:
            blocks.append(block)
    return tuple(blocks)


def _meet(one: Block, other: Block) -> bool:
    same_day = bool(set(one.weekdays) & set(other.weekdays))
    return same_day and one.start_min < other.end_min and other.start_min < one.end_min


def _weekdays(text: str) -> tuple[int, ...]:
    first, _, last = text.partition(" to ")
    start = WEEKDAYS.index(first)
    end = WEEKDAYS.index(last) if last else start
    return tuple((start + step) % 7 for step in range((end - start) % 7 + 1))


def _minute_of_day(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
