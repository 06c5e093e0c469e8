"""A file is replaced whole or stays as it was, whatever fails on the way."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bpnet.formats import atomic
from bpnet.formats.atomic import NotWrittenError, write_bytes


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_new_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model"
    write_bytes(path, b"one")
    path.chmod(0o640)
    write_bytes(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["model"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "latest"
    link.symlink_to(tmp_path / "there" / "model")
    write_bytes(link, b"one")
    write_bytes(link, b"two")
    assert link.is_symlink()
    assert (tmp_path / "there" / "model").read_bytes() == b"two"


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    path = tmp_path / "model"
    write_bytes(path, b"old")

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, fails, no_space)
    with pytest.raises(NotWrittenError, match=r"model.*No space left.*untouched. Mend: free some space") as told:
        write_bytes(path, b"new")
    assert told.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["model"]


def test_an_interrupt_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model"
    write_bytes(path, b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["model"]


def test_everything_is_flushed_before_the_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    write_bytes(tmp_path / "model", b"new")
    assert done == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize(
    ("path", "mend"),
    [("none/model", "make the folder first"), ("", "choose the name of a file"), ("file/model", "folders")],
)
def test_paths_that_cannot_be(tmp_path: Path, path: str, mend: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWrittenError, match=mend):
        write_bytes(tmp_path / path, b"")


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    """The first process dies in the middle of its writing; files of living writers and of other targets stay."""
    program = (
        "import os, sys, signal; from bpnet.formats import atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic.write_bytes(sys.argv[1], b'half')"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "model")], check=False)
    (left,) = names(tmp_path)
    assert left.endswith(atomic.SUFFIX)
    write_bytes(tmp_path / "other", b"new")
    assert names(tmp_path) == sorted([left, "other"])
    alive = atomic._beginning("model") + f"{os.getppid()}-0-00000000" + atomic.SUFFIX
    (tmp_path / alive).write_bytes(b"")
    write_bytes(tmp_path / "model", b"new")
    assert names(tmp_path) == sorted([alive, "model", "other"])


def test_another_machines_files_are_removed_when_they_are_old(tmp_path: Path) -> None:
    elsewhere = atomic._beginning("model")[: -len("00000000-")] + "zzzzzzzz-1-0-00000000" + atomic.SUFFIX
    (tmp_path / elsewhere).write_bytes(b"")
    write_bytes(tmp_path / "model", b"new")
    assert names(tmp_path) == sorted([elsewhere, "model"])
    before = time.time() - 2 * atomic.ABANDONED
    os.utime(tmp_path / elsewhere, (before, before))
    write_bytes(tmp_path / "model", b"new")
    assert names(tmp_path) == ["model"]


def test_long_names(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("n" * 255), b"new")
    with pytest.raises(NotWrittenError, match="shorter name"):
        write_bytes(tmp_path / ("n" * 256), b"new")
