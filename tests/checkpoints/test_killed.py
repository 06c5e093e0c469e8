"""SIGKILL, a full disk, a folder that cannot be written: what was on the disk stays, and the run goes on from it."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bpnet import ModelCheckpoint
from bpnet.formats import atomic
from bpnet.formats.atomic import NotWrittenError
from bpnet.formats.container import read
from checkpoints import killed
from checkpoints.runs import assert_same, outcome


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return outcome(killed.train(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize(("when", "left"), [("in a batch", 0), ("half-written", 1)])
def test_a_killed_process_is_resumed_bit_by_bit(when, left, whole, tmp_path):
    ended = subprocess.run([sys.executable, killed.__file__, tmp_path, when], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    names = {path.name for path in tmp_path.iterdir()}
    assert "epoch-0003.safetensors" in names
    assert "epoch-0004.safetensors" not in names
    assert sum(name.endswith(".part") for name in names) == left
    assert_same(outcome(killed.train(tmp_path)), whole)
    assert not any(path.name.endswith(".part") for path in tmp_path.iterdir()), "what was left there is removed"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_full_disk_ends_training_and_the_run_goes_on_when_there_is_room(number, whole, tmp_path, monkeypatch):
    """Half of a file fits, after so many whole ones; after each, the folder is flushed too."""
    left = [2 * number + 1]

    def fsync(descriptor):
        left[0] -= 1
        if left[0] == 0:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", fsync)
        with pytest.raises(NotWrittenError, match=r"No space left on device.*untouched. Mend: free some") as told:
            killed.train(tmp_path)
    assert "goes on from the last checkpoint" in told.value.__notes__[0]
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == [f"epoch-{i + 1:04d}.safetensors" for i in range(number)]
    for name in there:
        read(tmp_path / name)
    assert_same(outcome(killed.train(tmp_path)), whole)


def test_a_limit_of_the_system_on_the_file(whole, tmp_path):
    """The kernel itself cuts the write short."""
    killed.train(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = min(len(data) for data in before.values())
    model = killed.make()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        with pytest.raises(NotWrittenError, match="File too large"):
            model.fit(killed.X, killed.Y, 16, 9, verbose=0, callbacks=[ModelCheckpoint(tmp_path)], resume=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_told_of_before_training(tmp_path):
    if os.getuid() == 0:
        folder = Path("/proc/bpnet")  # the one place where root may not write either
    else:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
    with pytest.raises(ValueError, match=r"path: nothing can be written in the folder .* Mend: another one"):
        killed.train(folder)


def test_a_folder_that_is_closed_while_the_run_goes_on(whole, tmp_path, monkeypatch):
    def closed(source, target):
        if Path(target).name == "epoch-0003.safetensors":
            raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))
        rename(source, target)

    rename = os.replace
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", closed)
        with pytest.raises(NotWrittenError, match=r"Read-only file system.*Mend: choose a folder"):
            killed.train(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"epoch-0001.safetensors", "epoch-0002.safetensors"}
    assert_same(outcome(killed.train(tmp_path)), whole)
