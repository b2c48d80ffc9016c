"""The sheets of a workbook, and which of their cells hold formulas: found in its XML, not run."""

from __future__ import annotations

import posixpath
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.zip_bounds import refuse_unbounded
from openbpo.values.refusals import Refusal

BLOCK_BYTES = 1 << 18
FORMULAS_KEPT = 100_000
WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"

OnElement = Callable[[str, dict[str, str]], None]


def formulas_by_sheet(path: Path) -> dict[str, frozenset[str]]:
    """
    Return, for each sheet of cells in its order, the cells (as "C5") that hold a formula.

    Raises Refusal if it is no sound workbook. Of one sheet at most 100,000 are told.
    """
    content = Content(path)
    with tempfile.SpooledTemporaryFile(max_size=1 << 20) as file:
        for block in content.blocks():
            file.write(block)
        refuse_unbounded(file, content.name)
        try:
            with zipfile.ZipFile(file) as archive:
                return {name: _formulas(archive, part) for name, part in _sheets(archive)}
        except (KeyError, ValueError, expat.ExpatError, zipfile.BadZipFile) as fault:
            what = "The workbook is damaged."
            raise Refusal.of(content.name, what, "Open it and save it as .xlsx.") from fault


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet of cells, and the part that holds it."""
    targets: dict[str, str] = {}

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            targets[attributes["Id"]] = attributes["Target"]

    sheets: list[tuple[str, str]] = []

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            number = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), "")
            sheets.append((attributes["name"], number))

    with archive.open(RELATIONS) as file:
        _parse(file, relation)
    with archive.open(WORKBOOK) as file:
        _parse(file, sheet)
    for name, number in sheets:
        if number in targets:
            yield name, posixpath.normpath(posixpath.join("/xl", targets[number])).lstrip("/")


def _formulas(archive: zipfile.ZipFile, part: str) -> frozenset[str]:
    found: set[str] = set()
    cell = ""

    def element(tag: str, attributes: dict[str, str]) -> None:
        nonlocal cell
        if tag == "c":
            cell = attributes.get("r", "")
        elif tag == "f" and len(found) < FORMULAS_KEPT:
            found.add(cell)

    with archive.open(part) as file:
        _parse(file, element)
    return frozenset(found)


def _parse(file: IO[bytes], element: OnElement) -> None:
    def refuse(*_told: object) -> None:
        raise ValueError("a workbook has no DTD")

    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, told: element(tag.rpartition(":")[2], told)
    parser.StartDoctypeDeclHandler = refuse
    while block := file.read(BLOCK_BYTES):
        parser.Parse(block)
    parser.Parse(b"", True)  # noqa: FBT003
