"""What every answer carries, when a session ends, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from openbpo.surfaces.web.errors import refused
from openbpo.surfaces.web.settings import ABSOLUTE_S, IDLE_S
from openbpo.values.refusals import Refusal

Answering = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
FIRST, LAST = "first_seen_s", "last_seen_s"


class SecurityHeaders:
    """Every answer forbids inline script, inline style, framing and requests to anybody else."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and add the headers; what a person sees is kept in no shared cache."""
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return HttpResponse("No address holds a NUL.", status=400, content_type="text/plain")
        response = self._answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        if request.is_secure():
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


class SessionsEnd:
    """A session ends 8 hours after sign-in, and after 30 minutes in which nothing was asked."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """End a session that is over, else note that it is in use (once a minute)."""
        if request.user.is_authenticated:
            now = int(timezone.now().timestamp())
            first = request.session.setdefault(FIRST, now)
            last = request.session.get(LAST, now)
            if now - first > ABSOLUTE_S or now - last > IDLE_S:
                logout(request)
            elif LAST not in request.session or now - last >= 60:
                request.session[LAST] = now
        return self._answer(request)


class RefusalsAreTold:
    """A refusal is a page that names each mistake and its remedy."""

    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self._answer(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Turn a refusal into its page."""
        return refused(request, error) if isinstance(error, Refusal) else None
