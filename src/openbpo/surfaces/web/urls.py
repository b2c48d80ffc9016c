"""Every address: the pages that were declared, and those of signing in."""

from __future__ import annotations

import importlib
import pkgutil

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from django.urls import path
from django.views.i18n import set_language

from openbpo.surfaces.web import errors, pages
from openbpo.surfaces.web.public import login_not_required, signup
from openbpo.surfaces.web.visits import addresses

for module in pkgutil.iter_modules(pages.__path__):
    importlib.import_module(f"{pages.__name__}.{module.name}")

SIGNING_IN = [
    path("sign-in", account.login, name="account_login"),
    path("sign-out", account.logout, name="account_logout"),
    path("sign-in/inactive", account.account_inactive, name="account_inactive"),
    path("sign-in/none", signup, name="account_signup"),
    path("sign-in/again", account.reauthenticate, name="account_reauthenticate"),
    path("sign-in/factor", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/factor/again", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("sign-in/passkey", keys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/passkey/again", keys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("account/password", account.password_change, name="account_change_password"),
    path("account/factors", mfa.index, name="mfa_index"),
    path("account/factors/app", totp.activate_totp, name="mfa_activate_totp"),
    path("account/factors/app/remove", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/factors/codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "account/factors/codes/new",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "account/factors/codes/file",
        codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("account/factors/keys", keys.list_webauthn, name="mfa_list_webauthn"),
    path("account/factors/keys/add", keys.add_webauthn, name="mfa_add_webauthn"),
    path("account/factors/keys/<int:pk>/remove", keys.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/factors/keys/<int:pk>", keys.edit_webauthn, name="mfa_edit_webauthn"),
    path("language", login_not_required(set_language), name="set_language"),
]
urlpatterns = [*addresses(), *SIGNING_IN]

handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.failed
