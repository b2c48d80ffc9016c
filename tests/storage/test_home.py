"""The home folder is ours alone, and a secret in it is made once."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from openbpo.storage.home import HomeRefused, home, secret_once, write_secret


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "some" / "where"
    monkeypatch.setenv("OPENBPO_HOME", str(folder))
    return folder


class TestHome:
    def test_is_made_for_us_alone(self, chosen: Path) -> None:
        assert home() == chosen
        assert stat.S_IMODE(chosen.stat().st_mode) == 0o700

    def test_is_the_users_data_folder_unless_chosen(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENBPO_HOME", raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
        assert home().name == "openbpo"
        assert home().is_relative_to(tmp_path)

    def test_is_one_however_it_is_named(
        self, chosen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = home()
        (tmp_path / "link").symlink_to(real)
        monkeypatch.setenv("OPENBPO_HOME", str(tmp_path / "link"))
        assert home() == real

    @pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
    def test_refuses_a_folder_that_others_can_write_to(self, chosen: Path, mode: int) -> None:
        home().chmod(mode)
        with pytest.raises(HomeRefused, match="chmod go-w"):
            home()

    def test_refuses_a_file(self, chosen: Path) -> None:
        chosen.parent.mkdir()
        chosen.touch()
        with pytest.raises(HomeRefused, match="set OPENBPO_HOME"):
            home()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
    def test_refuses_another_users_folder(self, chosen: Path) -> None:
        os.chown(home(), 12345, -1)
        with pytest.raises(HomeRefused, match="belongs to user 12345"):
            home()


class TestWriteSecret:
    def test_is_readable_by_us_alone_and_replaces(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        write_secret(path, b"first")
        write_secret(path, b"second")
        assert path.read_bytes() == b"second"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]


def make_and_read(path: Path) -> bytes:
    return secret_once(path, lambda: str(os.getpid()).encode() * 1000)


class TestSecretOnce:
    def test_is_made_once(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        assert secret_once(path, lambda: b"first") == b"first"
        assert secret_once(path, lambda: b"second") == b"first"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [path]

    def test_gives_all_who_make_it_at_once_the_same(self, tmp_path: Path) -> None:
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            for number in range(20):
                path = tmp_path / str(number)
                assert len(set(pool.map(make_and_read, [path] * 4, chunksize=1))) == 1

    def test_never_replaces_what_came_first(self, tmp_path: Path) -> None:
        path = tmp_path / "key"

        def make_while_another_is_faster() -> bytes:
            path.write_bytes(b"theirs")
            return b"ours"

        assert secret_once(path, make_while_another_is_faster) == b"theirs"


class TestAHomeThatIsNone:
    def test_is_refused_where_other_things_lie(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "letters").mkdir()
        monkeypatch.setenv("OPENBPO_HOME", str(tmp_path))
        with pytest.raises(HomeRefused, match="holds other things"):
            home()
        assert [path.name for path in tmp_path.iterdir()] == ["letters"]

    def test_is_refused_when_it_depends_on_where_one_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("OPENBPO_HOME", "here")
        with pytest.raises(HomeRefused, match="depends on the folder"):
            home()
