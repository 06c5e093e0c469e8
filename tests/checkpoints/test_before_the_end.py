"""Stopped when all epochs were done, but before the callbacks were told of the end: a resumed run tells them."""

import os
import signal

import numpy as np
import pytest

from bpnet import Averaged, BatchNormalization, Dense, EarlyStopping, Input, ModelCheckpoint, Sequential
from bpnet.callbacks import checkpoint
from checkpoints.runs import Stop, assert_same, outcome

RNG = np.random.default_rng(14)
X, Y = RNG.normal(size=(40, 5)), RNG.normal(size=40)
OPTIMIZERS = ["adam", Averaged("adam", 0.9), "lbfgs"]


class CtrlC(Stop):
    def act(self):
        os.kill(os.getpid(), signal.SIGINT)


def run(optimizer, *callbacks, patience=9, epochs=4, **settings):
    """The best epoch is the first, whose weights come back at the end."""
    made = Sequential([Input((5,)), Dense(4, "tanh"), BatchNormalization(), Dense(1)], backend="numpy")
    made.compile(optimizer, "mse")
    best = EarlyStopping("loss", mode="max", patience=patience, restore_best_weights=True)
    batch = None if optimizer == "lbfgs" else 40  # the loss falls from epoch to epoch
    made.fit(X, Y, batch, epochs, verbose=0, callbacks=[best, *callbacks], **settings)
    return made


@pytest.mark.parametrize("patience", [2, 9])
@pytest.mark.parametrize("data_on", [None, "host"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_only_the_best_one_could_be_written(optimizer, data_on, patience, tmp_path, monkeypatch):
    """It is that of the last epoch, before the other weights came back."""

    def fail(path, data):
        if path.name.startswith("epoch"):
            raise OSError("no space")
        write_bytes(path, data)

    write_bytes, settings = checkpoint.write_bytes, {} if optimizer == "lbfgs" else {"data_on": data_on}
    monkeypatch.setattr(checkpoint, "write_bytes", fail)
    with pytest.raises(OSError, match="no space"):
        run(optimizer, ModelCheckpoint(tmp_path, every=99), patience=patience, **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]
    monkeypatch.undo()
    resumed = run(optimizer, ModelCheckpoint(tmp_path), patience=patience, resume=tmp_path, **settings)
    whole = run(optimizer, patience=patience)
    assert len(whole.history.epoch) == (4 if patience == 9 else 3)
    assert_same(outcome(resumed), outcome(whole))
    assert resumed.history == whole.history
    again = run(optimizer, ModelCheckpoint(tmp_path), patience=patience, resume=tmp_path, **settings)
    assert_same(outcome(again), outcome(whole))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ctrl_c_in_the_last_epoch_and_a_kill(optimizer, tmp_path, monkeypatch):
    monkeypatch.setattr(ModelCheckpoint, "on_train_end", lambda self: None)
    run(optimizer, ModelCheckpoint(tmp_path), CtrlC(3))
    monkeypatch.undo()
    resumed = run(optimizer, ModelCheckpoint(tmp_path), resume=tmp_path)
    assert_same(outcome(resumed), outcome(run(optimizer)))


def test_fewer_epochs_than_lbfgs_has_done(tmp_path, monkeypatch):
    """It has the weights of its last iteration, not of an earlier one."""
    monkeypatch.setattr(ModelCheckpoint, "on_train_end", lambda self: None)
    run("lbfgs", ModelCheckpoint(tmp_path))
    monkeypatch.undo()
    resumed = run("lbfgs", resume=tmp_path, epochs=2)
    assert_same(outcome(resumed), outcome(run("lbfgs", epochs=3)))
