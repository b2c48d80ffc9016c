"""A version computes once a side has signed it, on its own days, and never changes afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations, count, pairwise, permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import EXAMPLE, Ran, agreement_at, done, openbpo, ticket, write_log

from openbpo.agreements import semantics
from openbpo.agreements.files import Files, content_hash, read_folder
from openbpo.agreements.model import SIDES, Agreement, Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.resolved import resolve
from openbpo.agreements.versions import store
from openbpo.agreements.versions.actions import accept, open_engagement, propose
from openbpo.agreements.versions.decisions import governing, place, without
from openbpo.agreements.versions.model import InForce, Placement, Standing, Statement
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.agreements.versions.replaying import FOR_EVER
from openbpo.assurance.attainment.queries import find_period
from openbpo.storage.commands import Answer
from openbpo.storage.database import Context, Database
from openbpo.trust.keys import PublicKey, party_key
from openbpo.values.ids import VersionId
from openbpo.values.refusals import Refusal
from openbpo.values.spans import Span

FIRST = dict(read_folder(EXAMPLE))
EXAMPLE_AGREEMENT = read_agreement(FIRST)


def version(
    number: int,
    since: str = "2010-01-01",
    until: str = "open",
    supersedes: Sequence[int] = (),
    price: str = "38.00 EUR",
) -> Files:
    """Return the example as a version of that number, for those days, at that first price."""
    text = FIRST["agreement.yaml"].decode()
    named = f"\nsupersedes: {list(supersedes)}" if supersedes else ""
    text = text.replace("version: 1", f"version: {number}{named}")
    text = text.replace(
        "in_force: {from: 2010-01-01}", f"in_force: {{from: {since}, until: {until}}}"
    )
    charges = FIRST["charges.yaml"].replace(b"38.00 EUR", price.encode())
    return {**FIRST, "agreement.yaml": text.encode(), "charges.yaml": charges}


@dataclass
class Desk:
    """An engagement of its own, as two parties come to terms in it."""

    database: Database
    context: Context
    handle: str
    party: dict[Side, str] = field(default_factory=dict)

    def accept(self, files: Files, *sides: Side) -> Answer:
        answer: Answer = {}
        for side in sides:
            key = party_key(read_agreement(files).party(side).handle)
            answer = accept(
                self.database, self.context, handle=self.handle, files=files, side=side, key=key
            )
        return answer

    def in_force(self) -> list[tuple[int, str, str]]:
        """Return number, standing and days of what is in force, as stored."""
        engagement_id = open_engagement(self.database, self.context, self.handle)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            rows = store.in_force(tx, engagement_id)
        return sorted((row.number, row.standing.value, str(row.days)) for row in rows)

    def governing(self, *months: str) -> list[int]:
        """Return the version under which each month is computed."""
        engagement_id = open_engagement(self.database, self.context, self.handle)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            terms = terms_in_force(tx, engagement_id, self.handle)
        return [find_period(terms, month)[1].agreement.version for month in months]

    def signatures(self) -> list[store.StoredSignature]:
        engagement_id = open_engagement(self.database, self.context, self.handle)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            rows = store.in_force(tx, engagement_id)
            return [s for r in rows for s in store.signatures(tx, engagement_id, r.version_id)]


@pytest.fixture
def desk(database: Database, context: Context, handle: str) -> Desk:
    return Desk(database, context, handle)


class TestAVersion:
    def test_is_our_reading_when_one_side_has_signed_and_agreed_when_both_have(
        self, desk: Desk
    ) -> None:
        first = desk.accept(FIRST, "client")
        assert (first["standing"], first["signed_by"]) == ("our_reading", ["client"])
        assert desk.in_force() == [(1, "our_reading", "[2010-01-01, open)")]
        both = desk.accept(FIRST, "provider")
        assert (both["standing"], both["signed_by"]) == ("agreed", ["client", "provider"])
        assert desk.in_force() == [(1, "agreed", "[2010-01-01, open)")]
        assert first["content_hash"] == both["content_hash"]

    def test_that_is_accepted_twice_stays_as_it_is(self, desk: Desk) -> None:
        desk.accept(FIRST, "client", "provider")
        before = desk.in_force(), desk.signatures()
        again = desk.accept(FIRST, "client")
        assert (desk.in_force(), desk.signatures()) == before
        assert (again["standing"], again["signed_by"]) == ("agreed", ["client", "provider"])

    def test_that_is_only_proposed_computes_nothing(self, desk: Desk) -> None:
        told = propose(
            desk.database, desk.context, handle=desk.handle, files=FIRST, side="provider"
        )
        assert (told["standing"], told["signed_by"]) == (None, [])
        assert desk.in_force() == []
        with pytest.raises(Refusal, match=r"1 proposed, none accepted.*Accept it"):
            desk.governing("2012-01")

    def test_with_mistakes_is_not_proposed(self, desk: Desk) -> None:
        with pytest.raises(Refusal, match="`version` is below 1"):
            desk.accept(version(0), "client")
        with pytest.raises(Refusal, match="None was proposed"):
            desk.governing("2012-01")

    def test_of_a_used_number_with_other_terms_is_refused(self, desk: Desk) -> None:
        desk.accept(FIRST, "client")
        before = desk.in_force()
        for other in (version(1, price="39.00 EUR"), version(1, since="2011-01-01")):
            with pytest.raises(Refusal) as refusal:
                desk.accept(other, "provider")
            (mistake,) = refusal.value.mistakes
            assert "Version 1 is in force (our reading), and its terms differ" in mistake.what
            assert "`version: 2` with `supersedes: [1]`" in mistake.remedy
        assert desk.in_force() == before

    def test_for_days_of_another_must_supersede_it(self, desk: Desk) -> None:
        desk.accept(FIRST, "client", "provider")
        with pytest.raises(Refusal) as refusal:
            desk.accept(version(2, since="2012-07-01"), "client")
        (mistake,) = refusal.value.mistakes
        assert mistake.where == "agreement.yaml"
        assert "Version 1 (agreed by both parties) governs" in mistake.what
        assert "supersedes: [1]" in mistake.remedy
        assert desk.in_force() == [(1, "agreed", "[2010-01-01, open)")]

    def test_for_days_of_two_others_names_both(self, desk: Desk) -> None:
        desk.accept(version(1, until="2012-01-01"), "client")
        desk.accept(version(2, since="2012-01-01"), "client")
        with pytest.raises(Refusal) as refusal:
            desk.accept(version(3, since="2011-07-01"), "client")
        whats = [mistake.what for mistake in refusal.value.mistakes]
        assert [what[:9] for what in whats] == ["Version 1", "Version 2"]


class TestALaterVersion:
    def test_governs_from_its_first_day_and_the_earlier_until_then(self, desk: Desk) -> None:
        desk.accept(FIRST, "client", "provider")
        desk.accept(version(2, since="2012-07-01", supersedes=[1]), "client", "provider")
        assert desk.in_force() == [
            (1, "agreed", "[2010-01-01, 2012-07-01)"),
            (2, "agreed", "[2012-07-01, open)"),
        ]
        assert desk.governing("2012-06", "2012-07", "2012-08") == [1, 2, 2]

    def test_for_some_months_leaves_those_after_to_the_earlier(self, desk: Desk) -> None:
        desk.accept(FIRST, "client")
        trial = version(2, since="2012-07-01", until="2012-09-01", supersedes=[1])
        desk.accept(trial, "client")
        assert desk.governing("2012-06", "2012-07", "2012-08", "2012-09") == [1, 2, 2, 1]

    def test_of_one_side_never_displaces_what_both_have_agreed(self, desk: Desk) -> None:
        desk.accept(FIRST, "client", "provider")
        desk.accept(version(2, since="2012-07-01", supersedes=[1]), "provider")
        assert desk.governing("2012-06", "2012-07") == [1, 1]
        assert desk.in_force() == [
            (1, "agreed", "[2010-01-01, open)"),
            (2, "our_reading", "[2012-07-01, open)"),
        ]

    def test_does_not_keep_the_other_side_from_signing_the_earlier(self, desk: Desk) -> None:
        later = version(2, since="2012-07-01", supersedes=[1])
        desk.accept(FIRST, "provider")
        desk.accept(later, "provider")
        desk.accept(FIRST, "client")
        assert desk.governing("2012-06", "2012-07") == [1, 1]
        desk.accept(later, "client")
        assert desk.in_force() == [
            (1, "agreed", "[2010-01-01, 2012-07-01)"),
            (2, "agreed", "[2012-07-01, open)"),
        ]

    def test_that_is_agreed_first_leaves_the_earlier_its_days(self, desk: Desk) -> None:
        later = version(2, since="2012-07-01", supersedes=[1])
        desk.accept(FIRST, "provider")
        desk.accept(later, "provider", "client")
        desk.accept(FIRST, "client")
        assert desk.in_force() == [
            (1, "agreed", "[2010-01-01, 2012-07-01)"),
            (2, "agreed", "[2012-07-01, open)"),
        ]

    def test_of_one_side_governs_where_nothing_is_agreed(self, desk: Desk) -> None:
        """On the days of both the agreed one prevails: no month of its own is in doubt."""
        desk.accept(version(1, until="2012-07-01"), "client", "provider")
        desk.accept(version(2, since="2012-01-01", supersedes=[1]), "provider")
        assert desk.governing("2012-03", "2012-06", "2012-07", "2013-01") == [1, 1, 2, 2]

    def test_that_becomes_agreed_takes_its_days(self, desk: Desk) -> None:
        desk.accept(FIRST, "client", "provider")
        second = version(2, since="2012-07-01", supersedes=[1])
        desk.accept(second, "provider")
        assert desk.governing("2012-07") == [1]
        desk.accept(second, "client")
        assert desk.governing("2012-06", "2012-07") == [1, 2]

    def test_within_a_month_leaves_that_month_uncomputed_by_name(self, desk: Desk) -> None:
        desk.accept(FIRST, "client")
        desk.accept(version(2, since="2012-07-15", supersedes=[1]), "client")
        assert desk.governing("2012-06", "2012-08") == [1, 2]
        with pytest.raises(Refusal) as refusal:
            desk.governing("2012-07")
        (mistake,) = refusal.value.mistakes
        assert mistake.where == "--period"
        assert "Versions 1 and 2 each govern a part of 2012-07" in mistake.what
        assert "first day of a period" in mistake.remedy

    def test_after_a_gap_leaves_the_gap_uncomputed_by_name(self, desk: Desk) -> None:
        desk.accept(version(1, until="2012-06-15"), "client")
        desk.accept(version(2, since="2012-08-01"), "client")
        for month in ("2012-06", "2012-07"):
            with pytest.raises(Refusal, match=f"No version is in force on every day of {month}"):
                desk.governing(month)


class TestAPeriod:
    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("2012-13", "no month"),
            ("2012", "no month"),
            ("march", "no month"),
            ("", "no month"),
            ("2009-12", "The term runs from 1 January 2010"),
            ("1066-10", "not resolved that far"),
            ("9999-12", "out of range"),
        ],
    )
    def test_that_is_none_is_refused_by_name(self, desk: Desk, name: str, why: str) -> None:
        desk.accept(FIRST, "client")
        with pytest.raises(Refusal) as refusal:
            desk.governing(name)
        (mistake,) = refusal.value.mistakes
        assert mistake.what.startswith(f"{name!r} is no period of this agreement.")
        assert why in mistake.what
        assert "the first is 2010-01" in mistake.remedy


def by_hand(value: object) -> bytes:
    """Return the canonical encoding of RFC 8785 for what has ASCII keys and no floats."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


class TestASignature:
    def test_is_of_the_documented_statement_and_of_no_other(self, desk: Desk) -> None:
        answer = desk.accept(FIRST, "client", "provider")
        parties = {"client": "officina-software", "provider": "banco-servizi"}
        signatures = desk.signatures()
        assert [found.side for found in signatures] == ["client", "provider"]
        for found in signatures:
            key = PublicKey(found.key_id, bytes(found.public_key))
            assert key == party_key(parties[found.side]).public
            message = by_hand(
                {
                    "openbpo": "agreement.accepted/1",
                    "engagement": desk.handle,
                    "side": found.side,
                    "party": parties[found.side],
                    "version": 1,
                    "content_hash": answer["content_hash"],
                    "in_force": ["2010-01-01", None],
                }
            )
            signature = bytes(found.signature)
            assert key.signed(message, signature)
            for changed in flipped(message):
                assert not key.signed(changed, signature)
            for changed in flipped(signature):
                assert not key.signed(message, changed)

    def test_of_one_side_is_not_the_others(self, desk: Desk) -> None:
        answer = desk.accept(FIRST, "client")
        (found,) = desk.signatures()
        statement = Statement(
            engagement=desk.handle,
            side="provider",
            party="banco-servizi",
            version=1,
            content_hash=bytes.fromhex(answer["content_hash"]),
            in_force=EXAMPLE_AGREEMENT.in_force,
        )
        key = PublicKey(found.key_id, bytes(found.public_key))
        assert not key.signed(statement.message(), bytes(found.signature))


def flipped(content: bytes) -> Iterator[bytes]:
    """Yield the content with one bit of one byte changed, for every byte."""
    for at, byte in enumerate(content):
        yield content[:at] + bytes([byte ^ 1 << at % 8]) + content[at + 1 :]


RESOLVED = resolve(EXAMPLE_AGREEMENT)
HASH = content_hash(FIRST, RESOLVED, semantics.CURRENT)


class TestTheContentHash:
    def test_is_that_of_the_documented_encoding(self) -> None:
        files = {name: hashlib.sha256(content).hexdigest() for name, content in FIRST.items()}
        told = {"files": files, "resolved": RESOLVED, "semantics": semantics.CURRENT}
        assert hashlib.sha256(by_hand(told)).digest() == HASH

    @given(st.data())
    def test_changes_with_any_byte_of_any_file(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(FIRST)))
        at = data.draw(st.integers(0, len(FIRST[name]) - 1))
        bit = data.draw(st.integers(0, 7))
        content = bytearray(FIRST[name])
        content[at] ^= 1 << bit
        assert content_hash({**FIRST, name: bytes(content)}, RESOLVED, 1) != HASH

    def test_changes_with_any_holiday_or_clock_change_or_rule(self) -> None:
        holidays = RESOLVED["holidays"]["desk-hours"]
        offsets = RESOLVED["zones"]["Europe/Rome"]["offsets"]
        assert len(holidays) > 300
        assert len(offsets) > 60
        hashes = {content_hash(FIRST, RESOLVED, 2), HASH}
        for at in range(len(holidays)):
            fewer = [*holidays[:at], *holidays[at + 1 :]]
            hashes.add(content_hash(FIRST, {**RESOLVED, "holidays": {"desk-hours": fewer}}, 1))
        for at in range(len(offsets)):
            rome = {**RESOLVED["zones"]["Europe/Rome"], "offsets": offsets[:at]}
            hashes.add(content_hash(FIRST, {**RESOLVED, "zones": {"Europe/Rome": rome}}, 1))
        assert len(hashes) == 2 + len(holidays) + len(offsets)


# Which version governs which day: the decisions alone, on many contracts.

DAY_0 = date(2012, 1, 1)
days_from_0 = st.integers(0, 12).map(lambda n: DAY_0 + timedelta(days=n))
spans = st.tuples(days_from_0, st.none() | st.integers(1, 6)).map(
    lambda told: Span(told[0], told[0] + timedelta(days=told[1]) if told[1] else None)
)
HORIZON = [DAY_0 + timedelta(days=n) for n in range(25)]


def days_of(span: Span[date]) -> set[date]:
    return {day for day in HORIZON if day in span}


def agreement_of(number: int, days: Span[date], supersedes: Iterable[int]) -> Agreement:
    named = tuple(sorted(supersedes))
    return replace(EXAMPLE_AGREEMENT, version=number, in_force=days, supersedes=named)


@st.composite
def contracts(draw: st.DrawFn) -> list[Agreement]:
    """Some versions of one agreement, each superseding some of the earlier ones."""
    return [
        agreement_of(
            number, draw(spans), draw(st.sets(st.integers(1, number - 1))) if number > 1 else ()
        )
        for number in range(1, draw(st.integers(2, 4)) + 1)
    ]


class Book:
    """What is in force, as the store would hold it, after each signature."""

    def __init__(self) -> None:
        self.rows: list[InForce] = []
        self.signed: dict[int, set[Side]] = {}
        self._ids = map(UUID, (f"{n:032x}" for n in count(1_000)))

    def sign(self, agreement: Agreement, side: Side) -> Placement:
        signed = self.signed.get(agreement.version, set()) | {side}
        standing = Standing.AGREED if len(signed) == 2 else Standing.OUR_READING
        placement = place(identity(agreement.version), agreement, standing, self.rows)
        self.signed[agreement.version] = signed
        gone = {row.in_force_id for row in placement.superseded}
        assert gone <= {row.in_force_id for row in self.rows}
        self.rows = [row for row in self.rows if row.in_force_id not in gone]
        self.rows += [
            InForce(next(self._ids), version_id, version_id.int, its_standing, days)
            for version_id, its_standing, days in placement.governing
        ]
        return placement

    def by_day(self) -> dict[date, tuple[int, Standing]]:
        """Return which version governs each day; asserts that it is never two."""
        found: dict[date, tuple[int, Standing]] = {}
        for row in governing(FOR_EVER, self.rows):
            for day in days_of(row.days):
                assert day not in found, (day, self.rows)
                found[day] = (row.number, row.standing)
        return found


def identity(number: int) -> VersionId:
    return VersionId(UUID(int=number))


acts = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(SIDES)), max_size=10)


class TestPlacing:
    @given(contracts(), acts)
    @settings(max_examples=300)
    def test_keeps_every_promise_after_any_signatures(
        self, versions: list[Agreement], signing: list[tuple[int, Side]]
    ) -> None:
        book = Book()
        for which, side in signing:
            agreement = versions[which % len(versions)]
            before, rows = book.by_day(), list(book.rows)
            if side in book.signed.get(agreement.version, ()):
                continue  # a command is carried out once
            try:
                book.sign(agreement, side)
            except Refusal:
                assert book.rows == rows
                continue
            self.two_agreed_or_two_readings_never_share_a_day(book)
            self.what_was_signed_holds_on_all_its_days(book, agreement)
            self.only_days_of_the_version_change_hands(book, agreement, before)

    def two_agreed_or_two_readings_never_share_a_day(self, book: Book) -> None:
        for one, other in combinations(book.rows, 2):
            assert one.standing is not other.standing or not one.days.overlaps(other.days)

    def what_was_signed_holds_on_all_its_days(self, book: Book, agreement: Agreement) -> None:
        own = [row for row in book.rows if row.number == agreement.version]
        assert {day for row in own for day in days_of(row.days)} == days_of(agreement.in_force)
        assert len({row.standing for row in own}) == 1

    def only_days_of_the_version_change_hands(
        self, book: Book, agreement: Agreement, before: dict[date, tuple[int, Standing]]
    ) -> None:
        after = book.by_day()
        one_sided = len(book.signed[agreement.version]) == 1
        for day in HORIZON:
            if day not in agreement.in_force:
                assert after.get(day) == before.get(day)
            elif one_sided and day in before and before[day][1] is Standing.AGREED:
                assert after[day] == before[day], "one side never displaces what both have signed"
            else:
                assert after[day][0] == agreement.version

    @given(spans, spans, st.sampled_from([(), (1,)]))
    @settings(max_examples=150)
    def test_comes_to_the_same_in_every_order_that_is_possible(
        self, first: Span[date], second: Span[date], supersedes: tuple[int, ...]
    ) -> None:
        versions = [agreement_of(1, first, ()), agreement_of(2, second, supersedes)]
        results = []
        for order in permutations([(v, side) for v in versions for side in SIDES]):
            book = Book()
            try:
                for agreement, side in order:
                    book.sign(agreement, side)
            except Refusal:
                continue
            results.append(book.by_day())
        assert results or first.overlaps(second)
        assert all(result == results[0] for result in results)

    @given(spans, spans)
    def test_names_each_version_that_stands_in_the_way(
        self, first: Span[date], second: Span[date]
    ) -> None:
        book = Book()
        book.sign(agreement_of(1, first, ()), "client")
        if not first.overlaps(second):
            book.sign(agreement_of(2, second, ()), "client")
            return
        with pytest.raises(Refusal, match=r"Version 1 \(our reading\)"):
            book.sign(agreement_of(2, second, ()), "client")


class TestWithout:
    @given(spans, spans)
    def test_leaves_the_days_of_the_one_that_are_not_the_others(
        self, days: Span[date], taken: Span[date]
    ) -> None:
        left = without(days, taken)
        assert sum(len(days_of(part)) for part in left) == len(days_of(days) - days_of(taken))
        assert {day for part in left for day in days_of(part)} == days_of(days) - days_of(taken)
        assert all(one.before(other) for one, other in pairwise(left))


class TestGoverning:
    @given(st.lists(st.tuples(spans, st.sampled_from(Standing)), max_size=6), spans)
    @settings(max_examples=300)
    def test_gives_each_day_to_one_and_what_is_agreed_first(
        self, told: list[tuple[Span[date], Standing]], asked: Span[date]
    ) -> None:
        rows: list[InForce] = []
        for number, (days, standing) in enumerate(told, start=1):
            if not any(r.standing is standing and r.days.overlaps(days) for r in rows):
                rows.append(InForce(identity(number), identity(number), number, standing, days))
        found = governing(asked, rows)
        assert list(found) == sorted(found, key=lambda row: row.days.start)
        assert all(row.days.overlaps(asked) for row in found)
        for day in days_of(asked):
            standings = {row.standing for row in rows if day in row.days}
            governs = [row.standing for row in found if day in row.days]
            best = Standing.AGREED if Standing.AGREED in standings else Standing.OUR_READING
            assert governs == ([best] if standings else [])


class TestTheCommands:
    """As two companies would type them, with one engagement and one log."""

    def test_bill_each_month_by_its_own_version(self, home: Path, tmp_path: Path) -> None:
        folder = agreement_at(tmp_path / "two-versions")
        self.nothing_computes_before_somebody_has_signed(folder)
        done("accept", str(folder), "--as", "provider")
        done("accept", str(folder), "--as", "client")
        log = write_log(
            tmp_path / "log.csv",
            [
                ticket(
                    "standard",
                    f"2012-{month}-04T09:00",
                    f"2012-{month}-05T09:00",
                    f"2012-{month}-20T09:00",
                )
                for month in ("06", "07")
            ],
        )
        done("import", folder.name, str(log))
        for name, text in version(2, "2012-07-01", supersedes=[1], price="40.00 EUR").items():
            (folder / name).write_bytes(text)
        done("accept", str(folder), "--as", "provider")
        assert billed(folder, "2012-07") == (1, "agreed", "38.00")
        said = done("accept", str(folder), "--as", "client").out
        assert "Both parties have signed: it is agreed" in said
        assert billed(folder, "2012-06") == (1, "agreed", "38.00")
        assert billed(folder, "2012-07") == (2, "agreed", "40.00")
        again = done("accept", str(folder), "--as", "provider").out
        assert "has not signed" not in again

    def nothing_computes_before_somebody_has_signed(self, folder: Path) -> None:
        done("propose", str(folder), "--as", "provider")
        for command in (("invoice", "--period", "2012-06"), ("attain", "--period", "2012-06")):
            ran = openbpo(command[0], folder.name, *command[1:])
            assert (ran.status, ran.out) == (1, "")
            assert "No version of this agreement is in force: 1 proposed, none accepted" in ran.err
            assert "openbpo accept" in ran.err


def billed(folder: Path, month: str) -> tuple[int, str, str]:
    ran: Ran = done("invoice", folder.name, "--period", month, "--json")
    told: dict[str, Any] = ran.json
    return told["version"], told["standing"], told["lines"][0]["amount"]
