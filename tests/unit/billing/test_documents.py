"""An issued document in each of its forms: the same figures, to the cent, by the official rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest
from facturx import get_xml_from_pdf
from tests.issued import broken_rules, invoice, line
from tests.spreadsheets import computed

from openbpo.billing.documents.einvoice import einvoice
from openbpo.billing.documents.printed import printed, text_lines, view
from openbpo.billing.documents.spreadsheet import spreadsheet
from openbpo.billing.documents.writing import as_pdf
from openbpo.billing.issuing.decisions import Numbered, credit_note_document
from openbpo.values.refusals import Refusal

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"

LINES = [
    line("1900.00", quantity=50, each="38.00"),
    line("110.25", quantity=7, each="15.75", key="tickets-closed/51"),
    line("-100.51", key="credit", kind="credit", text="Service credit, 5 % of 2,010.25 EUR"),
    line(
        "-38.00",
        kind="adjustment",
        period="2024-12",
        service=["2024-12-01", "2024-12-31"],
        text="Adjustment of 2024-12: tickets-closed",
        reason="1 case corrected",
    ),
]


def plain() -> dict[str, Any]:
    return invoice(LINES)


def credited(document: dict[str, Any]) -> dict[str, Any]:
    return credit_note_document(
        document,
        numbered=Numbered(series="BS-2025-{number}", ordinal=8),
        reason="Wrong order",
        at=datetime(2025, 2, 6, tzinfo=UTC),
        zone_day=date(2025, 2, 6),
    )


def untaxed() -> dict[str, Any]:
    return invoice(LINES, category="outside_scope", rate="0.00", reason="Outside the scope of VAT")


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "standard": plain,
    "rounded apart": lambda: invoice(LINES, apart="0.01"),
    "zero": lambda: invoice(LINES, category="zero", rate="0.00"),
    "exempt": lambda: invoice(LINES, category="exempt", rate="0.00", reason="Article 135"),
    "reverse charge": lambda: invoice(
        LINES, category="reverse_charge", rate="0.00", reason="Reverse charge"
    ),
    "outside the scope": untaxed,
    "credit note": lambda: credited(plain()),
    "negative": lambda: invoice([line("-50.00", key="credit", kind="credit")]),
}


@pytest.mark.parametrize("case", CASES)
class TestEveryForm:
    def test_breaks_no_rule_of_en_16931(self, case: str) -> None:
        assert broken_rules(einvoice(CASES[case]())) == []

    def test_tells_machines_the_same_figures(self, case: str) -> None:
        document = CASES[case]()
        sign = -1 if document["kind"] == "credit_note" else 1
        root = ET.fromstring(einvoice(document))
        lines = [Decimal(str(found.text)) for found in root.iterfind(f".//{RAM}LineTotalAmount")]
        told = [Decimal(one["amount"]) * sign for one in document["lines"]]
        assert lines == [*told, Decimal(document["net"]) * sign]
        for tag, name in (
            ("TaxBasisTotalAmount", "net"),
            ("TaxTotalAmount", "tax"),
            ("GrandTotalAmount", "total"),
            ("DuePayableAmount", "total"),
        ):
            found = root.find(f".//{RAM}{tag}")
            assert found is not None
            assert Decimal(str(found.text)) == Decimal(document[name]) * sign

    def test_computes_the_same_sums_in_the_workbook(self, case: str) -> None:
        document = CASES[case]()
        cells = computed(spreadsheet(document))
        amounts = {
            value: cells[f"G{name[1:]}"]
            for name, value in cells.items()
            if name[0] == "F" and isinstance(value, str) and f"G{name[1:]}" in cells
        }
        assert amounts["Net"] == Decimal(document["net"])
        assert amounts["Total"] == Decimal(document["total"])
        assert amounts["Each"] == "Amount"

    def test_prints_with_the_machines_form_within(self, case: str) -> None:
        document = CASES[case]()
        found = as_pdf(document)
        assert found == as_pdf(document), "the same bytes"
        assert found.startswith(b"%PDF-1.7")
        name, attached = get_xml_from_pdf(found)
        assert name == "factur-x.xml"
        assert attached == einvoice(document)


class TestAnEInvoice:
    def test_that_is_broken_is_found(self) -> None:
        """The rules are tried in earnest: a cent too many breaks one."""
        told = einvoice(plain()).replace(b">2283.52<", b">2283.53<")
        assert any("BR-CO-15" in rule or "BR-CO-16" in rule for rule in broken_rules(told))

    def test_is_of_type_381_and_names_what_it_cancels(self) -> None:
        told = einvoice(credited(plain())).decode()
        assert "<ram:TypeCode>381</ram:TypeCode>" in told
        assert re.search(
            r"<ram:InvoiceReferencedDocument>\s*<ram:IssuerAssignedID>BS-2025-0007<", told
        )
        assert "Wrong order" in told

    def test_refuses_what_the_standard_cannot_say(self) -> None:
        document = plain()
        document["taxes"].append(untaxed()["taxes"][0])
        with pytest.raises(Refusal, match="EN 16931 has no invoice of both"):
            einvoice(document)
        assert as_pdf(document).startswith(b"%PDF")


class TestAWorkbook:
    def test_goes_on_computing(self) -> None:
        """Another quantity changes the line, the net, the tax and the total."""
        document = plain()
        cells = computed(spreadsheet(document), {"E14": Decimal(51)})
        assert cells["G14"] == Decimal("1938.00")
        changed = (Decimal(document["net"]) + 38) * Decimal("1.22")
        [row] = [name[1:] for name, value in cells.items() if value == "Total"]
        assert cells[f"G{row}"] == changed.quantize(Decimal("0.01"))

    @pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1"])
    def test_makes_no_formula_of_a_text(self, text: str) -> None:
        document = invoice([line("1.00", text=text, reason=text, key=text)])
        document["provider"]["name"] = document["order"] = text
        content = spreadsheet(document)
        with ZipFile(BytesIO(content)) as book:
            sheet = book.read("xl/worksheets/sheet1.xml").decode()
        formulas = re.findall(r"<f>(.*?)</f>", sheet)
        assert formulas
        assert all(re.match(r"(ROUND|SUM|SUMIF|G)\b|G[0-9]", one) for one in formulas)
        assert list(computed(content).values()).count(text) >= 5


class TestAPrint:
    def test_shows_no_code_of_a_text(self) -> None:
        document = invoice([line("1.00", text='#eval("1+1") $x$ *b* \\ [a]', reason="= Head")])
        assert printed(document, None).startswith(b"%PDF")
        assert view(document)["lines"][0]["text"] == '#eval("1+1") $x$ *b* \\ [a]'

    def test_runs_over_pages(self) -> None:
        document = invoice([line("1.00", reason="why " * 40) for _ in range(80)])
        found = re.search(rb"/Type/Pages/Count ([0-9]+)", printed(document, None))
        assert found is not None
        assert int(found[1]) > 1

    def test_is_read_as_text(self) -> None:
        told = "\n".join(text_lines(plain()))
        for words in ("Invoice BS-2025-0007", "1,900.00", "−100.51", "VAT 22 % of 1,871.74",
                      "2,283.52", "by 7 March 2025"):  # fmt: skip
            assert words in told


def test_the_command_line_loads_none_of_it() -> None:
    code = (
        "import sys, openbpo.surfaces.cli.main;"
        "print([m for m in ('typst', 'drafthorse', 'lxml', 'facturx', 'saxonche') "
        "if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout.replace("'", '"')) == []
