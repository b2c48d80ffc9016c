"""The one Django application of ours."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """People who sign in."""

    name = "openbpo.surfaces.web.people"
    label = "people"
