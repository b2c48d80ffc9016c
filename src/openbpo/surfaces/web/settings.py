"""Django's settings, made of where this installation is; nothing is read at import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

HERE = Path(__file__).parent
HOSTS = "OPENBPO_WEB_HOSTS"
HTTPS = "OPENBPO_WEB_HTTPS"

LANGUAGES = [
    ("en", "English"),
    ("es", "Español"),
    ("pt", "Português"),
    ("pl", "Polski"),
    ("fil", "Filipino"),
]
IDLE_S = 30 * 60
ABSOLUTE_S = 8 * 60 * 60


def hosts() -> list[str]:
    """Return the names under which we answer: this machine's own, and OPENBPO_WEB_HOSTS."""
    named = os.environ.get(HOSTS, "")
    return ["localhost", "127.0.0.1", "[::1]", *(h.strip() for h in named.split(",") if h.strip())]


def is_https() -> bool:
    """Whether a proxy before us speaks https, as OPENBPO_WEB_HTTPS says."""
    return os.environ.get(HTTPS, "") not in ("", "0", "no")


def settings(*, web_url: str, secret: str) -> dict[str, Any]:
    """Return Django's settings for the web's own database role and this installation's secret."""
    https = is_https()
    return {
        **_ground(secret, https=https),
        **_programs(),
        **_database(web_url),
        **_sessions(https=https),
        **_signing_in(https=https),
        **_words(),
    }


def _ground(secret: str, *, https: bool) -> dict[str, Any]:
    names = hosts()
    return {
        "DEBUG": False,
        "SECRET_KEY": secret,
        "ALLOWED_HOSTS": names,
        "CSRF_TRUSTED_ORIGINS": [f"https://{name}" for name in names] if https else [],
        "ROOT_URLCONF": "openbpo.surfaces.web.urls",
        "WSGI_APPLICATION": "openbpo.surfaces.web.wsgi.application",
        "APPEND_SLASH": False,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "STATIC_URL": "/static/",
        "STATICFILES_DIRS": [HERE / "static"],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_MAX_AGE": 24 * 60 * 60,  # addresses carry the hash of what they name
        "FILE_UPLOAD_HANDLERS": ["openbpo.surfaces.web.uploading.HomeUploadHandler"],
        "DATA_UPLOAD_MAX_NUMBER_FILES": 5,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": 5 * 1024 * 1024,
        "LOGGING": {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
            "loggers": {
                "django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
            },
        },
        "SILENCED_SYSTEM_CHECKS": ["security.W004", "security.W008", "security.W012"],
    }


def _programs() -> dict[str, Any]:
    return {
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "django.contrib.humanize",
            "allauth",
            "allauth.account",
            "allauth.mfa",
            "django_htmx",
            "openbpo.surfaces.web.people",
        ],
        "MIDDLEWARE": [
            "openbpo.surfaces.web.security.SecurityHeaders",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "openbpo.surfaces.web.security.SessionsEnd",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            "openbpo.surfaces.web.security.RefusalsAreTold",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / "templates"],
                "APP_DIRS": True,
                "OPTIONS": {
                    "builtins": [
                        "openbpo.surfaces.web.tags",
                        "django.templatetags.i18n",
                    ],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "openbpo.surfaces.web.frame.frame",
                    ],
                },
            }
        ],
    }


def _database(web_url: str) -> dict[str, Any]:
    parts = conninfo_to_dict(web_url)
    known = {
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "") or ""),
    }
    parts["options"] = "-c search_path=web,pg_catalog -c timezone=UTC"
    return {
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                **known,
                "OPTIONS": parts,
                "CONN_MAX_AGE": 0,  # threads come and go, and would leave theirs open
            }
        },
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.db.DatabaseCache",
                "LOCATION": "tried",  # how often somebody tried to sign in: for all processes
            }
        },
    }


def _sessions(*, https: bool) -> dict[str, Any]:
    proxied = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")} if https else {}
    return {
        "SESSION_COOKIE_NAME": "openbpo_session",
        "SESSION_COOKIE_AGE": ABSOLUTE_S,
        "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_NAME": "openbpo_csrf",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": https,
        "LANGUAGE_COOKIE_NAME": "openbpo_language",
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_AGE": 365 * 24 * 60 * 60,
        "LANGUAGE_COOKIE_SECURE": https,
        "SECURE_HSTS_SECONDS": 31_536_000 if https else 0,
        "CSRF_FAILURE_VIEW": "openbpo.surfaces.web.errors.form_is_stale",
        **proxied,
    }


def _signing_in(*, https: bool) -> dict[str, Any]:
    return {
        "AUTH_USER_MODEL": "people.User",
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
                "OPTIONS": {"min_length": 12},
            },
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        ],
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.ScryptPasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        ],
        "LOGIN_URL": "/sign-in",
        "LOGIN_REDIRECT_URL": "/",
        "ACCOUNT_ADAPTER": "openbpo.surfaces.web.people.adapter.Adapter",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "email", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_EMAIL_NOTIFICATIONS": False,
        "ACCOUNT_LOGOUT_REDIRECT_URL": "/sign-in",
        "ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE": False,
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 300,
        "ACCOUNT_RATE_LIMITS": {
            "login": "60/m/ip",
            "login_failed": "30/m/ip,5/5m/key",
            "reauthenticate": "10/m/user",
            "change_password": "5/m/user",
        },
        "ALLAUTH_TRUSTED_PROXY_COUNT": 1 if https else 0,
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "OpenBPO",
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not https,
    }


def _words() -> dict[str, Any]:
    return {
        "USE_I18N": True,
        "LANGUAGE_CODE": "en",
        "LANGUAGES": LANGUAGES,
        "LOCALE_PATHS": [HERE / "locale"],
    }
