"""How allauth treats our people: nobody signs up, no mail is sent."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter


class Adapter(DefaultAccountAdapter):
    """People are added by an administrator."""

    def is_open_for_signup(self, request: Any) -> bool:  # noqa: ARG002
        """Nobody signs up."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: Any) -> None:
        """Send nothing: an installation has no mail server."""
