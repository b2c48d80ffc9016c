"""What every command stands on: the database, who acts, and the engagement that is meant."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from openbpo.agreements.schema import did_you_mean
from openbpo.agreements.versions.model import Terms
from openbpo.agreements.versions.queries import terms_in_force
from openbpo.record.readings import note_reading
from openbpo.storage.database import Context, Database, Transaction
from openbpo.storage.installation import open_database
from openbpo.trust import engagements
from openbpo.values.ids import EngagementId
from openbpo.values.refusals import Refusal

PRINCIPAL = "OPENBPO_PRINCIPAL"
OURS = "openbpo:"


def principal() -> str:
    """Return the recorded name of whoever types: OPENBPO_PRINCIPAL, else the login name."""
    return checked_principal(os.environ.get(PRINCIPAL) or f"cli:{_login_name()}")


def checked_principal(name: str) -> str:
    """Return a principal's name; raises Refusal when no context could carry it."""
    if not name or "|" in name or not name.isprintable() or len(name) > 200:
        raise Refusal.of(PRINCIPAL, f"{name!r} cannot name a principal.", "Use a plain name.")
    if name.startswith(OURS):
        remedy = f"Use a name that does not begin with {OURS!r}: those are the product's own."
        raise Refusal.of(PRINCIPAL, f"{name!r} cannot name a principal.", remedy)
    return name


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return str(os.geteuid())


@dataclass(frozen=True, slots=True)
class Session:
    """An open database and the context in which a command acts."""

    database: Database
    context: Context


@contextmanager
def session(purpose: str) -> Iterator[Session]:
    """Give a session for one command; `purpose` is recorded with all that it reads and writes."""
    context = Context(principal=principal(), purpose=purpose)
    with open_database(tell=lambda note: typer.echo(note, err=True)) as database:
        yield Session(database, context)


def find_engagement(current: Session, handle: str) -> EngagementId:
    """Return the engagement of that handle; raises Refusal when this principal has none."""
    with current.database.transaction(current.context) as tx:
        granted = engagements.granted(tx)
    for engagement in granted:
        if engagement.handle == handle:
            return engagement.engagement_id
    known = [engagement.handle for engagement in granted]
    remedy = did_you_mean(handle, known, "There are") if known else (
        "Accept its agreement first: openbpo accept FOLDER --as provider."
    )  # fmt: skip
    raise Refusal.of(handle, "There is no engagement of this name.", remedy)


def reading(current: Session, handle: str, what: str) -> EngagementId:
    """
    Return an engagement whose events or figures are about to be read; that is noted first.

    The note has a transaction of its own: who reads and then fails has still been let in.
    """
    engagement_id = find_engagement(current, handle)
    with current.database.transaction(current.context.within(engagement_id)) as tx:
        note_reading(tx, engagement_id, what)
    return engagement_id


@contextmanager
def engagement_terms(
    current: Session, handle: str, what: str
) -> Iterator[tuple[Transaction, EngagementId, tuple[Terms, ...]]]:
    """Give a transaction that reads `what` of an engagement, with the terms in force."""
    engagement_id = reading(current, handle, what)
    with current.database.transaction(current.context.within(engagement_id)) as tx:
        yield tx, engagement_id, terms_in_force(tx, engagement_id, handle)
