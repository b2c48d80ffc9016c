"""A tiny evaluator of the formulas that our workbooks hold: ROUND, SUM, SUMIF, + and *."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from xml.etree import ElementTree as ET
from zipfile import ZipFile

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
CELL = re.compile(r"([A-Z]+)([0-9]+)")
Value = Decimal | str


def computed(content: bytes, instead: Mapping[str, Value] = {}) -> dict[str, Value]:
    """Return every cell's value, each formula computed anew from the cells, not as it was kept."""
    with ZipFile(BytesIO(content)) as book:
        strings = [
            "".join(text.text or "" for text in one.iter(f"{NS}t"))
            for one in ET.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    sheet_cells = _Sheet(dict(instead), {})
    for cell in sheet.iter(f"{NS}c"):
        name = cell.attrib["r"]
        formula, value = cell.find(f"{NS}f"), cell.find(f"{NS}v")
        if formula is not None:
            sheet_cells.formulas[name] = str(formula.text)
        elif value is not None and name not in instead:
            text = str(value.text)
            is_string = cell.attrib.get("t") == "s"
            sheet_cells.values[name] = strings[int(text)] if is_string else Decimal(text)
    for name in list(sheet_cells.formulas):
        sheet_cells.value(name)
    return sheet_cells.values


class _Sheet:
    def __init__(self, values: dict[str, Value], formulas: dict[str, str]) -> None:
        self.values, self.formulas = values, formulas

    def value(self, name: str) -> Value:
        if name not in self.values:
            self.values[name] = (
                self._sum(self.formulas[name]) if name in self.formulas else (Decimal(0))
            )
        return self.values[name]

    def _number(self, name: str) -> Decimal:
        value = self.value(name)
        return value if isinstance(value, Decimal) else Decimal(0)

    def _sum(self, formula: str) -> Decimal:
        terms = re.findall(r"[A-Z]+\([^()]*\)|[A-Z]+[0-9]+", formula)
        assert "+".join(terms) == formula, formula
        return sum((self._term(term) for term in terms), Decimal(0))

    def _term(self, term: str) -> Decimal:
        if CELL.fullmatch(term):
            return self._number(term)
        function, _, rest = term.rstrip(")").partition("(")
        parts = rest.split(",")
        if function == "ROUND":
            left, right = parts[0].split("*")
            product = self._number(left) * self._number(right)
            return product.quantize(Decimal(1).scaleb(-int(parts[1])), ROUND_HALF_UP)
        if function == "SUM":
            return sum((self._number(name) for name in _range(parts[0])), Decimal(0))
        assert function == "SUMIF", function
        wanted = self.value(parts[1])
        pairs = zip(_range(parts[0]), _range(parts[2]), strict=True)
        return sum((self._number(to) for of, to in pairs if self.value(of) == wanted), Decimal(0))


def _range(text: str) -> list[str]:
    first, _, last = text.partition(":")
    start, end = CELL.fullmatch(first), CELL.fullmatch(last)
    assert start is not None
    assert end is not None
    return [f"{start[1]}{row}" for row in range(int(start[2]), int(end[2]) + 1)]
