"""An issued document as a workbook whose sums are formulas: change a quantity, and see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from io import BytesIO
from typing import Any, Final

from openbpo.values.money import Money, Rounding
from openbpo.values.shares import decimal_text, parse_decimal

Json = Mapping[str, Any]

HEAD: Final = ("Line", "Period", "Text", "Why", "Quantity", "Each", "Amount", "Tax")
TAX_HEAD: Final = ("Tax", "Rate", "On", "Amount", "Rounded apart")
FIRST: Final = 14
"""The sheet's row, from 1, in which the lines begin."""
WIDTHS: Final = (18, 10, 46, 34, 10, 12, 14, 24)


def spreadsheet(document: Json) -> bytes:
    """
    Return an issued document as XLSX; every sum is a formula over the cells that it sums.

    Texts are written as texts: none can become a formula, whatever it begins with.
    """
    return _Sheet(document).written()


class _Sheet:
    def __init__(self, document: Json) -> None:
        import xlsxwriter

        self.document = document
        self.currency: str = document["currency"]
        self.file = BytesIO()
        self.book = xlsxwriter.Workbook(
            self.file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self.sheet = self.book.add_worksheet("Invoice")
        money = "#,##0." + "0" * _decimals(self.currency) if _decimals(self.currency) else "#,##0"
        self.bold = self.book.add_format({"bold": True})
        self.head = self.book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self.text = self.book.add_format({"text_wrap": True, "valign": "top"})
        self.money = self.book.add_format({"num_format": money, "valign": "top"})
        self.sum = self.book.add_format({"num_format": money, "bold": True, "top": 1})
        self.rate = self.book.add_format({"num_format": "0.##%", "valign": "top"})
        self.number = self.book.add_format({"num_format": "#,##0", "valign": "top"})
        self.each = self.book.add_format({"num_format": "#,##0.00########", "valign": "top"})

    def written(self) -> bytes:
        for column, width in enumerate(WIDTHS):
            self.sheet.set_column(column, column, width)
        self._top()
        last = self._lines()
        self._sums(last)
        self.sheet.set_landscape()
        self.sheet.fit_to_pages(1, 0)
        self.book.close()
        return self.file.getvalue()

    def _top(self) -> None:
        document = self.document
        title = "Credit note" if document["kind"] == "credit_note" else "Invoice"
        self.sheet.write_string(0, 0, f"{title} {document['number']}", self.bold)
        cancels = document["cancels"]
        rows = (
            ("From", document["provider"]["name"]),
            ("To", document["client"]["name"]),
            ("Date", document["issue_date"]),
            ("Due", document["due_date"] or ""),
            ("Order", document["order"] or ""),
            ("Service", " to ".join(document["service"])),
            ("Cancels", f"{cancels['number']} of {cancels['issue_date']}" if cancels else ""),
            ("Why", document["reason"] or ""),
            ("Currency", self.currency),
        )
        for row, (name, value) in enumerate(rows, start=1):
            self.sheet.write_string(row, 0, name, self.bold)
            self.sheet.write_string(row, 1, value)
        for column, name in enumerate(HEAD):
            self.sheet.write_string(FIRST - 2, column, name, self.head)

    def _lines(self) -> int:
        row = FIRST
        for line in self.document["lines"]:
            at = row - 1
            texts = (line["key"], line["period"], line["text"], line["reason"] or "")
            for column, text in enumerate(texts):
                self.sheet.write_string(at, column, text, self.text)
            if line["quantity"] is not None:
                self.sheet.write_number(at, 4, line["quantity"], self.number)
            if line["each"] is not None:
                self.sheet.write_number(at, 5, _shown(line["each"]), self.each)
            amount = _shown(line["amount"])
            if self._is_product(line):
                formula = f"=ROUND(E{row}*F{row},{_decimals(self.currency)})"
                self.sheet.write_formula(at, 6, formula, self.money, amount)
            else:
                self.sheet.write_number(at, 6, amount, self.money)
            self.sheet.write_string(at, 7, _tax_name(line["tax"]), self.text)
            row += 1
        return max(row - 1, FIRST)

    def _is_product(self, line: Json) -> bool:
        """Tell whether the sheet's rounding gives the amount: it knows half up alone."""
        if line["quantity"] is None or line["each"] is None:
            return False
        exact = Money(parse_decimal(line["each"]) * line["quantity"], self.currency)
        return bool(exact.rounded(Rounding.HALF_UP).amount == line["amount"])

    def _sums(self, last: int) -> None:
        document, row = self.document, last + 2
        self.sheet.write_string(row - 1, 5, "Net", self.bold)
        net = f"=SUM(G{FIRST}:G{last})"
        self.sheet.write_formula(row - 1, 6, net, self.sum, _shown(document["net"]))
        net_row, row = row, row + 2
        for column, name in enumerate(TAX_HEAD, start=2):
            self.sheet.write_string(row - 1, column, name, self.head)
        first = row + 1
        for tax in document["taxes"]:
            row += 1
            self._tax(row, tax, last)
        self.sheet.write_string(row + 1, 5, "Total", self.bold)
        total = f"=G{net_row}+SUM(F{first}:F{row})"
        self.sheet.write_formula(row + 1, 6, total, self.sum, _shown(document["total"]))

    def _tax(self, row: int, tax: Json, last: int) -> None:
        at, name = row - 1, _tax_name(tax)
        self.sheet.write_string(at, 2, name, self.text)
        self.sheet.write_number(at, 3, _shown(tax["rate"]), self.rate)
        base = f"=SUMIF(H{FIRST}:H{last},C{row},G{FIRST}:G{last})"
        self.sheet.write_formula(at, 4, base, self.money, _shown(tax["base"]))
        formula = f"=ROUND(E{row}*D{row},{_decimals(self.currency)})+G{row}"
        self.sheet.write_formula(at, 5, formula, self.money, _shown(tax["amount"]))
        self.sheet.write_number(at, 6, _shown(self._apart(tax)), self.money)

    def _apart(self, tax: Json) -> str:
        """Return what parts that were rounded by themselves add to the tax on their sum."""
        exact = Money(parse_decimal(tax["base"]) * parse_decimal(tax["rate"]), self.currency)
        amount = Money(parse_decimal(tax["amount"]), self.currency)
        return (amount - exact.rounded(Rounding.HALF_UP)).amount


def _tax_name(tax: Json) -> str:
    percent = decimal_text(parse_decimal(tax["rate"]) * 100, 0)
    return f"{tax['category'].replace('_', ' ')} {percent} %"


def _shown(text: str) -> float:
    """Return a decimal as a cell holds it: a double, as spreadsheets compute with."""
    return float(Fraction(text))


def _decimals(currency: str) -> int:
    whole = Money.from_minor_units(1, currency).amount.partition(".")[2]
    return len(whole)


__all__: Sequence[str] = ("spreadsheet",)
