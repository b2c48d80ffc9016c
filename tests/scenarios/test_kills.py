"""
A power cut anywhere: nobody sees anything half done, and the same command again mends it.

Every failpoint of the source is tried with the real command, and what comes out in the end is
compared with what a run that was never killed gives.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from tests.support import Ran, agreement_at, openbpo

from openbpo.agreements.files import read_folder
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions.actions import accept, open_engagement
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.assurance.attainment.queries import attain, work_of
from openbpo.billing.invoicing.queries import invoice_of
from openbpo.delivery.intake.reading import CHUNK_ROWS
from openbpo.lines.helpdesk.sample import write_sample
from openbpo.record.queries import Extent, extent
from openbpo.storage import failpoints, installation
from openbpo.storage import home as homes
from openbpo.storage.database import Context, Database
from openbpo.storage.installation import context_key, find_installation
from openbpo.surfaces.cli.figures import invoice_json
from openbpo.surfaces.cli.session import principal
from openbpo.trust.keys import party_key
from openbpo.values.refusals import Refusal

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kills")]
MONTH = "2025-03"

FIRST_USE = (
    "server.during_initdb", "server.after_initdb", "server.after_rename", "server.during_start",
    "server.after_start", "installation.after_roles", "installation.after_database",
    "migrations.after_one",
)  # fmt: skip
"""In the order in which the first command of a new home comes by."""

ACCEPT = (
    "agreements.before_engagement_commit", "agreements.after_signature",
    "agreements.before_accept_commit",
)  # fmt: skip

IMPORT = (
    "import.after_opening", "import.before_chunk_commit", "import.before_chunk_commit@2",
    "import.after_chunk", "import.after_chunk@2", "import.before_completion",
    "import.after_completion",
)  # fmt: skip

WHOLE = {"import.after_completion"}
"""Where all of the import is in when the process dies."""


OF_EVIDENCE = ("seal.", "close.", "bundle.", "countersign.")
"""These are enumerated, and each is hit, by test_kills_of_evidence.py."""


def test_every_failpoint_of_the_source_is_tried() -> None:
    """Here, or by the tests of what it belongs to."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("*.py")]
    untried = [
        name
        for name in failpoints.known()
        if not name.startswith(OF_EVIDENCE) and not any(f'"{name}' in text for text in texts)
    ]
    assert sorted(untried) == []
    here = {name.partition("@")[0] for name in (*FIRST_USE, *ACCEPT, *IMPORT)}
    assert here <= failpoints.known()


@dataclass
class Office:
    """A home of its own under which the real command runs, with agreements and a log."""

    folder: Path
    home: Path

    def run(self, *arguments: str, dying_at: str = "") -> Ran:
        env = {homes.VARIABLE: str(self.home), failpoints.VARIABLE: dying_at}
        return openbpo(*arguments, env=env)

    def done(self, *arguments: str) -> Ran:
        ran = self.run(*arguments)
        assert ran.status == 0, (arguments, ran.err)
        return ran

    def dies(self, at: str, *arguments: str) -> None:
        ran = self.run(*arguments, dying_at=at)
        assert (ran.status, ran.err) == (-signal.SIGKILL, ""), (at, arguments, ran)

    def desk(self, name: str) -> Path:
        return agreement_at(self.folder / name)

    def accepted_desk(self, name: str) -> str:
        files = read_folder(self.desk(name))
        key = party_key(read_agreement(files).provider.handle)
        accept(self.database, self.context, handle=name, files=files, side="provider", key=key)
        return name

    @cached_property
    def rows(self) -> str:
        """A header and rows for two chunks and a bit, among them two with a fault."""
        path = self.folder / "sample.csv"
        write_sample(path, 2025, 7)
        header, *rows = path.read_text().splitlines(keepends=True)
        assert all(row.startswith("Case ") for row in rows)
        rows = [f"{other}{row}" for other in ("", "Other ", "Third ", "Last ") for row in rows]
        rows = rows[: 2 * CHUNK_ROWS + 299]
        for faulty in (7, CHUNK_ROWS + 7):
            rows.insert(faulty, rows[faulty].replace("/", "."))
        return header + "".join(rows)

    def log(self, desk: str) -> Path:
        """Return the log, for each desk in a place of its own."""
        path = self.folder / f"{desk}.csv"
        path.write_text(self.rows)
        return path

    def refused(self, desk: str) -> str:
        """Return the rows that were refused, in the file that they were written to."""
        return (self.folder / f"{desk}.refused.csv").read_text()

    @cached_property
    def database(self) -> Database:
        return Database(find_installation().app_url, context_key())

    @property
    def context(self) -> Context:
        return Context(principal=principal(), purpose="test")

    def computed(self, desk: str) -> tuple[Extent, dict[str, Any]]:
        """Return how much the record of a desk shows, and the month's invoice."""
        engagement_id = open_engagement(self.database, self.context, desk)
        with self.database.transaction(self.context.within(engagement_id)) as tx:
            work = work_of(tx, engagement_id, terms_in_force(tx, engagement_id, desk), MONTH)
            results = attain(work)
            told = invoice_json(work, results, invoice_of(work, results))
            return extent(tx, engagement_id), told

    def taken_in(self, desk: str) -> dict[str, Any]:
        told: dict[str, Any] = self.done("import", desk, str(self.log(desk)), "--json").json
        own = ("engagement", "was_known", "source", "rejects")
        return {key: told[key] for key in told if key not in own}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("kills"), tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as environment:
        for name in (installation.APP_URL, installation.OWNER_URL):
            environment.delenv(name, raising=False)
        environment.setenv(homes.VARIABLE, str(made.home))
        yield made
        if "database" in vars(made):
            made.database.__exit__(None, None, None)
        assert made.run("down").status == 0


@pytest.fixture(scope="module")
def unharmed(office: Office) -> tuple[dict[str, Any], tuple[Extent, dict[str, Any]]]:
    """What the import says, and what is computed of it, where nothing was ever killed."""
    desk = office.accepted_desk("unharmed")
    taken_in = office.taken_in(desk)
    assert taken_in["accepted"] == taken_in["events"] > 2 * CHUNK_ROWS
    assert (taken_in["read"], taken_in["refused"]) == (taken_in["accepted"] + 2, 2)
    assert len(office.refused(desk).splitlines()) == 1 + 2
    return taken_in, office.computed(desk)


Unharmed = tuple[dict[str, Any], tuple[Extent, dict[str, Any]]]


class TestAPowerCut:
    """In the order of the file: the first test leaves the home that the others go on in."""

    def test_in_the_first_use_of_a_home_is_mended_by_the_next(self, office: Office) -> None:
        desk = office.desk("first-use")
        for name in FIRST_USE:
            if name == "server.after_start":  # the server that was starting may have come up
                office.done("down")
            office.dies(name, "accept", str(desk), "--as", "provider")
        told = office.done("accept", str(desk), "--as", "provider", "--json").json
        assert (told["standing"], told["signed_by"]) == ("our_reading", ["provider"])

    @pytest.mark.parametrize("at", ACCEPT)
    def test_in_an_acceptance_leaves_no_signature(self, office: Office, at: str) -> None:
        desk = office.desk(at.replace(".", "-"))
        office.dies(at, "accept", str(desk), "--as", "provider")
        with pytest.raises(Refusal, match="None was proposed"):
            office.computed(desk.name)
        told = office.done("accept", str(desk), "--as", "provider", "--json").json
        assert (told["standing"], told["signed_by"]) == ("our_reading", ["provider"])

    def test_in_the_second_acceptance_leaves_our_reading(self, office: Office) -> None:
        desk = office.accepted_desk("second-signature")
        folder = str(office.folder / desk)
        for at in ACCEPT[1:]:
            office.dies(at, "accept", folder, "--as", "client")
            assert office.computed(desk)[1]["standing"] == "our_reading"
        told = office.done("accept", folder, "--as", "client", "--json").json
        assert (told["standing"], told["signed_by"]) == ("agreed", ["client", "provider"])

    @pytest.mark.parametrize("at", IMPORT)
    def test_in_an_import_shows_none_of_it_and_loses_nothing(
        self, office: Office, unharmed: Unharmed, at: str
    ) -> None:
        taken_in, whole = unharmed
        desk = office.accepted_desk(at.translate(str.maketrans(".@", "--")))
        nothing = office.computed(desk)
        assert nothing[0].events == 0
        office.dies(at, "import", desk, str(office.log(desk)))
        assert office.computed(desk) == (whole if at in WHOLE else nothing)
        assert office.taken_in(desk) == taken_in
        assert office.computed(desk) == whole
        assert office.refused(desk) == office.refused("unharmed")

    def test_just_before_the_end_of_an_import_is_answered_as_if_nothing_had_come(
        self, office: Office
    ) -> None:
        desk = office.accepted_desk("asked-meanwhile")
        office.dies("import.before_completion", "import", desk, str(office.log(desk)))
        for command in ("attain", "invoice"):
            ran = office.run(command, desk, "--period", MONTH)
            assert (ran.status, ran.out) == (1, "")
            assert "Its record holds no events yet." in ran.err

    def test_at_every_step_of_one_import_loses_nothing(
        self, office: Office, unharmed: Unharmed
    ) -> None:
        """The worst day: the same import is killed at one place after another."""
        taken_in, whole = unharmed
        desk = office.accepted_desk("worst-day")
        for at in (name for name in IMPORT if "@" not in name):
            office.dies(at, "import", desk, str(office.log(desk)))
        assert office.taken_in(desk) == taken_in
        assert office.computed(desk) == whole
        assert office.refused(desk) == office.refused("unharmed")
