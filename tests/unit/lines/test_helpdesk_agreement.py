"""The template agreement and the example are one."""

from pathlib import Path

from tests.support import EXAMPLE, REPOSITORY

from openbpo.agreements.files import read_folder

TEMPLATE = REPOSITORY / "src" / "openbpo" / "lines" / "helpdesk" / "agreement"


def files_of(folder: Path) -> dict[str, bytes]:
    return dict(read_folder(folder))


def test_the_example_is_what_openbpo_new_makes() -> None:
    assert files_of(EXAMPLE) == files_of(TEMPLATE)
