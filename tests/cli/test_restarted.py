"""torchrun's restart goes on from a checkpoint of the run itself, and of no earlier one."""

import os

import pytest

from bpnet.cli.restarted import goes_on


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    return tmp_path / "checkpoints"


def checkpoint(folder, seconds):
    path = folder / "epoch-0001.safetensors"
    path.touch()
    moment = (folder / ".begun").stat().st_mtime + seconds
    os.utime(path, (moment, moment))


@pytest.mark.parametrize(("seconds", "expected"), [(5, True), (-5, False), (None, False)])
def test_only_a_younger_checkpoint_counts(folder, monkeypatch, seconds, expected):
    assert not goes_on(folder, 0)
    if seconds is not None:
        checkpoint(folder, seconds)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert goes_on(folder, 0) is expected
    assert goes_on(folder, 1) is expected


def test_nothing_is_written_by_other_ranks_or_without_restarts(folder, monkeypatch):
    assert not goes_on(folder, 1)
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "0")
    assert not goes_on(folder, 0)
    assert not folder.exists()
