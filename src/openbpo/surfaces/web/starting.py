"""Bring Django up for this installation, once a process; and its own tables up to date."""

from __future__ import annotations

import secrets

import django
from django.conf import settings as django_settings
from django.conf.locale import LANG_INFO
from django.core.management import call_command
from django.db import connection

from openbpo.storage.database import ServerRefused
from openbpo.storage.home import home, secret_once
from openbpo.storage.installation import (
    WEB_URL,
    Installation,
    bring_up_to_date,
    find_installation,
)
from openbpo.surfaces.web.settings import settings

FILIPINO = {"bidi": False, "code": "fil", "name": "Filipino", "name_local": "Filipino"}
PREPARING = 4_861_734_159_000_008


def start(installation: Installation | None = None) -> None:
    """
    Configure Django, unless it is.

    Raises ServerRefused where the web has no database role of its own.
    """
    if django_settings.configured:
        return
    found = installation or find_installation()
    if found.web_url is None:
        raise ServerRefused.of(
            WEB_URL,
            "The pages have no role of their own on this server.",
            f"Set {WEB_URL} to the address of a plain login role, other than the application's.",
        )
    LANG_INFO["fil"] = FILIPINO
    secret = secret_once(home() / "web-secret", lambda: secrets.token_urlsafe(48).encode())
    django_settings.configure(**settings(web_url=found.web_url, secret=secret.decode()))
    django.setup()


def prepare(installation: Installation | None = None) -> None:
    """Start, and give our tables and Django's their newest shape; many may do so at once."""
    found = installation or find_installation()
    bring_up_to_date(found)
    start(found)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
        try:
            call_command("migrate", verbosity=0, interactive=False)
            call_command("createcachetable", verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARING])
