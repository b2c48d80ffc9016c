"""`python -m openbpo` is the command `openbpo`."""

from openbpo.surfaces.cli.main import main

main()
