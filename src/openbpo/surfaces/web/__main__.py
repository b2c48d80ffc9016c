"""Django's own commands, for who changes its tables: python -m openbpo.surfaces.web."""

import sys

from django.core.management import execute_from_command_line

from openbpo.surfaces.web.starting import start

start()
execute_from_command_line(sys.argv)
