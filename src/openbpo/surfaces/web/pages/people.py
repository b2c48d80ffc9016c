"""The people of an engagement: who may do what and until when; letting in and taking back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.surfaces.web.people.models import User
from openbpo.surfaces.web.tags import ROLE_WORDS
from openbpo.surfaces.web.visits import Group, Nav, Visit, page
from openbpo.trust.roles.actions import grant_role, revoke_role
from openbpo.trust.roles.model import Grant, Granting, Right, Role
from openbpo.trust.roles.queries import grantings, grants_within
from openbpo.values.refusals import Refusal

USER = "user:"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody's grant as the list shows it."""

    grant: Grant
    name: str
    username: str
    holds: bool
    can_be_revoked: bool


class GrantForm(forms.Form):
    """Whom to let in, as what, until when."""

    username = forms.CharField(
        label=gettext_lazy("Username"),
        help_text=gettext_lazy("The name that the person signs in by."),
        max_length=63,
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    until = forms.DateField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("The first day on which it is over (UTC). Empty: no end."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, visit: Visit, *arguments: Any) -> None:
        super().__init__(*arguments)
        roles = [role for role in Role if visit.role.may_grant(role)]
        self.fields["role"].choices = [(role.value, ROLE_WORDS[role]()) for role in roles]

    def clean_username(self) -> str:
        """Refuse a name that nobody signs in by."""
        username: str = self.cleaned_data["username"].strip()
        if not User.objects.filter(username=username).exists():
            raise forms.ValidationError(
                _("Nobody signs in by this name. Whoever runs the installation adds people.")
            )
        return username


@page(
    "e/<handle>/people",
    needs=Right.GRANT_ROLES,
    nav=Nav(Group.SETTINGS, gettext_lazy("People"), order=10),
    methods=("GET", "POST"),
)
def people(visit: Visit) -> HttpResponse:
    """List who may do what; let somebody in."""
    form = GrantForm(visit, visit.request.POST or None)
    if visit.request.method == "POST" and form.is_valid() and _granted(visit, form):
        messages.success(visit.request, _("It is granted, from now on."))
        return redirect(visit.href("people"))
    with visit.transaction() as tx:
        found = grants_within(tx, visit.engagement_id)
        acts, at = grantings(tx, visit.engagement_id), tx.at
    told = {
        "members": _members(visit, found, at),
        "acts": _told(acts),
        "form": form,
        "holding": sum(one.holds(at) for one in found),
    }
    return visit.page("pages/people.html", told)


@page("e/<handle>/people/revoke", needs=Right.GRANT_ROLES, methods=("POST",))
def people_revoke(visit: Visit) -> HttpResponse:
    """Take back what somebody may do."""
    principal = visit.request.POST.get("principal", "")
    with visit.transaction() as tx:
        had = revoke_role(tx, visit.engagement_id, principal=principal)
    if had:
        messages.success(visit.request, _("It is taken back, from now on."))
    return redirect(visit.href("people"))


def _granted(visit: Visit, form: GrantForm) -> bool:
    until: date | None = form.cleaned_data["until"]
    ending = datetime(until.year, until.month, until.day, tzinfo=UTC) if until else None
    try:
        with visit.transaction() as tx:
            grant_role(
                tx,
                visit.engagement_id,
                principal=f"{USER}{form.cleaned_data['username']}",
                handle=visit.granted_handle.partition("@")[0],
                role=Role(form.cleaned_data["role"]),
                ending=ending,
            )
    except Refusal as refusal:
        form.add_error(None, " ".join(str(mistake) for mistake in refusal.mistakes))
        return False
    return True


def _names(principals: Iterable[str]) -> dict[str, str]:
    usernames = [one.removeprefix(USER) for one in principals if one.startswith(USER)]
    found = User.objects.filter(username__in=usernames).values_list("username", "name")
    return {f"{USER}{username}": name for username, name in found}


def _members(visit: Visit, found: list[Grant], at: datetime) -> list[Member]:
    names = _names(one.principal for one in found)
    members = [
        Member(
            one,
            names.get(one.principal, one.principal),
            one.principal.removeprefix(USER),
            one.holds(at),
            one.holds(at)
            and one.principal not in (one.granted_by, visit.principal)
            and visit.role.may_grant(one.role),
        )
        for one in found
    ]
    return sorted(members, key=lambda member: (not member.holds, member.name))


def _told(acts: list[Granting]) -> list[tuple[Granting, str, str]]:
    names = _names({one.principal for one in acts} | {one.acted_by for one in acts})
    return [
        (one, names.get(one.principal, one.principal), names.get(one.acted_by, one.acted_by))
        for one in reversed(acts)
    ]
