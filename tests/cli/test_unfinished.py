"""`bpnet train` in a folder with a run that was not finished: nothing is lost unless --overwrite asks for it."""

import os

import pytest

from bpnet.callbacks.checkpoint import ModelCheckpoint
from bpnet.cli.unfinished import is_resumed, unfinished
from cli.own_tables import QUICK, bpnet, rows, write

RECIPE = ["logistic", "--epochs", "6", "--quiet", "--no-plot", "--checkpoint-every", "2"]
TABLE = ["d.csv", "--target", "price", *QUICK, "--checkpoint-every", "2"]
WAYS = "--resume goes on with it, --out another folder keeps it, --overwrite begins anew"


def held(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def has_ended(result):
    """After so few epochs the recipe's reference is not held."""
    return result.exit_code == int("NOT held" in result.output)


@pytest.fixture(params=[RECIPE, TABLE], ids=["recipe", "table"])
def killed(request, tmp_path, monkeypatch):
    """A run that wrote nothing after epoch 4, though it had come to its end before in the same folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "d.csv", rows())
    command = ["train", *request.param, "--out", "out"]
    assert has_ended(bpnet(*command))
    with monkeypatch.context() as patch:
        patch.setattr(ModelCheckpoint, "on_epoch_end", dies_after_4(ModelCheckpoint.on_epoch_end))
        with pytest.raises(Killed):
            bpnet_that_dies(*command)
    return command


class Killed(BaseException):
    """As SIGKILL: nothing is written for it."""


def dies_after_4(real):
    def on_epoch_end(self, epoch, logs):
        real(self, epoch, logs)
        if epoch == 3:
            raise Killed

    return on_epoch_end


def bpnet_that_dies(*arguments):
    result = bpnet(*arguments)
    if isinstance(result.exception, Killed):
        raise result.exception
    raise AssertionError(result.output)


def test_it_is_refused_before_anything_is_read_or_lost(killed, tmp_path):
    before = held(tmp_path)
    result = bpnet(*killed)
    assert (result.exit_code, result.stdout, held(tmp_path)) == (2, "", before)
    assert result.stderr.count("\n") == 1
    assert "--out: out holds a run that was not finished (epoch 4 of " in result.stderr
    assert WAYS in result.stderr


@pytest.mark.parametrize("way", ["--resume", "--overwrite"])
def test_each_way_leads_to_the_end(killed, tmp_path, way):
    result = bpnet(*killed, way)
    assert has_ended(result)
    assert ("goes on from" in result.output) is (way == "--resume")
    assert has_ended(bpnet(*killed)), "a finished run may be begun anew"


def test_both_ways_at_once_are_refused(killed):
    result = bpnet(*killed, "--resume", "--overwrite")
    assert result.exit_code == 2
    assert "--overwrite: it was given with --resume" in result.stderr


def test_torchruns_restart_goes_on_with_its_own_run_and_loses_no_other(killed, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    before = held(tmp_path / "out")
    for path in before:
        os.utime(path, (1e9, 1e9))  # long before this run: file systems count in steps of some milliseconds
    for count in "01":
        monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
        assert "was not finished" in bpnet(*killed).stderr
    assert before.items() <= held(tmp_path / "out").items()
    os.utime(tmp_path / "out" / "checkpoints" / "epoch-0004.safetensors")  # as if this run had written it
    result = bpnet(*killed)
    assert has_ended(result)
    assert "goes on from" in result.output


def test_rank_0_alone_looks(killed, tmp_path):
    folder = tmp_path / "out" / "checkpoints"
    assert not is_resumed(folder, 1, resume=False, overwrite=False)
    with pytest.raises(ValueError, match="was not finished"):
        is_resumed(folder, 0, resume=False, overwrite=False)


def test_a_run_that_ended_early_is_finished_and_one_without_its_model_is_not(tmp_path):
    path = write(tmp_path / "d.csv", rows())
    command = ["train", path, "--target", "price", "--hidden", "8", "--lr", "0.05", "--no-plot", "--epochs", "400"]
    result = bpnet(*command, "--out", tmp_path)
    assert result.exit_code == 0
    assert "400 epochs in" not in result.output
    model = tmp_path / "model.safetensors"
    assert unfinished(tmp_path / "checkpoints", model) == ""
    model.unlink()
    assert "a run whose model was not written yet (epoch " in bpnet(*command, "--out", tmp_path).stderr


def test_checkpoints_that_cannot_be_read_are_kept(tmp_path):
    bad = tmp_path / "checkpoints" / "epoch-0007.safetensors"
    bad.parent.mkdir()
    bad.write_bytes(b"of a later version")
    result = bpnet("train", "logistic", "--epochs", "1", "--no-plot", "--out", tmp_path)
    assert result.exit_code == 2
    assert "checkpoints of which none can be read, as epoch-0007.safetensors" in result.stderr
    assert bad.is_file()


def test_a_recipe_that_trains_nothing_has_nothing_to_overwrite(tmp_path):
    result = bpnet("train", "gates", "--no-plot", "--overwrite", "--out", tmp_path)
    assert result.exit_code == 2
    assert "--overwrite: it was given, but nothing is trained here" in result.stderr
