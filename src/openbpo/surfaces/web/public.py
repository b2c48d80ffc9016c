"""What can be reached without being signed in, beside signing in itself."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse


@login_not_required
def signup(_request: HttpRequest, **_parts: Any) -> HttpResponse:
    """Nobody signs up: an administrator adds people. The address is asked for by allauth."""
    raise Http404


__all__ = ["login_not_required", "signup"]
