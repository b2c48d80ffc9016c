"""Signing a version with the key of one's side: kept by the server, or by one's own browser."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from openbpo.agreements.files import Files
from openbpo.agreements.model import Side
from openbpo.agreements.reading import read_agreement
from openbpo.agreements.versions import actions
from openbpo.agreements.versions.model import Standing, Statement
from openbpo.agreements.versions.queries import (
    ReadVersion,
    engagement_handle,
    used_keys,
    version_read,
    versions,
)
from openbpo.storage.database import Context
from openbpo.surfaces.web.pages.agreement.reading import named, shown
from openbpo.surfaces.web.visits import Crumb, Visit, page
from openbpo.trust.keys import BroughtKey, SigningKey, held_keys, party_key
from openbpo.trust.roles.model import Right
from openbpo.values.refusals import Refusal


@page("e/<handle>/agreement/sign/<version>", needs=Right.SIGN_TERMS)
def agreement_sign(visit: Visit, version: str) -> HttpResponse:
    """Show what is signed, and by which key that can be done."""
    side = asked_side(visit, visit.request.GET.get("side", ""))
    with visit.transaction() as tx:
        found = versions(tx, visit.engagement_id)
        own = named(found, version)
        read = version_read(tx, visit.engagement_id, own.head.version_id)
        handle = engagement_handle(tx, visit.engagement_id)
        used = [one.key_id for one in used_keys(tx, visit.engagement_id) if one.side == side]
    statement = statement_of_version(read, handle, side)
    party = read.agreement.party(side)
    told = {
        "own": shown(own, found),
        "read": read.agreement,
        "side": side,
        "party": party,
        "signed": side in own.signed_by,
        "statement": statement.message().decode(),
        "message": base64.b64encode(statement.message()).decode(),
        "keeps": f"{visit.engagement_id}|{party.handle}",
        "used": used,
        "server_may": may_server(used, party.handle),
        "browser_may": not used or not may_server(used, party.handle),
    }
    return visit.at(Crumb(_("Signature"))).page("pages/agreement/sign.html", told)


@page("e/<handle>/agreement/sign/<version>/now", needs=Right.SIGN_TERMS, methods=("POST",))
def agreement_signed(visit: Visit, version: str) -> HttpResponse:
    """Sign: by the key that the server keeps, or with what the browser's key has signed."""
    sent = visit.request.POST
    side = asked_side(visit, sent.get("side", ""))
    with visit.transaction() as tx:
        own = named(versions(tx, visit.engagement_id), version)
        read = version_read(tx, visit.engagement_id, own.head.version_id)
    files: Files = {name: text.encode() for name, text in read.stored.files.items()}
    party = read_agreement(files).party(side)
    key: SigningKey
    if sent.get("key") == "browser":
        key = BroughtKey(party.handle, _bytes(sent, "public_key"), _bytes(sent, "signature"))
    else:
        key = party_key(party.handle)
    context = Context(visit.principal, visit.declared.purpose)
    answer = actions.accept(
        visit.database, context, handle=visit.granted_handle, files=files, side=side, key=key
    )
    if answer["standing"] == Standing.AGREED.value:
        said = _("Both parties have signed version %(number)s: it is agreed.")
    else:
        said = _("Version %(number)s is signed for your side; it waits for the other.")
    messages.success(visit.request, said % {"number": answer["version"]})
    return redirect(visit.href("agreement"))


def asked_side(visit: Visit, asked: str) -> Side:
    """Return the visitor's side; an operator names one."""
    if visit.side is not None:
        if asked not in ("", visit.side):
            raise PermissionDenied(Right.SIGN_TERMS.value)
        return visit.side
    return "client" if asked == "client" else "provider"


def statement_of_version(read: ReadVersion, handle: str, side: Side) -> Statement:
    """Return what a side's signature under a version says."""
    return Statement.of(
        read.agreement,
        engagement=handle,
        side=side,
        content_hash=bytes(read.stored.content_hash),
    )


def may_server(used: Sequence[str], handle: str) -> bool:
    """Tell whether the key that the server keeps can sign: a side signs with one key."""
    held = [key.public.key_id for key in held_keys() if key.handle == handle]
    return not used or any(one in used for one in held)


def _bytes(sent: object, name: str) -> bytes:
    text = sent.get(name, "")  # type: ignore[attr-defined]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise Refusal.of(
            name, _("The browser's key did not answer."), _("Open the page again and sign.")
        ) from fault
