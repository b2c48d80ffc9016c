"""A person who signs in. The link to grants and to the record is the principal's name alone."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models

USERNAME = r"[a-z0-9][a-z0-9._-]{0,62}"


class Users(BaseUserManager):
    """How people are made."""

    def create_user(self, username: str, *, name: str, email: str, password: str) -> User:
        """Make a person with a password."""
        user = self.model(username=username, name=name, email=self.normalize_email(email))
        user.full_clean(exclude=["password"])
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person: a name to sign in by, a name to be called by, an address."""

    username = models.CharField(
        max_length=63, unique=True, validators=[RegexValidator(f"^{USERNAME}$")]
    )
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[Any] = Users()

    class Meta:
        """Django's."""

        db_table = "person"

    def __str__(self) -> str:
        """Return what the person is called."""
        return self.name or self.username

    @property
    def principal(self) -> str:
        """Return the name under which this person acts."""
        return f"user:{self.username}"
