"""Opening a file of rows in the format that its mapping names."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

from openbpo.delivery.intake.files.content import Content
from openbpo.delivery.intake.files.csv_rows import CsvFile
from openbpo.delivery.intake.files.json_rows import JsonLinesFile
from openbpo.delivery.intake.files.model import FileFormat
from openbpo.delivery.intake.files.xes_rows import XesFile
from openbpo.delivery.intake.files.xlsx_rows import Workbook
from openbpo.values.refusals import Refusal

AnyFile = CsvFile | Workbook | JsonLinesFile | XesFile


def open_rows(path: Path, form: FileFormat, columns: Sequence[str]) -> AnyFile:
    """
    Return a file whose rows can be read; `columns` are the titles that the mapping wants.

    Raises Refusal if it cannot be read, does not end, or is not what its format says.
    """
    _refuse_unknown_encoding(form)
    content = Content(path)
    if form.format == "csv":
        return CsvFile(content, form, columns)
    if form.format == "xlsx":
        return Workbook(content, form)
    if form.format == "json lines":
        return JsonLinesFile(content, form, columns)
    return XesFile(content, columns)


def _refuse_unknown_encoding(form: FileFormat) -> None:
    try:
        "".encode(form.encoding)
        codecs.getincrementaldecoder(form.encoding)()
    except LookupError as fault:
        what = f"There is no encoding {form.encoding!r}."
        remedy = "Name one that Python knows, as utf-8, cp1252 or latin-1."
        raise Refusal.of("mapping.yaml", what, remedy) from fault
