"""A desk with work in it: some months of the made-up help desk, two of them closed."""

from __future__ import annotations

import csv
from pathlib import Path

from openbpo.lines.helpdesk.sample import write_sample
from tests.desk import Desk

YEAR = 2012


def worked_desk(desk: Desk, folder: Path, rows: int = 1_500, *, closed: bool = True) -> Desk:
    """Import the first rows of a made-up year, and close January and February of it."""
    whole, part = folder / "year.csv", folder / "part.csv"
    write_sample(whole, YEAR, 7)
    with whole.open(newline="", encoding="utf-8") as file:
        header, *found = csv.reader(file)
    found.sort(key=lambda row: row[3])
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(found[:rows])
    desk.imports(part)
    if closed:
        desk.closes(f"{YEAR}-01")
    return desk
