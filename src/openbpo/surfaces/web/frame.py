"""What every page's frame holds: theme, language, the addresses of its files."""

from __future__ import annotations

import functools
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from openbpo.surfaces.web.settings import LANGUAGES

THEME_COOKIE = "openbpo_theme"
THEMES = ("light", "dark")
HTMX = "django_htmx/htmx-2.min.js"


class Link(NamedTuple):
    """An entry of the navigation."""

    word: str
    href: str
    is_current: bool


@functools.cache
def file_address(name: str) -> str:
    """Return the address of a static file; it changes when the file does."""
    found = finders.find(name)
    assert isinstance(found, str), f"there is no file {name}"
    digest = hashlib.sha256(Path(found).read_bytes()).hexdigest()[:12]
    return f"{static(name)}?v={digest}"


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template shows, whatever the page."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "theme": theme if theme in THEMES else "",
        "language": get_language() or "en",
        "languages": LANGUAGES,
        "here": request.get_full_path(),
        "visit": getattr(request, "visit", None),
        "everywhere": _everywhere(request) if request.user.is_authenticated else (),
    }


def _everywhere(request: HttpRequest) -> list[Link]:
    """Return the pages of no engagement that stand in everybody's navigation."""
    words = {
        "programmes": _("Programmes"),
        "billing": _("Month end"),
        "bring": _("Bring your own"),
    }
    found = []
    for name, word in words.items():
        with suppress(NoReverseMatch):
            href = reverse(name)
            found.append(Link(word, href, is_current=request.path == href))
    return found
