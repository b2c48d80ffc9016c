"""
Runs what the documentation shows, page by page, and compares what it prints.

In a block marked `console` a line that begins with `$ ` is a command (lines that begin with `> `
right after it belong to it), and the lines after it are what it prints. `...` alone on a line
stands for any lines, `…` within a line for any text, `[exit 1]` at the end for an exit status.
A block whose first line is `# file: NAME` is written to that file, without that line, at its place
in the page. To print a page's real output: `python -m tests.docs.runner PAGE`; to put it into the
page: `python -m tests.docs.runner --write PAGE`.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 120
FAILED = 3  # what no page shows: the system failed
OWN_HOME = "<!-- home: own -->"

_EXIT = re.compile(r"\[exit ([0-9]+)\]")
_FILE = re.compile(r"# file: (\S+)")
_VOLATILE = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "…"),
    (re.compile(r"\([0-9a-f]{12}\)"), "(…)"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "…".ljust(36)),
    (re.compile(r"\bkey_[0-9a-f]{16}\b"), "…"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: the line of its first line (from 1), its language, its lines."""

    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def file(self) -> str | None:
        """Return the file that this block is the content of."""
        found = _FILE.fullmatch(self.lines[0]) if self.lines else None
        return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what the page says that it prints, and with which status it ends."""

    line: int
    end: int
    command: str
    expected: tuple[str, ...]
    status: int


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in their order."""
    fence: tuple[int, str] | None = None
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.startswith("```"):
            continue
        if fence is None:
            fence = (number + 1, line.removeprefix("```").strip())
        else:
            start, language = fence
            yield Block(start, language, tuple(lines[start - 1 : number - 1]))
            fence = None
    assert fence is None, f"the block at line {fence} does not end"


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a console block."""
    starts = [index for index, line in enumerate(block.lines) if line.startswith("$ ")]
    assert starts, f"line {block.line}: a console block begins with a command"
    assert starts[0] == 0, f"line {block.line}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
        yield _step(block, start, end)


def _step(block: Block, start: int, end: int) -> Step:
    command = [block.lines[start].removeprefix("$ ")]
    at = start + 1
    while at < end and block.lines[at].startswith("> "):
        command.append(block.lines[at].removeprefix("> "))
        at += 1
    expected = list(block.lines[at:end])
    status = 0
    if expected and (found := _EXIT.fullmatch(expected[-1])):
        status = int(found[1])
        expected.pop()
    return Step(block.line + start, block.line + end, "\n".join(command), tuple(expected), status)


def is_as_shown(expected: Sequence[str], printed: Sequence[str]) -> bool:
    """Tell whether what was printed is what the page shows."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else _line_pattern(line) for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def _line_pattern(line: str) -> str:
    """`…` stands for any text, and the spaces after it for any number of spaces."""
    first, *rest = line.rstrip().split("…")
    parts = [re.escape(first)]
    for part in rest:
        left_out = part.lstrip(" ")
        parts.append((" *" if left_out != part else "") + re.escape(left_out))
    return ".*".join(parts) + r"\n"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a step really printed, and its status."""

    step: Step
    printed: tuple[str, ...]
    status: int

    @property
    def fault(self) -> str:
        """Return what differs from the page, empty if nothing does."""
        if self.status == self.step.status and is_as_shown(self.step.expected, self.printed):
            return ""
        differences = difflib.unified_diff(
            self.step.expected, self.printed, "the page", "printed", lineterm="", n=2
        )
        head = f"line {self.step.line}: $ {self.step.command}"
        status = f"exit status {self.status}, the page says {self.step.status}"
        return "\n".join([head, status, *differences])


def environment(home: Path, folder: Path) -> dict[str, str]:
    """Return what a reader's shell would have: our command first, and nothing of this one's."""
    places = [str(Path(sys.executable).parent), *os.get_exec_path()]
    return {
        "PATH": os.pathsep.join(places),
        "HOME": str(folder),
        "OPENBPO_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "80",
    }


def run_page(text: str, home: Path, folder: Path) -> Iterator[Ran]:
    """Run a page's commands in order in a folder, writing its files on the way."""
    told = environment(home, folder)
    for block in blocks(text):
        if block.file is not None:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{line}\n" for line in block.lines[1:]), encoding="utf-8")
        elif block.language == "console":
            for step in steps(block):
                yield _run(step, folder, told)


def _run(step: Step, folder: Path, told: dict[str, str]) -> Ran:
    done = subprocess.run(
        ["sh", "-c", step.command],
        cwd=folder,
        env=told,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_S,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "replace").splitlines()
    return Ran(step, tuple(line.rstrip() for line in printed), done.returncode)


def stop(home: Path) -> None:
    """Stop the server of a home."""
    command = [str(Path(sys.executable).parent / "openbpo"), "down"]
    subprocess.run(command, env=environment(home, home), capture_output=True, check=False)


def rewritten(text: str, ran: Sequence[Ran]) -> str:
    """Return the page with what was printed where it differs; what leaves lines out stays."""
    lines = text.splitlines()
    for one in reversed(ran):
        if one.fault and one.status != FAILED and "..." not in one.step.expected:
            at = one.step.line - 1 + 1 + one.step.command.count("\n")
            status = [f"[exit {one.status}]"] if one.status else []
            lines[at : one.step.end - 1] = [*map(_steady, one.printed), *status]
    return "\n".join(lines) + "\n"


def _steady(line: str) -> str:
    for pattern, instead in _VOLATILE:
        line = pattern.sub(instead, line)
    return line.rstrip()


def main(arguments: list[str]) -> None:
    """Show, or write into the pages, what their commands really print."""
    for name in (argument for argument in arguments if argument != "--write"):
        page = Path(name)
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as folder:
            try:
                ran = list(run_page(text, Path(home), Path(folder)))
            finally:
                stop(Path(home))
        if "--write" in arguments:
            page.write_text(rewritten(text, ran), encoding="utf-8")
        for one in ran:
            if one.fault:
                sys.stdout.write(f"{page}: {one.fault}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
