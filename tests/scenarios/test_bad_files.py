"""Every wrong file has a clear answer and leaves the record as it was; a right one is in once."""

from __future__ import annotations

import csv
import gzip
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support import EXAMPLE, REPOSITORY, agreement_at, done, openbpo

from openbpo.agreements.files import Files, read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.delivery.intake import reading_ahead
from openbpo.delivery.intake.actions import abandon, import_file
from openbpo.delivery.intake.model import Imported
from openbpo.delivery.intake.reading import CHUNK_ROWS, FAULTS_SHOWN
from openbpo.record import store
from openbpo.record.queries import Extent, events_of_active_cases, extent
from openbpo.storage.database import Context, Database
from openbpo.storage.failpoints import VARIABLE
from openbpo.storage.installation import open_database
from openbpo.trust.keys import party_key
from openbpo.values.refusals import Mistake, Refusal
from openbpo.values.spans import Span

FILES = dict(read_folder(EXAMPLE))
HEADER = (
    "Case ID", "Activity", "Resource", "Complete Timestamp", "seriousness", "customer", "product",
    "service_level", "workgroup",
)  # fmt: skip
PLAIN = dict.fromkeys(HEADER, "Value 1") | {
    "Case ID": "Case 1",
    "Activity": "Take in charge ticket",
    "Complete Timestamp": "2012-03-05 09:00",
}


def row(**cells: str) -> list[str]:
    """Return a row; `at` is short for the time, `case` for the case."""
    renamed = {"at": "Complete Timestamp", "case": "Case ID", "activity": "Activity"}
    told = PLAIN | {renamed.get(name, name): cell for name, cell in cells.items()}
    at = told["Complete Timestamp"]
    if at.count(":") == 1:
        told["Complete Timestamp"] = f"{at.replace('-', '/')}:00.000"
    return [told[name] for name in HEADER]


ROWS = [
    row(at="2012-03-05 09:00", customer='a "quoted", one; and | more\tof it'),
    row(at="2012-03-05 10:00", activity="Wait", customer="two\nlines"),
    row(at="2012-03-06 11:00", activity="Resolve ticket"),
    row(at="2012-03-16 09:00", activity="Closed"),
    row(at="2012-03-07 09:00", case="Case 2"),
]


def text_of(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, **dialect: Any) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", **dialect)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def agreement(edits: Iterable[tuple[str, str]] = ()) -> Files:
    """Return the example with other pieces in its mapping."""
    text = FILES["mapping.yaml"].decode()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return {**FILES, "mapping.yaml": text.encode()}


@pytest.fixture(params=["here", "apart"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file is read in this process, and by one of its own as large files are."""
    where = str(request.param)
    if where == "apart":
        monkeypatch.setattr(reading_ahead, "LARGE_BYTES", 0)
    return where


@dataclass
class Desk:
    """An engagement with an agreement in force, and a folder for files to import."""

    database: Database
    context: Context
    handle: str
    folder: Path

    def accept(self, files: Files) -> None:
        key = party_key(read_agreement(files).provider.handle)
        accept(
            self.database, self.context, handle=self.handle, files=files, side="provider", key=key
        )

    def write(self, content: str | bytes, name: str = "log.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take_in(self, content: str | bytes | Path, name: str = "log.csv") -> Imported:
        path = content if isinstance(content, Path) else self.write(content, name)
        engagement_id = open_engagement(self.database, self.context, self.handle)
        return import_file(
            self.database,
            self.context,
            engagement_id=engagement_id,
            handle=self.handle,
            path=path,
        )

    def refused(self, content: str | bytes | Path, name: str = "log.csv") -> list[Mistake]:
        """Return the mistakes in a file; asserts that nothing of it is left behind."""
        before = self.extent()
        with pytest.raises(Refusal) as refusal:
            self.take_in(content, name)
        assert (self.extent(), self.unfinished()) == (before, None)
        assert all(mistake.remedy for mistake in refusal.value.mistakes)
        return list(refusal.value.mistakes)

    def set_aside(self, content: str | bytes | Path, name: str = "log.csv") -> list[Mistake]:
        """Return the rows that were refused; asserts that all others are in, and are counted."""
        before = self.extent()
        taken = self.take_in(content, name)
        assert taken.read == taken.accepted + taken.corrected + taken.already_known + taken.refused
        now = self.extent()
        assert (now.events, now.refused) == (
            before.events + taken.accepted,
            before.refused + taken.refused,
        )
        assert self.unfinished() is None
        assert len(taken.faults) == min(taken.refused, FAULTS_SHOWN)
        assert all(fault.remedy for _, fault in taken.faults)
        return [Mistake(f"{name}:{line}", told.what, told.remedy) for line, told in taken.faults]

    def refused_once(self, content: str | bytes | Path, name: str = "log.csv") -> str:
        (mistake,) = self.refused(content, name)
        return str(mistake)

    def extent(self) -> Extent:
        engagement_id = open_engagement(self.database, self.context, self.handle)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            return extent(tx, engagement_id)

    def unfinished(self) -> store.Recording | None:
        engagement_id = open_engagement(self.database, self.context, self.handle)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            return store.open_recording(tx, engagement_id)

    def events(self) -> list[tuple[str, datetime, dict[str, object]]]:
        engagement_id = open_engagement(self.database, self.context, self.handle)
        always = Span(datetime(1971, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            found = list(events_of_active_cases(tx, engagement_id, always))
        return [(event.subject, event.happened_at, dict(event.facts)) for event in found]


@pytest.fixture
def desk(database: Database, context: Context, handle: str, tmp_path: Path) -> Desk:
    made = Desk(database, context, handle, tmp_path)
    made.accept(FILES)
    return made


@pytest.fixture
def make_desk(database: Database, context: Context, tmp_path: Path) -> Callable[..., Desk]:
    def make(handle: str, *edits: tuple[str, str]) -> Desk:
        made = Desk(database, context, handle, tmp_path)
        made.accept(agreement(edits))
        return made

    return make


GOOD = text_of(ROWS)
PACKED = gzip.compress(GOOD.encode())
NO_NUMBERS = [name for name in HEADER if name not in ("Resource", "product")]


@pytest.mark.usefixtures("reading")
class TestAFileThatCannotBeRead:
    @pytest.mark.parametrize(
        ("content", "what", "remedy"),
        [
            pytest.param(b"", "log.csv: The file is empty.", "Export it again", id="empty"),
            pytest.param(b"\n\n", "log.csv: The file is empty.", "Export it", id="blank lines"),
            pytest.param(gzip.compress(b""), "The file is empty", "Export it", id="empty gzip"),
            pytest.param(text_of([]), "a header but no rows", "Export it again", id="header only"),
            pytest.param(PACKED[:-9], "damaged or cut off", "Copy or export", id="cut gzip"),
            pytest.param(PACKED[:2], "damaged or cut off", "Copy or export", id="2 bytes of gzip"),
            pytest.param(
                PACKED[:40] + b"\0" + PACKED[41:], "damaged", "Copy or export", id="bent gzip"
            ),
            pytest.param(
                GOOD[: GOOD.index("\nlines") + 3],
                "This is not CSV: unexpected end of data",
                "may be cut off",
                id="cut in a quoted cell",
            ),
            pytest.param(
                text_of([row(customer="x" * 1_000_001)]), "field larger than", "", id="huge cell"
            ),
            pytest.param(
                text_of([*ROWS, row(customer="Società")]).encode("cp1252"),
                "log.csv:8: From here on the file is not utf-8",
                "name its own under `encoding`",
                id="cp1252",
            ),
            pytest.param(
                text_of([row()] * 3_000 + [row(customer="Società")]).encode("cp1252"),
                "log.csv:3002: From here on the file is not utf-8",
                "name its own under `encoding`",
                id="cp1252 late in a long file",
            ),
            pytest.param(
                b"\x89PNG" + bytes(range(256)), "not utf-8", "encoding", id="binary"
            ),
            pytest.param(
                b"PK\x03\x04" + bytes(range(256)), "a workbook", "Save the sheet as CSV", id="xlsx"
            ),
        ],
    )  # fmt: skip
    def test_is_refused_and_leaves_nothing(
        self, desk: Desk, content: str | bytes, what: str, remedy: str
    ) -> None:
        told = desk.refused_once(content)
        assert what in told
        assert remedy in told
        assert len(told) < 600

    def test_may_be_a_folder_or_missing(self, desk: Desk) -> None:
        (desk.folder / "folder.csv").mkdir()
        for name, why in (("folder.csv", "Is a directory"), ("nowhere.csv", "No such file")):
            told = desk.refused_once(desk.folder / name)
            assert name in told
            assert why in told
            assert "Check its name" in told

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_may_be_closed_to_us(self, desk: Desk) -> None:
        path = desk.write(GOOD)
        path.chmod(0)
        assert "Permission denied" in desk.refused_once(path)


class TestAHeader:
    def test_that_lacks_columns_names_them_all(self, desk: Desk) -> None:
        told = desk.refused(text_of([], [name.replace("service_l", "l") for name in NO_NUMBERS]))
        assert [(m.where, m.what) for m in told] == [
            ("log.csv:1", "There is no column 'Resource'."),
            ("log.csv:1", "There is no column 'product'."),
            ("log.csv:1", "There is no column 'service_level'."),
        ]
        assert all("The file has: Case ID, Activity" in m.remedy for m in told)

    def test_that_misspells_a_column_is_told_the_nearest(self, desk: Desk) -> None:
        told = desk.refused_once(
            text_of(ROWS, [name.replace("Case ID", "CaseID") for name in HEADER])
        )
        assert "There is no column 'Case ID'. Did you mean 'CaseID'?" in told

    def test_that_has_a_mapped_column_twice_asks_which(self, desk: Desk) -> None:
        header = [*HEADER, "product"]
        told = desk.refused_once(text_of([[*row(), "x"]], header))
        assert "The column 'product' stands 2 times" in told
        assert "`occurrence: 1`" in told

    def test_may_have_it_twice_when_the_mapping_says_which(
        self, make_desk: Callable[..., Desk], handle: str
    ) -> None:
        desk = make_desk(handle, ("{column: product}", "{column: product, occurrence: 2}"))
        desk.take_in(text_of([[*row(), "the second"]], [*HEADER, "product"]))
        assert desk.events()[0][2]["product"] == "the second"
        assert "no column 'product' (number 2)" in desk.refused_once(GOOD)


def bad(what: str, remedy: str, **cells: str) -> Any:
    return pytest.param(cells, what, remedy, id=what[:40])


@pytest.mark.usefixtures("reading")
class TestARow:
    @pytest.mark.parametrize(
        ("cells", "what", "remedy"),
        [
            bad("The column 'Case ID' is empty", "names its case", case=" "),
            bad("longer than 200 characters", "names the case", case="x" * 201),
            bad("The column 'Activity' is empty", "`optional: true`", activity=""),
            bad("'Value 9' in the column 'service_level' means nothing", "Value 1",
                service_level="Value 9"),
            bad("means nothing", "", service_level="x" * 900_000),
            bad("is not written as yyyy/MM/dd HH:mm:ss.SSS", "`at.format`", at="5.3.2012 9:00 Uhr"),
            bad("is not written as yyyy/MM/dd HH:mm:ss.SSS", "`at.format`", at="x" * 900_000),
            bad("is no time", "`at.format`", at="2012-02-30 09:00"),
            bad("is no time", "`at.format`", at="2012-02-29 25:00"),
            bad("is no time: year 0", "`at.format`", at="0000-02-29 09:00"),
            bad("1066-10-14", "Check the year", at="1066-10-14 09:00"),
            bad("9999-12-31", "Check the year", at="9999-12-31 23:59"),
            bad("There is no 2012/03/25 02:30:00.000 in Europe/Rome", "Correct the time",
                at="2012-03-25 02:30"),
            bad("happened twice in Europe/Rome", "`doubled_hour: earlier` or `later`",
                at="2012-10-28 02:30"),
            bad("A cell holds a NUL", "as text", customer="a\0b"),
        ],
    )  # fmt: skip
    def test_with_a_fault_is_named_by_its_line_and_left_out(
        self, desk: Desk, cells: dict[str, str], what: str, remedy: str
    ) -> None:
        (mistake,) = desk.set_aside(text_of([*ROWS, row(**cells), row()]))
        assert mistake.where == "log.csv:8"  # a cell before it holds a line break
        assert what in mistake.what
        assert remedy in mistake.remedy
        assert len(str(mistake)) < 900
        assert desk.extent().events == 6

    def test_may_be_too_short_or_too_long(self, desk: Desk) -> None:
        told = desk.set_aside(text_of([row(), row()[:-1], [*row(), ""], row()]))
        assert [(m.where, m.what) for m in told] == [
            ("log.csv:3", "The row has 8 cells, the header 9."),
            ("log.csv:4", "The row has 10 cells, the header 9."),
        ]
        assert desk.extent().events == 2

    def test_that_is_cut_off_at_the_end_is_left_out_alone(self, desk: Desk) -> None:
        (mistake,) = desk.set_aside(GOOD.removesuffix(",Value 1\n"))
        assert mistake.where == "log.csv:7"
        assert mistake.what == "The row has 8 cells, the header 9."
        assert "cut off here" in mistake.remedy
        assert desk.extent().events == len(ROWS) - 1

    def test_is_named_only_among_the_first_twenty_and_counted_with_all(self, desk: Desk) -> None:
        faulty = [row(case="")] * (FAULTS_SHOWN + 1_234)
        told = desk.set_aside(text_of([row(), *faulty, row()]))
        assert [m.where for m in told] == [f"log.csv:{line}" for line in range(3, 23)]
        assert (desk.extent().events, desk.extent().refused) == (2, FAULTS_SHOWN + 1_234)

    @pytest.mark.parametrize("at", [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, 2 * CHUNK_ROWS])
    def test_with_a_fault_may_stand_anywhere_about_the_end_of_a_chunk(
        self, desk: Desk, at: int
    ) -> None:
        rows = [row(case=f"Case {n}") for n in range(2 * CHUNK_ROWS + 1)]
        rows[at] = row(case="")
        (mistake,) = desk.set_aside(text_of(rows))
        assert mistake.where == f"log.csv:{at + 2}"
        assert desk.extent().events == len(rows) - 1

    def test_may_stand_in_a_chunk_of_nothing_but_faults(self, desk: Desk) -> None:
        rows = [row(case="First"), *[row(case="")] * (2 * CHUNK_ROWS), row(case="Last")]
        desk.set_aside(text_of(rows))
        assert [subject for subject, _, _ in desk.events()] == ["First", "Last"]

    def test_has_its_faults_in_a_file_that_comes_in_when_it_is_mended(self, desk: Desk) -> None:
        rows = [*ROWS[:2], row(case="", activity="Closed", customer="Società"), *ROWS[2:]]
        taken = desk.take_in(text_of(rows))
        assert (taken.read, taken.accepted, taken.refused) == (6, 5, 1)
        assert taken.rejects is not None
        assert taken.rejects.parent == desk.folder
        text = taken.rejects.read_text(encoding="utf-8")
        assert "The column 'Case ID' is empty." in text
        mended = list(csv.reader(io.StringIO(text)))
        assert len(mended) == 2
        mended[1][mended[0].index("Case ID")] = "Case 9"
        back = io.StringIO()
        csv.writer(back).writerows(mended)
        again = desk.take_in(back.getvalue(), "mended.csv")
        assert (again.read, again.accepted, again.refused) == (1, 1, 0)
        assert desk.extent().events == 6

    def test_among_rows_that_are_all_faulty_refuses_the_file(self, desk: Desk) -> None:
        """Then the mapping is not this file's; nothing is left behind, no reject file either."""
        told = desk.refused(text_of([row(case="")] * (FAULTS_SHOWN + 1_234)))
        assert [m.where for m in told[:-1]] == [f"log.csv:{line}" for line in range(2, 22)]
        assert told[-1].where == "log.csv"
        assert told[-1].what == "1,234 more rows have faults."
        assert [path.name for path in desk.folder.iterdir()] == ["log.csv"]

    def test_with_exactly_twenty_faults_is_not_counted_twice(self, desk: Desk) -> None:
        assert len(desk.refused(text_of([row(case="")] * FAULTS_SHOWN))) == FAULTS_SHOWN

    def test_that_was_refused_is_refused_again_and_the_others_are_known(self, desk: Desk) -> None:
        rows = [*ROWS, row(service_level="gold")]
        desk.set_aside(text_of(rows))
        again = desk.take_in(text_of([*rows, row(case="Case 3")]), "longer.csv")
        assert (again.accepted, again.already_known, again.refused) == (1, 5, 1)

    @pytest.mark.parametrize(("word", "hour"), [("earlier", 0), ("later", 1)])
    def test_in_the_doubled_hour_is_read_as_the_mapping_says(
        self, make_desk: Callable[..., Desk], handle: str, word: str, hour: int
    ) -> None:
        desk = make_desk(handle, ("doubled_hour: refuse", f"doubled_hour: {word}"))
        at = ["2012-10-28 01:59", "2012-10-28 02:00", "2012-10-28 02:59", "2012-10-28 03:00"]
        desk.take_in(text_of([row(at=one) for one in at]))
        midnight = datetime(2012, 10, 28, tzinfo=UTC)
        assert [happened - midnight for _, happened, _ in desk.events()] == [
            timedelta(minutes=-1),
            timedelta(hours=hour),
            timedelta(hours=hour, minutes=59),
            timedelta(hours=2),
        ]


DIALECTS = {
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "bars": {"delimiter": "|"},
    "quoted commas": {"quoting": csv.QUOTE_ALL},
    "quoted semicolons": {"delimiter": ";", "quoting": csv.QUOTE_ALL},
    "quoted tabs": {"delimiter": "\t", "quoting": csv.QUOTE_ALL},
    "quoted bars": {"delimiter": "|", "quoting": csv.QUOTE_ALL},
}


class TestADialect:
    @pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
    def test_makes_no_difference(self, desk: Desk, dialect: dict[str, Any]) -> None:
        desk.take_in(GOOD)
        events = desk.events()
        again = desk.take_in(text_of(ROWS, **dialect), "again.csv")
        assert (again.read, again.accepted, again.already_known) == (5, 0, 5)
        assert desk.events() == events

    @pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
    def test_is_found_in_the_header(self, desk: Desk, dialect: dict[str, Any]) -> None:
        taken = desk.take_in(text_of(ROWS, **dialect))
        assert (taken.read, taken.accepted) == (5, 5)
        assert [(e[0], e[2]["activity"]) for e in desk.events()][:2] == [
            ("Case 1", "Take in charge ticket"),
            ("Case 1", "Wait"),
        ]

    @pytest.mark.parametrize(
        "content",
        [
            b"\xef\xbb\xbf" + GOOD.encode(),
            GOOD.replace("two\nlines", "two lines").replace("\n", "\r\n").encode(),
            GOOD.encode() + b"\n\n",
            GOOD.removesuffix("\n").encode(),
            GOOD.encode("utf-16"),
            gzip.compress(GOOD[:200].encode()) + gzip.compress(GOOD[200:].encode()),
        ],
        ids=["a mark", "CRLF", "blank lines", "no last line end", "UTF-16", "two gzips in one"],
    )
    def test_of_a_kind_that_people_have_is_taken(self, desk: Desk, content: bytes) -> None:
        assert desk.take_in(content).accepted == 5

    def test_with_a_mark_and_quotes_has_its_first_column(self, desk: Desk) -> None:
        content = b"\xef\xbb\xbf" + text_of(ROWS, delimiter=";", quoting=csv.QUOTE_ALL).encode()
        assert desk.take_in(content).accepted == 5

    def test_of_another_encoding_is_taken_where_the_mapping_names_it(
        self, make_desk: Callable[..., Desk], handle: str
    ) -> None:
        for encoding in ("cp1252", "utf-16"):
            desk = make_desk(f"{handle}-{encoding}", ("encoding: utf-8", f"encoding: {encoding}"))
            content = text_of([row(product="Società")]).encode(encoding)
            desk.take_in(content, f"{encoding}.csv")
            assert desk.events()[0][2]["product"] == "Società"


class TestTheSameRows:
    def test_of_the_same_content_are_taken_once_also_when_it_is_packed(self, desk: Desk) -> None:
        first = desk.take_in(GOOD)
        assert (first.read, first.accepted, first.already_known, first.was_known) == (
            5,
            5,
            0,
            False,
        )
        held = desk.extent()
        assert (held.events, held.cases) == (5, 2)
        for content, name in ((GOOD, "log.csv"), (GOOD, "other.csv"), (PACKED, "log.csv.gz")):
            again = desk.take_in(content, name)
            assert (again.read, again.accepted, again.was_known) == (5, 5, True)
            assert desk.extent() == held

    def test_in_another_file_are_counted_as_known(self, desk: Desk) -> None:
        desk.take_in(text_of(ROWS[:3]), "first.csv")
        second = desk.take_in(text_of(ROWS), "second.csv")
        assert (second.read, second.accepted, second.already_known) == (5, 2, 3)
        third = desk.take_in(text_of(reversed(ROWS)), "third.csv")
        assert (third.read, third.accepted, third.already_known) == (5, 0, 5)
        assert desk.extent().events == 5

    def test_twice_in_a_file_are_two_events_and_known_again_as_two(self, desk: Desk) -> None:
        twins = [*ROWS, ROWS[0], ROWS[0]]
        assert desk.take_in(text_of(twins)).accepted == 7
        known = desk.take_in(text_of([*twins, row(case="Case 3")]), "more.csv")
        assert (known.read, known.accepted, known.already_known) == (8, 1, 7)
        fourth = desk.take_in(text_of([*twins, ROWS[0]]), "fourth.csv")
        assert (fourth.accepted, fourth.already_known) == (1, 7)
        assert desk.extent().events == 9

    def test_differ_by_any_mapped_cell_and_by_no_other(self, desk: Desk) -> None:
        header = [*HEADER, "note"]
        desk.take_in(text_of([[*row(), "one"]], header))
        other = desk.take_in(text_of([[*row(), "two"]], header), "b.csv")
        assert other.already_known == 1
        for name in HEADER[1:]:
            if name not in ("Complete Timestamp", "service_level"):
                changed = text_of([row(**{name: "something else"})])
                assert desk.take_in(changed, f"{name}.csv").accepted == 1

    def test_of_many_chunks_are_all_taken_and_all_known(self, desk: Desk) -> None:
        rows = [row(case=f"Case {n // 3}") for n in range(2 * CHUNK_ROWS + 7)]
        assert desk.take_in(text_of(rows)).accepted == len(rows)
        again = desk.take_in(text_of(reversed(rows)), "reversed.csv")
        assert (again.accepted, again.already_known) == (0, len(rows))


@pytest.mark.usefixtures("reading")
class TestAnImportThatIsUnfinished:
    def test_is_refused_when_it_was_given_up_meanwhile(self, desk: Desk) -> None:
        engagement_id = open_engagement(desk.database, desk.context, desk.handle)

        def give_up(_rows: int) -> None:
            with open_database() as other, suppress(Refusal):  # it is given up once
                abandon(other, desk.context, engagement_id=engagement_id, handle=desk.handle)

        path = desk.write(text_of([row()] * (CHUNK_ROWS + 1)))
        for content in (text_of([row()] * (CHUNK_ROWS + 1)), GOOD):
            path = desk.write(content)
            with pytest.raises(Refusal, match=r"given up meanwhile.*Start it again"):
                import_file(
                    desk.database,
                    desk.context,
                    engagement_id=engagement_id,
                    handle=desk.handle,
                    path=path,
                    progress=give_up,
                )
            assert desk.extent().events == 0
        assert desk.take_in(path).accepted == 5

    def test_is_opened_by_one_at_a_time(self, desk: Desk) -> None:
        """Else two that begin at once would both find none, and each open its own."""
        engagement_id = open_engagement(desk.database, desk.context, desk.handle)
        path = desk.write(GOOD)

        def take_in() -> Imported:
            with open_database() as other:
                return replace(desk, database=other).take_in(path)

        with ThreadPoolExecutor(1) as threads:
            with desk.database.transaction(desk.context.within(engagement_id)) as tx:
                store.lock_recordings(tx, engagement_id)
                importing = threads.submit(take_in)
                with pytest.raises(TimeoutError):
                    importing.result(timeout=1.5)
            assert importing.result(timeout=30).accepted == 5

    def test_is_given_up_when_its_file_changes(self, desk: Desk) -> None:
        """Else the file as it was would complete what the changed one has begun."""
        rows = [row(case=f"Case {n}") for n in range(3 * CHUNK_ROWS)]
        for changed in (text_of([*rows, row()]), text_of(rows[:-1]), text_of([row()]), ""):
            path = desk.write(text_of(rows))
            engagement_id = open_engagement(desk.database, desk.context, desk.handle)

            def change(_rows: int, path: Path = path, content: str = changed) -> None:
                path.write_text(content)

            with pytest.raises(Refusal, match=r"changed while it was read|cut off"):
                import_file(
                    desk.database,
                    desk.context,
                    engagement_id=engagement_id,
                    handle=desk.handle,
                    path=path,
                    progress=change,
                )
            assert (desk.extent().events, desk.unfinished()) == (0, None)
        assert desk.take_in(text_of(rows)).accepted == len(rows)


@pytest.fixture(scope="module")
def office(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An agreement's folder that was accepted by the real command."""
    folder = agreement_at(tmp_path_factory.mktemp("office") / "bad-files-office")
    done("accept", str(folder), "--as", "provider")
    return folder


def at_once(*commands: Sequence[str]) -> list[tuple[int, str, str]]:
    """Run commands at the same time; return what each answered."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "openbpo", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        for command in commands
    ]
    told = [process.communicate(timeout=120) for process in running]
    return [(p.returncode, out, err) for p, (out, err) in zip(running, told, strict=True)]


def held_by(folder: Path) -> int:
    """Return how many events an engagement holds, as a known import tells it."""
    known = folder.parent / "known.csv"
    known.write_text(text_of([row(case="Known", at="2012-01-02 09:00")]))
    events: int = done("import", folder.name, str(known), "--json").json["events"]
    return events - 1


class TestTheCommand:
    """As it is typed; all of these go on in one engagement."""

    def test_leaves_faulty_rows_out_and_names_them_on_stderr(
        self, office: Path, tmp_path: Path
    ) -> None:
        before = held_by(office)
        log = tmp_path / "log.csv"
        log.write_text(text_of([row(case="Left"), row(case=""), row(service_level="gold")]))
        ran = openbpo("import", office.name, str(log))
        assert ran.status == 0
        assert "3 rows read, 1 accepted, 0 corrected, 0 already known, 2 refused." in ran.out
        assert ran.err.startswith("log.csv:3: The column 'Case ID' is empty.\n    ")
        assert "\nlog.csv:4: 'gold' in the column 'service_level' means nothing.\n" in ran.err
        assert str(tmp_path / "log.refused.csv") in ran.out
        assert held_by(office) == before + 1

    def test_says_how_many_more_there_are(self, office: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        log.write_text(text_of([row(case="More"), *[row(case="")] * (FAULTS_SHOWN + 1_234)]))
        ran = openbpo("import", office.name, str(log))
        assert ran.status == 0
        assert "1,254 refused." in ran.out
        assert ran.err.count("is empty.") == FAULTS_SHOWN
        assert ran.err.endswith("... and 1,234 more.\n")

    def test_tells_a_program_how_many_were_refused(self, office: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        log.write_text(text_of([row(case="Told"), row(case="")]))
        told = done("import", office.name, str(log), "--json").json
        counts = ("read", "accepted", "corrected", "already_known", "refused", "out_of_order")
        assert [told[name] for name in counts] == [2, 1, 0, 0, 1, 0]
        assert told["rejects"] == str(tmp_path / "log.refused.csv")

    def test_refuses_a_file_of_faults_with_1_on_stderr_and_in_json(
        self, office: Path, tmp_path: Path
    ) -> None:
        before = held_by(office)
        log = tmp_path / "log.csv"
        log.write_text(text_of([row(case=""), row(service_level="gold")]))
        ran = openbpo("import", office.name, str(log), "--json")
        assert ran.status == 1
        assert [told["where"] for told in ran.json["refused"]] == ["log.csv:2", "log.csv:3"]
        assert ran.err.startswith("2 mistakes:\nlog.csv:2: The column 'Case ID' is empty.\n    ")
        assert held_by(office) == before
        assert not (tmp_path / "log.refused.csv").exists()

    def test_that_checks_refuses_a_file_with_one_faulty_row(
        self, office: Path, tmp_path: Path
    ) -> None:
        """It asks whether file and mapping fit, and takes nothing in."""
        log = tmp_path / "log.csv"
        log.write_text(text_of([row(), row(case=""), row()]))
        ran = openbpo("check", str(office), "--with", str(log))
        assert ran.status == 1
        assert "log.csv:3: The column 'Case ID' is empty." in ran.err
        log.write_text(text_of([row(), row()]))
        assert done("check", str(office), "--with", str(log), "--json").json["rows"] == 2

    def test_names_what_is_not_there(self, office: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        log.write_text(GOOD)
        for arguments, what in (
            ((office.name, str(tmp_path / "no.csv")), "No such file"),
            ((office.name, str(tmp_path)), "Is a directory"),
            (("nobody", str(log)), "There is no engagement of this name"),
            ((office.name, str(log), "--mapping", "helpdesk"), "Did you mean 'helpdesk-log'?"),
            ((office.name, "--abandon"), "No import is unfinished"),
        ):
            ran = openbpo("import", *arguments)
            assert (ran.status, ran.out) == (1, ""), (arguments, ran)
            assert what in ran.err

    def test_exits_with_2_when_it_is_called_wrongly(self, office: Path) -> None:
        for arguments in ((office.name,), (office.name, "log.csv", "--abandon"), ()):
            ran = openbpo("import", *arguments)
            assert (ran.status, ran.out) == (2, ""), (arguments, ran)

    def test_twice_at_once_makes_one_set_of_events(self, office: Path, tmp_path: Path) -> None:
        log = tmp_path / "log.csv"
        rows = [row(case=f"Twice {n // 3}") for n in range(4 * CHUNK_ROWS + 3)]
        log.write_text(text_of(rows))
        before = held_by(office)
        answers = at_once(*[("import", office.name, str(log))] * 2)
        assert [status for status, _, _ in answers] == [0, 0], answers
        assert held_by(office) == before + len(rows)
        assert f"{len(rows):,} rows" in answers[0][1]

    def test_of_two_files_at_once_takes_both_or_names_the_one_to_wait_for(
        self, office: Path, tmp_path: Path
    ) -> None:
        logs = [tmp_path / f"log-{n}.csv" for n in (1, 2)]
        for log in logs:
            log.write_text(text_of(row(case=f"{log.stem} {n}") for n in range(3 * CHUNK_ROWS)))
        before = held_by(office)
        answers = at_once(*[("import", office.name, str(log)) for log in logs])
        refused = [err for status, _, err in answers if status == 1]
        assert {status for status, _, _ in answers} <= {0, 1}
        assert len(refused) < 2
        assert all("is not finished" in err and "log-" in err for err in refused)
        assert held_by(office) == before + (2 - len(refused)) * 3 * CHUNK_ROWS

    def test_abandons_what_was_killed_and_goes_on(self, office: Path, tmp_path: Path) -> None:
        killed, other = tmp_path / "killed.csv", tmp_path / "other.csv"
        killed.write_text(text_of(row(case=f"Killed {n}") for n in range(CHUNK_ROWS + 5)))
        other.write_text(text_of([row(case="Other")]))
        before = held_by(office)
        ran = openbpo("import", office.name, str(killed), env={VARIABLE: "import.after_chunk"})
        assert ran.status == -signal.SIGKILL
        refused = openbpo("import", office.name, str(other))
        assert refused.status == 1
        assert "The import of 'killed.csv' is not finished" in refused.err
        assert "--abandon" in refused.err
        given_up = done("import", office.name, "--abandon", "--json").json
        assert given_up == {"engagement": office.name, "abandoned": "killed.csv"}
        assert done("import", office.name, str(other), "--json").json["accepted"] == 1
        again = done("import", office.name, str(killed), "--json").json
        assert again["accepted"] == CHUNK_ROWS + 5
        assert held_by(office) == before + CHUNK_ROWS + 6
