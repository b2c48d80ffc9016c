"""An issued document in each form that it can be had in; what makes one is loaded when asked."""

from __future__ import annotations

from openbpo.billing.documents.einvoice import einvoice, refuse_unsayable
from openbpo.billing.documents.printed import printed, text_lines
from openbpo.billing.documents.spreadsheet import spreadsheet
from openbpo.billing.issuing.model import IssuedDocument
from openbpo.values.refusals import Refusal


def as_pdf(document: IssuedDocument) -> bytes:
    """Return it as PDF/A-3, with the EN 16931 invoice within where the standard can say it."""
    try:
        refuse_unsayable(document)
    except Refusal:
        return printed(document, None)
    return printed(document, einvoice(document))


def as_xlsx(document: IssuedDocument) -> bytes:
    """Return it as a workbook with live formulas."""
    return spreadsheet(document)


def as_xml(document: IssuedDocument) -> bytes:
    """Return it as an EN 16931 invoice; raises Refusal where the standard cannot say it."""
    return einvoice(document)


def as_text(document: IssuedDocument) -> list[str]:
    """Return it in words that line up."""
    return text_lines(document)
