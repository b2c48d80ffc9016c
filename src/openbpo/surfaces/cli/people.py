"""openbpo people: who signs in to the pages, and what they may do. Django is loaded at need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from openbpo.agreements.schema import did_you_mean
from openbpo.storage.database import Transaction
from openbpo.surfaces.cli.printing import say, say_json, table
from openbpo.surfaces.cli.session import Session, find_engagement, session
from openbpo.trust.roles.actions import grant_role, revoke_role
from openbpo.trust.roles.model import Grant, Role
from openbpo.trust.roles.queries import grants_within
from openbpo.values.refusals import Refusal

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Username = Annotated[str, typer.Argument(help="The name to sign in by.")]
Engagement = Annotated[str, typer.Argument(help="The engagement.")]
RoleName = Annotated[
    str | None, typer.Option("--role", help="As client-owner; every role is in the glossary.")
]
Until = Annotated[
    str | None, typer.Option("--until", help="The first day on which the role is over (UTC).")
]
From = Annotated[str | None, typer.Option("--from", help="The first day of the role (UTC).")]

people = typer.Typer(help="Who signs in to the pages, and what they may do.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Given:
    """A role as it is asked for."""

    role: Role
    starting: datetime | None
    ending: datetime | None


@people.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option("--name", help="What the person is called.")],
    email: Annotated[str, typer.Option("--email", help="The person's address.")] = "",
    role: RoleName = None,
    engagement: Annotated[str | None, typer.Option("--engagement", help="Where.")] = None,
    starting: From = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Add a person, with a password that is made here and shown once."""
    from openbpo.surfaces.web.people.adding import add_person

    if (role is None) != (engagement is None):
        raise typer.BadParameter("--role and --engagement go together")
    given = None if role is None else _given(role, starting, until)
    with session("add a person") as current:
        where = None if engagement is None else find_engagement(current, engagement)
        password = add_person(_username(username), name=name, email=email)
        if given is not None and engagement is not None and where is not None:
            with current.database.transaction(current.context.within(where)) as tx:
                _grant(tx, current, username, engagement, given)
    if as_json:
        say_json({"username": username, "password": password, "role": role, "in": engagement})
        return
    say(f"{name} signs in as {username}, with this password (it is shown once):")
    say(f"    {password}")
    if given is not None:
        say(f"In {engagement}: {_told(given.role, given.ending)}.")


@people.command()
def password(username: Username, as_json: AsJson = False) -> None:
    """Make a new password for a person, shown once; who is signed in is signed out."""
    from openbpo.surfaces.web.people.adding import new_password

    with session("make a password"):
        made = new_password(_username(username))
    if as_json:
        say_json({"username": username, "password": made})
        return
    say(f"{username} signs in with this password (it is shown once):")
    say(f"    {made}")


@people.command()
def grant(
    username: Username,
    engagement: Engagement,
    role: RoleName = None,
    starting: From = None,
    until: Until = None,
) -> None:
    """Give a person a role in an engagement; it replaces the one they have there."""
    if role is None:
        raise typer.BadParameter("name the role", param_hint="--role")
    given = _given(role, starting, until)
    with session("grant a role") as current:
        engagement_id = find_engagement(current, engagement)
        _refuse_unknown(username)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            _grant(tx, current, username, engagement, given)
    say(f"{username} in {engagement}: {_told(given.role, given.ending)}.")


@people.command()
def revoke(username: Username, engagement: Engagement) -> None:
    """Take back what a person may do in an engagement, from now on."""
    with session("revoke a role") as current:
        engagement_id = find_engagement(current, engagement)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            had = revoke_role(tx, engagement_id, principal=f"user:{_username(username)}")
    say(f"{username} may do nothing in {engagement} any more." if had
        else f"{username} had no role in {engagement}.")  # fmt: skip


@people.command("list")
def list_(
    engagement: Annotated[str | None, typer.Argument(help="The engagement.")] = None,
    as_json: AsJson = False,
) -> None:
    """List who signs in here; of an engagement, who may do what in it."""
    if engagement is None:
        _list_people(as_json=as_json)
        return
    with session("list roles") as current:
        engagement_id = find_engagement(current, engagement)
        with current.database.transaction(current.context.within(engagement_id)) as tx:
            found, at = grants_within(tx, engagement_id), tx.at
    if as_json:
        say_json([_grant_json(one, at) for one in found])
        return
    rows = [(one.principal, one.role.value, _span(one), _state(one, at)) for one in found]
    for line in table(("Who", "Role", "From, until", "Now"), rows):
        say(line)


def _list_people(*, as_json: bool) -> None:
    from openbpo.surfaces.web.people.adding import all_people

    with session("list people"):
        found = all_people()
    if as_json:
        say_json([{"username": u, "name": n, "email": e} for u, n, e in found])
    elif not found:
        say("Nobody signs in here yet: openbpo people add USERNAME --name NAME")
    else:
        for line in table(("Username", "Name", "Address"), found):
            say(line)


def _grant(tx: Transaction, current: Session, username: str, engagement: str, given: Given) -> None:
    [engagement_id] = tx.context.engagements
    assert current.context.principal == tx.context.principal
    grant_role(
        tx, engagement_id, principal=f"user:{_username(username)}",  # type: ignore[arg-type]
        handle=engagement.partition("@")[0], role=given.role, starting=given.starting,
        ending=given.ending,
    )  # fmt: skip


def _given(role: str, starting: str | None, until: str | None) -> Given:
    return Given(_role(role), _midnight(starting, "--from"), _midnight(until, "--until"))


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        known = [role.value for role in Role]
        raise Refusal.of(
            name, "There is no role of this name.", did_you_mean(name, known, "There are")
        ) from None


def _midnight(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no day such as 2027-01-01", param_hint=option
        ) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _username(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", name):
        raise Refusal.of(
            name, "This cannot be a name to sign in by.",
            "Use small letters, digits, dots, dashes and underscores.",
        )  # fmt: skip
    return name


def _refuse_unknown(username: str) -> None:
    from openbpo.surfaces.web.people.adding import is_known

    if not is_known(_username(username)):
        raise Refusal.of(
            username,
            "Nobody signs in by this name.",
            f"Add the person: openbpo people add {username} --name NAME",
        )


def _told(role: Role, ending: datetime | None) -> str:
    return f"{role.value}, until {ending:%Y-%m-%d}" if ending else f"{role.value}, without an end"


def _span(one: Grant) -> str:
    end = f"{one.valid_until:%Y-%m-%d}" if one.valid_until else "no end"
    return f"{one.valid_from:%Y-%m-%d}, {end}"


def _state(one: Grant, at: datetime) -> str:
    if one.holds(at):
        return "holds"
    if one.revoked_at is not None:
        return f"revoked on {one.revoked_at:%Y-%m-%d}"
    return "has not begun" if at < one.valid_from else "is over"


def _grant_json(one: Grant, at: datetime) -> dict[str, object]:
    return {
        "principal": one.principal,
        "role": one.role.value,
        "from": one.valid_from.isoformat(),
        "until": one.valid_until.isoformat() if one.valid_until else None,
        "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
        "granted_by": one.granted_by,
        "holds": one.holds(at),
    }


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(people, name="people")
