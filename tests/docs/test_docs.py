"""The documentation is true: its commands run, its links lead somewhere, nothing is left out."""

import ast
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from psycopg.conninfo import make_conninfo

from openbpo.record.lines import leaf_hash
from openbpo.storage import server
from openbpo.surfaces.cli.main import app
from openbpo.values.canonical import canonical_bytes, instant_from_text
from tests.docs.runner import OWN_HOME, ROOT, blocks, environment, is_as_shown, run_page, stop
from tests.support import told_event

DOCS = ROOT / "docs"
SRC = ROOT / "src" / "openbpo"
PAGES = sorted(page for page in [*DOCS.rglob("*.md"), ROOT / "README.md"] if page.exists())
RUN = [page for page in PAGES if "\n```console\n" in page.read_text(encoding="utf-8")]

# The word of the glossary for each class of a model; what only the code speaks of has none.
WORDS = {
    "Action": "action",
    "Agreement": "agreement",
    "Attribute": "attribute",
    "Block": "block",
    "CalendarTerms": "calendar",
    "Case": "case",
    "CaseEvent": "case event",
    "Charge": "charge",
    "ChargeLine": "charge line",
    "ClockMeasure": "measure",
    "ClockResult": "result",
    "ClockTerms": "clock",
    "Consequences": "consequence",
    "CountMeasure": "measure",
    "CountResult": "result",
    "CreditLine": "credit",
    "CreditTerms": "credit",
    "Cause": "cause",
    "Difference": "difference",
    "Report": "report",
    "Document": "document",
    "Elapsed": "elapsed",
    "Entry": "entry",
    "Fault": "fault",
    "FileMapping": "mapping",
    "Grant": "grant",
    "InForce": "in force",
    "Charged": "invoice",
    "Level": "level",
    "Mean": "mean",
    "Minimum": "minimum",
    "Moment": "moment",
    "OpenQuestion": "open question",
    "Party": "party",
    "Pause": "pause",
    "Proposed": "proposed",
    "RecordedEvent": "event",
    "Regime": "regime",
    "Right": "right",
    "Role": "role",
    "Service": "service",
    "ServiceLevel": "service level",
    "Share": "formula",
    "Standing": "standing",
    "Statement": "statement",
    "Stretch": "stretch",
    "Segment": "segment",
    "Outcome": "outcome",
    "Supposed": "supposition",
    "Tally": "tally",
    "Tax": "tax",
    "TaxLine": "tax",
    "Terms": "term",
    "Tier": "tier",
    "Act": "act",
    "State": "period state",
    "Verdict": "verdict",
    "Volume": "volume",
    "Account": "account",
    "Blocked": "block of a month",
    "Claim": "claim",
    "Dispute": "dispute",
    "DisputeAct": "dispute",
    "DisputeState": "dispute",
    "DisputeTerms": "dispute",
    "InvoiceTerms": "invoice",
    "Issued": "issued",
    "Payment": "payment",
    "Step": "board",
}
ONLY_OF_THE_CODE = {
    "OnBoard",
    *("Address", "AttributeSource", "Charges", "Column", "CountedCase", "EventSource"),
    *(
        "FileFormat",
        "Groups",
        "Imported",
        "Judged",
        "Looked",
        "MeasuredCase",
        "NewEvent",
        "NewEvents",
    ),
    *("Placement", "Ratio", "RawRow", "RowFile", "TextSource", "TimeSource"),
    *("ToldTime", "ToldShare", "ToldCase", "ToldMeasure", "ToldLine"),
    *("Effect", "Priced", "Reckoned", "Recomputed", "Reconciliation"),
    *("GrantedRole", "Granting"),
    *("Counted", "Metered", "Misfit", "PackLine", "Sums", "ToldEvent"),
    "ClaimedFormula",
    *("CaseRow", "CasesPage", "Inputs", "Readiness", "SupposedMeasure"),
    *("Clock", "Days", "Deed", "Issuance", "Paid", "PeriodFacts", "Reply", "Running", "Status"),
}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose_of(page: Path) -> str:
    """A page without its blocks."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def docs_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all pages; its server ends with them."""
    folder = tmp_path_factory.mktemp("docs-home")
    yield folder
    stop(folder)


class TestPages:
    @pytest.mark.parametrize("page", RUN, ids=name_of)
    def test_print_what_they_show(self, page: Path, docs_home: Path, tmp_path: Path) -> None:
        text = text_of(page)
        has_own = OWN_HOME in text
        home, folder = tmp_path / "home" if has_own else docs_home, tmp_path / "folder"
        folder.mkdir()
        try:
            faults = [ran.fault for ran in run_page(text, home, folder) if ran.fault]
        finally:
            if has_own:
                stop(home)
        assert not faults, "\n\n".join(faults)

    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_link_to_what_is_there(self, page: Path) -> None:
        for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{name_of(page)}: {link}"
            assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link}"

    @pytest.mark.parametrize("page", [p for p in PAGES if p.parent != ROOT], ids=name_of)
    def test_can_be_found(self, page: Path) -> None:
        index = DOCS / "index.md"
        linked = re.findall(r"\]\(([^)#\s]+)\)", text_of(index))
        assert page == index or page in [(DOCS / link).resolve() for link in linked]

    @pytest.mark.parametrize("page", [p for p in PAGES if p.parent != ROOT], ids=name_of)
    def test_are_written_plainly(self, page: Path) -> None:
        assert "\u2014" not in text_of(page), "a long dash"

    def test_are_named_by_the_code_as_they_are(self) -> None:
        for source in SRC.rglob("*.py"):
            for path in re.findall(r"\bdocs/[\w/.-]+\.md", source.read_text(encoding="utf-8")):
                assert (ROOT / path).exists(), f"{source}: {path}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


class TestRunner:
    @pytest.mark.parametrize(
        ("shown", "printed", "is_same"),
        [
            (["a", "b"], ["a", "b"], True),
            (["a", "b"], ["a"], False),
            (["a", "...", "d"], ["a", "b", "c", "d"], True),
            (["...", "d"], ["d"], True),
            (["a", "..."], ["b"], False),
            (["By (…), agreed."], ["By (12ab), agreed."], True),
            (["By (…), agreed."], ["By (12ab), not agreed."], False),
            (["…     1 h"], ["12ab  1 h"], True),
            (["…     1 h"], ["12ab  2 h"], False),
            ([], [], True),
            ([], ["a"], False),
        ],
    )
    def test_knows_what_is_left_out(
        self, shown: list[str], printed: list[str], is_same: bool
    ) -> None:
        assert is_as_shown(shown, printed) is is_same

    def test_says_what_differs(self, tmp_path: Path) -> None:
        page = "```console\n$ echo one; exit 3\ntwo\n[exit 1]\n```\n"
        [ran] = run_page(page, tmp_path, tmp_path)
        assert "-two" in ran.fault
        assert "+one" in ran.fault
        assert "exit status 3, the page says 1" in ran.fault


class TestEnvironment:
    def test_is_told_whole_and_nothing_else(self) -> None:
        pattern = r"\bOPENBPO_[A-Z_]+\b"
        sources = "\n".join(text_of(source) for source in SRC.rglob("*.py"))
        page = text_of(DOCS / "reference" / "environment.md")
        assert set(re.findall(pattern, sources)) == set(re.findall(pattern, page))

    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_is_named_as_it_is(self, page: Path) -> None:
        pattern = r"\bOPENBPO_[A-Z_]+\b"
        known = re.findall(pattern, text_of(DOCS / "reference" / "environment.md"))
        assert set(re.findall(pattern, text_of(page))) <= set(known)


def section(page: str, head: str) -> str:
    """What stands under a head, up to the next one of its rank."""
    found = re.search(rf"^## {re.escape(head)}\b.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its name; one of a group has the group's name before its own."""
    program: Any = typer.main.get_command(app)
    for name, command in program.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())
        else:
            yield name, command


class TestCommands:
    def test_are_all_told_with_their_options(self) -> None:
        page = text_of(DOCS / "reference" / "commands.md")
        for name, command in commands():
            told = section(page, f"openbpo {name}")
            assert told, f"openbpo {name} is not in commands.md"
            for parameter in command.params:
                if parameter.param_type_name == "option":
                    assert f"`{parameter.opts[0]}" in told, f"openbpo {name} {parameter.opts[0]}"

    def test_that_are_told_exist_with_their_options(self) -> None:
        page = text_of(DOCS / "reference" / "commands.md")
        known_commands = dict(commands())
        for words in re.findall(r"^## openbpo ([a-z]+(?: [a-z]+)*)", page, re.MULTILINE):
            name = words if words in known_commands else words.partition(" ")[0]
            command = known_commands[name]
            known = {opt for parameter in command.params for opt in parameter.opts}
            told = re.findall(r"^\| `(--[a-z-]+)", section(page, f"openbpo {name}"), re.MULTILINE)
            assert set(told) <= known, name


class TestGlossary:
    def words(self) -> set[str]:
        return set(re.findall(r"^\| ([a-z -]+) \|", text_of(DOCS / "glossary.md"), re.MULTILINE))

    def test_has_the_nouns_of_the_models(self) -> None:
        models = [path for path in SRC.rglob("model.py") if "storage" not in path.parts]
        classes = {
            found
            for path in models
            for found in re.findall(r"^class (\w+)", text_of(path), re.MULTILINE)
        }
        assert classes - set(WORDS) - ONLY_OF_THE_CODE == set(), "name its word, or say it has none"
        assert set(WORDS) | ONLY_OF_THE_CODE == classes, "these classes are gone"
        assert set(WORDS.values()) <= self.words()

    def test_is_in_order(self) -> None:
        found = re.findall(r"^\| ([a-z -]+) \|", text_of(DOCS / "glossary.md"), re.MULTILINE)
        assert found[1:] == sorted(found[1:])


class TestReference:
    def test_of_the_agreement_is_what_the_schemas_say(self) -> None:
        command = [sys.executable, str(ROOT / "scripts" / "reference"), "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_of_the_database_names_what_the_migrations_make(self) -> None:
        page = text_of(DOCS / "reference" / "database.md")
        for path in sorted((SRC / "migrations").glob("*.sql")):
            text = text_of(path)
            made = re.findall(
                r"CREATE (?:UNLOGGED )?TABLE ([\w.]+)|CREATE POLICY (\w+)|CREATE TRIGGER (\w+)"
                r"|CREATE FUNCTION ([\w.]+)|CREATE UNIQUE INDEX (\w+)",
                text,
            )
            for name in filter(None, (name for names in made for name in names)):
                assert f"`{name}" in page, f"{path.name}: {name} is not in database.md"

    def test_of_the_record_computes_to_its_example(self) -> None:
        page = text_of(DOCS / "reference" / "record.md")
        [example] = [block for block in blocks(page) if block.language == "json"]
        told = json.loads("\n".join(example.lines))
        opening = told["opening"]
        for name, one in opening.items():
            encoded = canonical_bytes([name, one["value"]])
            assert one["committed"].encode() == encoded
            salted = bytes.fromhex(one["salt"]) + encoded
            assert one["commitment"] == hashlib.sha256(salted).hexdigest()
        event = told_event(
            kind=told["kind"],
            type_=told["type"],
            subject=told["subject"],
            happened_at=instant_from_text(told["at"]),
            facts=told["facts"],
            closed={name: one["value"] for name, one in opening.items()},
            position=told["position"],
            part=told["part"],
            row_key=bytes.fromhex(told["row"]),
            row_content=bytes(16),
            rank=None,
            random=bytes.fromhex("".join([o["salt"] for o in opening.values()] + [told["salt"]])),
        )
        assert event.line in page.splitlines()
        assert event.leaf.hex() == told["leaf"]

    def test_of_the_record_has_lines_that_are_canonical_and_fit_their_leaves(self) -> None:
        page = text_of(DOCS / "reference" / "record.md")
        lines = [line.encode() for line in page.splitlines() if line.startswith('{"a')]
        assert len(lines) == 2
        for line in lines:
            assert canonical_bytes(json.loads(line)) == line
            assert leaf_hash(line).hex() in page

    def test_of_the_record_names_all_that_an_act_says(self) -> None:
        """Each key of a line that the code writes is named by the page, and no other."""
        page = section(text_of(DOCS / "reference" / "record.md"), "Entries")
        for act, source in (
            ("signature", SRC / "agreements" / "versions" / "actions.py"),
            ("recording", SRC / "delivery" / "intake" / "actions.py"),
        ):
            [row] = [line for line in page.splitlines() if line.startswith(f"| `{act}` |")]
            named = set(re.findall(r"`(\w+)`", row.split("|")[2]))
            assert named == _keys_told(source, act), act


def _keys_told(source: Path, act: str) -> set[str]:
    """The keys of the dict that holds the act's most telling one."""
    telling = {"signature": "signature", "recording": "already_known"}[act]
    dicts = [node for node in ast.walk(ast.parse(text_of(source))) if isinstance(node, ast.Dict)]
    keys = [{key.value for key in one.keys if isinstance(key, ast.Constant)} for one in dicts]
    [found] = [one for one in keys if telling in one]
    return {str(key) for key in found}


class TestDecisions:
    PAGES = sorted((DOCS / "decisions").glob("*.md"))

    def test_are_numbered_without_a_gap(self) -> None:
        numbers = [int(page.name[:4]) for page in self.PAGES]
        assert numbers == list(range(1, len(numbers) + 1))

    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_are_one_page_with_one_line_to_quote(self, page: Path) -> None:
        text = text_of(page)
        assert text.startswith(f"# {page.name[:4]}. ")
        assert len(re.findall(r"^> .+$", text, re.MULTILINE)) == 1
        assert len(text.split()) < 500
        heads = re.findall(r"^## (.+)$", text, re.MULTILINE)
        wanted = ["Context", "Decision", "What else was considered", "Consequences"]
        assert heads == wanted


@pytest.fixture(scope="module")
def told(
    docs_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, str], Path]]:
    """Return the environment with both addresses, and a folder."""
    page = text_of(DOCS / "how-to" / "use-your-own-postgresql.md")
    [sql] = [block for block in blocks(page) if block.language == "sql"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OPENBPO_HOME", str(docs_home))
        address = server.ensure_running()
    with psycopg.connect(address.conninfo(), autocommit=True) as admin:
        for statement in "\n".join(sql.lines).split(";"):
            if statement.strip():
                admin.execute(statement.encode())
    folder = tmp_path_factory.mktemp("own-server")
    urls = {
        variable: make_conninfo(
            host=address.host, port=address.port, user=user, password=password, dbname="bpo"
        )
        for variable, user, password in (
            ("OPENBPO_OWNER_DATABASE_URL", "bpo_owner", "change this"),
            ("OPENBPO_DATABASE_URL", "bpo_app", "change this too"),
        )
    }
    yield environment(folder / "home", folder) | urls, folder
    with psycopg.connect(address.conninfo(), autocommit=True) as admin:
        admin.execute("DROP DATABASE bpo WITH (FORCE)")
        admin.execute("DROP ROLE bpo_owner")
        admin.execute("DROP ROLE bpo_app")


@pytest.mark.xdist_group("own-postgresql")
class TestOwnPostgresql:
    """The SQL of the how-to, run on a real server, makes two roles that the product runs with."""

    def test_runs(self, told: tuple[dict[str, str], Path]) -> None:
        environment, folder = told
        for command in (
            "openbpo new desk",
            "openbpo accept desk --as provider",
            "openbpo sample helpdesk year.csv",
            "head -n 500 year.csv > part.csv",
            "openbpo import desk part.csv",
            "openbpo invoice desk --period 2025-01",
        ):
            done = _sh(command, environment, folder)
            assert done.returncode == 0, done.stderr
        assert not (folder / "home" / "postgres").exists()

    def test_refuses_the_owner_as_the_application(self, told: tuple[dict[str, str], Path]) -> None:
        environment, folder = told
        same = environment["OPENBPO_OWNER_DATABASE_URL"]
        done = _sh(
            "openbpo attain desk --period 2025-01",
            environment | {"OPENBPO_DATABASE_URL": same},
            folder,
        )
        assert done.returncode == 1
        assert "owns our tables" in done.stderr

    def test_refuses_the_owner_alone(self, told: tuple[dict[str, str], Path]) -> None:
        environment, folder = told
        alone = {k: v for k, v in environment.items() if k != "OPENBPO_DATABASE_URL"}
        done = _sh("openbpo attain desk --period 2025-01", alone, folder)
        assert done.returncode == 1
        assert "OPENBPO_DATABASE_URL is not" in done.stderr


def _sh(
    command: str, environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
