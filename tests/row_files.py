"""Files of rows in every format, as other programs write them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import xlsxwriter

from openbpo.delivery.intake.files.model import FileFormat, Format
from openbpo.delivery.intake.files.opening import AnyFile, open_rows

HEADER = ("case:concept:name", "concept:name", "time:timestamp", "note")
"""Titles that can be columns of every format; XES tells the first one of its traces."""
SUFFIX = {"csv": "csv", "xlsx": "xlsx", "json lines": "jsonl", "xes": "xes"}


def csv_bytes(
    rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER, encoding: str = "utf-8",
    **dialect: Any,
) -> bytes:  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, **{"lineterminator": "\r\n", **dialect})
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_bytes(
    rows: Iterable[Sequence[Any]], header: Sequence[str] = HEADER, sheets: Sequence[str] = ("Log",)
) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name in sheets:
            sheet = book.add_worksheet(name)
            for number, row in enumerate((header, *rows)):
                for column, value in enumerate(row):
                    if isinstance(value, str):
                        sheet.write_string(number, column, value)
                    else:
                        sheet.write(
                            number, column, value, moment if hasattr(value, "year") else None
                        )
    return content.getvalue()


def jsonl_bytes(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    lines = (json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def xes_bytes(rows: Iterable[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    text = ['<?xml version="1.0" encoding="utf-8"?>\n<log xes.version="1.0">\n']
    text.append('<extension name="Concept" prefix="concept" uri="http://x/concept.xesext"/>\n')
    text.append('<global scope="trace"><string key="concept:name" value="?"/></global>\n')
    for case, events in groupby(rows, key=lambda row: row[0]):
        text.append(f'<trace><string key="concept:name" value={quoteattr(case)}/>\n')
        for event in events:
            cells = zip(header[1:], event[1:], strict=True)
            told = "".join(
                f"<{'date' if name == 'time:timestamp' else 'string'} key={quoteattr(name)} "
                f"value={quoteattr(cell)}/>"
                for name, cell in cells
            )
            text.append(f"<event>{told}</event>\n")
        text.append("</trace>\n")
    return "".join([*text, "</log>\n"]).encode()


WRITERS: dict[str, Callable[..., bytes]] = {
    "csv": csv_bytes,
    "xlsx": xlsx_bytes,
    "json lines": jsonl_bytes,
    "xes": xes_bytes,
}


def write_rows(
    folder: Path, form: Format, rows: Iterable[Sequence[str]], *, packed: bool = False
) -> Path:
    """Write rows under HEADER in a format, plain or gzip."""
    content = WRITERS[form](rows)
    path = folder / f"log.{SUFFIX[form]}{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path


def opened(
    path: Path, form: Format = "csv", columns: Sequence[str] = HEADER, **more: Any
) -> AnyFile:
    return open_rows(path, FileFormat(format=form, **more), columns)


def read(file: AnyFile) -> list[list[str]]:
    """Return the cells of all rows, of which none has a fault."""
    rows = list(file.rows())
    assert [row.fault for row in rows] == [None] * len(rows)
    return [list(row.cells) for row in rows]


def faults(file: AnyFile) -> list[tuple[int, str]]:
    """Return the line of each faulty row, and what is wrong."""
    return [(row.line, row.fault.what) for row in file.rows() if row.fault]
