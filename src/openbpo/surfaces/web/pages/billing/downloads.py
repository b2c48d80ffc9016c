"""Documents and volumes as files, streamed; what is handed out is noted in the access log."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _

from openbpo.billing.documents import writing
from openbpo.billing.issuing.model import IssuedDocument
from openbpo.billing.issuing.queries import issued
from openbpo.billing.statements.actions import statement_of
from openbpo.surfaces.web.pages.billing.month_told import volume_rows
from openbpo.surfaces.web.visits import Visit, page
from openbpo.trust.roles.model import Right
from openbpo.values.canonical import canonical_bytes

FORMS: Mapping[str, str] = {"pdf": "PDF", "xlsx": "XLSX", "xml": "XML", "json": "JSON"}
TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
MAKERS: Mapping[str, Callable[[IssuedDocument], bytes]] = {
    "pdf": writing.as_pdf,
    "xlsx": writing.as_xlsx,
    "xml": writing.as_xml,
    "json": lambda document: canonical_bytes(dict(document)),
}
PIECE = 64 * 1024


@page("e/<handle>/invoice-files/<form>/<path:number>", needs=Right.SEE_BILLING)
def invoice_file(visit: Visit, form: str, number: str) -> HttpResponseBase:
    """Hand out a document as it was issued, in one of its forms."""
    visit.refuse_unless(Right.SEE_MONEY)
    if form not in MAKERS:
        raise Http404(_("There is no such file."))
    with visit.reading(f"invoice {number} as {form}") as tx:
        all_issued = issued(tx, visit.engagement_id)
    found = next((one for one in all_issued if one.number == number), None)
    if found is None:
        raise Http404(_("Nothing was issued under this number."))
    content = MAKERS[form](found.document)
    return streamed(_pieces(content), f"{number}.{form}", TYPES[form])


@page("e/<handle>/billing/<period>/volumes.csv", needs=Right.SEE_BILLING)
def volumes_file(visit: Visit, period: str) -> HttpResponseBase:
    """Hand out a month's volumes, from what was seen to what is billed."""
    visit.refuse_unless(Right.SEE_MONEY)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}", period):
        raise Http404(_("There is no month of this name."))
    with visit.reading(f"volumes of {period}") as tx:
        statement = statement_of(tx, visit.engagement_id, period)
    name = f"{visit.granted_handle}-{period}-volumes.csv"
    return streamed(csv_lines(volume_rows(statement)), name, TYPES["csv"])


def streamed(pieces: Iterable[bytes], name: str, kind: str) -> StreamingHttpResponse:
    """Return a file that is sent piece by piece, under a name that any system takes."""
    response = StreamingHttpResponse(pieces, content_type=kind)
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    response["Content-Disposition"] = f'attachment; filename="{safe}"'
    return response


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


def csv_lines(rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """Yield a file's lines; a text that a spreadsheet would run is led by an apostrophe."""
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow([harmless(cell) for cell in row])
        yield line.getvalue().encode()


def harmless(cell: object) -> object:
    """Return a cell as a spreadsheet shows it: figures as they are, no text as a formula."""
    if not isinstance(cell, str) or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell):
        return cell
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
