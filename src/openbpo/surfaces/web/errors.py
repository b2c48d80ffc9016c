"""Pages that say what to do next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language

from openbpo.values.refusals import Refusal, Unavailable


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:  # noqa: ARG001
    """Nothing is here, or nothing that this person may know of: the answers are one."""
    return render(request, "pages/not_found.html", status=404)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """The engagement is this person's, what was asked is not."""
    return render(request, "pages/forbidden.html", {"why": str(exception or "")}, status=403)


def failed(_request: HttpRequest) -> HttpResponse:
    """Something of ours failed; no more is told, and nothing is asked of what may be down."""
    told = {"language": get_language() or "en"}
    return HttpResponse(render_to_string("pages/failed.html", told), status=500)


def form_is_stale(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """A form came without its proof that it was ours: mostly it lay open for too long."""
    return render(request, "pages/stale.html", status=403)


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What was asked cannot be done as it is: each mistake with its remedy."""
    is_down = isinstance(refusal, Unavailable)
    told = {
        "mistakes": refusal.mistakes,
        "layout": "frame/entrance.html" if is_down else "frame/base.html",
    }
    return render(request, "pages/refused.html", told, status=503 if is_down else 422)
