"""Who signs in to the demonstration."""

from __future__ import annotations

from dataclasses import dataclass

from openbpo.trust.roles.model import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of one of the two parties, with one role in both engagements."""

    username: str
    name: str
    role: Role
    does: str

    @property
    def principal(self) -> str:
        """Return the name under which the person acts."""
        return f"user:{self.username}"


MANAGER = Person("marta", "Marta Silva", Role.PROVIDER_CONTRACT, "the provider's contract manager")
CLERK = Person("jonas", "Jonas Reis", Role.PROVIDER_BILLING, "the provider's billing clerk")
OWNER = Person("ruth", "Ruth Okafor", Role.CLIENT_OWNER, "the client's service owner")
AUDITOR = Person("piotr", "Piotr Zieliński", Role.CLIENT_AUDITOR, "the client's auditor")
PEOPLE = (MANAGER, CLERK, OWNER, AUDITOR)
