"""Adding people, from the command line; Django is brought up for it."""

from __future__ import annotations

import secrets
from typing import Any

from openbpo.surfaces.web.starting import prepare
from openbpo.values.refusals import Mistake, Refusal

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without those that are taken for one another."""


def made_password() -> str:
    """Return a password of 20 letters in groups: 98 bits."""
    groups = ["".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4)]
    return "-".join(groups)


def _users() -> Any:
    prepare()
    from openbpo.surfaces.web.people.models import User

    return User


def add_person(username: str, *, name: str, email: str) -> str:
    """Add a person and return the password; raises Refusal where the name is taken."""
    users = _users()
    from django.core.exceptions import ValidationError

    password = made_password()
    try:
        users.objects.create_user(username, name=name, email=email, password=password)
    except ValidationError as wrong:
        raise Refusal(
            *(
                Mistake(username, f"{field}: {' '.join(said)}", "Change it and add the person.")
                for field, said in wrong.message_dict.items()
            )
        ) from wrong
    return password


def new_password(username: str) -> str:
    """Give a person a new password; raises Refusal where there is nobody of that name."""
    person = _users().objects.filter(username=username).first()
    if person is None:
        raise Refusal.of(
            username, "Nobody signs in by this name.", "See who does: openbpo people list."
        )
    password = made_password()
    person.set_password(password)
    person.save(update_fields=["password"])
    return password


def all_people() -> list[tuple[str, str, str]]:
    """Return username, name and address of everybody who signs in here."""
    return list(_users().objects.order_by("username").values_list("username", "name", "email"))


def is_known(username: str) -> bool:
    """Whether somebody signs in by this name."""
    return bool(_users().objects.filter(username=username).exists())
