"""What those are called who did something."""

from __future__ import annotations

from collections.abc import Iterable

from openbpo.surfaces.web.people.models import User

USER = "user:"


def names_of(principals: Iterable[str]) -> dict[str, str]:
    """Return the name of each principal: a person's own, else as the record has it."""
    wanted = set(principals)
    usernames = [one.removeprefix(USER) for one in wanted if one.startswith(USER)]
    found = User.objects.filter(username__in=usernames).values_list("username", "name")
    known = {f"{USER}{username}": name for username, name in found}
    return {one: known.get(one, one.removeprefix(USER)) for one in wanted}
