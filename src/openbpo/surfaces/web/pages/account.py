"""One's own account: name, language, theme, factors."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openbpo.surfaces.web.people.models import User
from openbpo.surfaces.web.visits import Visitor, own_page


class NameForm(forms.ModelForm):
    """What one is called, and where one is reached."""

    class Meta:
        """Django's."""

        model = User
        fields = ("name", "email")
        labels = {  # noqa: RUF012 - Django's way
            "name": gettext_lazy("What you are called"),
            "email": gettext_lazy("E-mail address"),
        }


@own_page("account", methods=("GET", "POST"))
def account(visitor: Visitor) -> HttpResponse:
    """Show the account; change name and address."""
    user = visitor.request.user
    form = NameForm(visitor.request.POST or None, instance=user)
    if visitor.request.method == "POST" and form.is_valid():
        form.save()
        messages.success(visitor.request, _("It is saved."))
        return redirect("account")
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    told = {
        "form": form,
        "has_app": Authenticator.Type.TOTP in kinds,
        "keys": kinds.count(Authenticator.Type.WEBAUTHN),
        "has_codes": Authenticator.Type.RECOVERY_CODES in kinds,
    }
    return visitor.page("pages/account.html", told)
