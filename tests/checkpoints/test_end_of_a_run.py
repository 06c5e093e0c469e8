"""Ctrl-C, runs that are over, and what a resumed run is told."""

import numpy as np
import pytest

from bpnet import Callback, Dense, Dropout, EarlyStopping, Input, ModelCheckpoint, Sequential
from bpnet.callbacks.progress import ProgressBar
from checkpoints.runs import CtrlC, Stop, StoppedError, assert_same, outcome, whole

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(40, 5)), RNG.normal(size=40)


def make(optimizer="adam"):
    layers = [Input((5,)), Dense(4, "tanh"), *([] if optimizer == "lbfgs" else [Dropout(0.2)]), Dense(1)]
    made = Sequential(layers, backend="numpy")
    made.compile(optimizer, "mse", ["mae"])
    return made


def fit(model, **settings):
    return model.fit(X, Y, None if "LBFGS" in repr(model.optimizer) else 8, verbose=0, **settings)


@pytest.mark.parametrize("where", [(2, 3), (0, 0), (2, 4), (3, None), (0, 4)])
def test_ctrl_c_loses_nothing_not_even_within_an_epoch(where, tmp_path):
    model = make()
    history = fit(model, epochs=5, callbacks=[ModelCheckpoint(tmp_path), CtrlC(*where)])
    assert history.interrupted
    batches = float(model.backend.to_numpy(model.bind()[1].t))
    heard = Hears()
    resumed = make()
    assert not fit(resumed, epochs=5, resume=tmp_path, callbacks=[heard]).interrupted
    assert len(heard.batches) == 5 * 5 - batches
    assert heard.epochs[0] == where[0] if where[1] not in (4, None) else where[0] + 1
    assert_same(outcome(resumed), whole(make, fit, 5))


def test_ctrl_c_in_an_iteration_of_lbfgs(tmp_path):
    def make_lbfgs():
        return make("lbfgs")

    fit(make_lbfgs(), epochs=9, callbacks=[ModelCheckpoint(tmp_path), CtrlC(3)])
    resumed = make_lbfgs()
    fit(resumed, epochs=9, resume=tmp_path)
    assert_same(outcome(resumed), whole(make_lbfgs, fit, 9))


def test_weights_that_a_callback_restores_after_ctrl_c_are_not_those_that_the_run_goes_on_from(tmp_path):
    def best():
        return EarlyStopping("loss", patience=50, restore_best_weights=True)

    expected = make()
    fit(expected, epochs=8, callbacks=[best()])
    fit(make(), epochs=8, callbacks=[best(), ModelCheckpoint(tmp_path), CtrlC(5, 2)])
    resumed = make()
    fit(resumed, epochs=8, callbacks=[best(), ModelCheckpoint(tmp_path)], resume=tmp_path)
    assert_same(outcome(resumed), outcome(expected))


class Hears(Callback):
    def __init__(self):
        self.epochs, self.batches, self.begun = [], [], []

    def on_train_begin(self, epochs, samples):
        self.begun.append((epochs, samples))

    def on_epoch_begin(self, epoch):
        self.epochs.append(epoch)

    def on_batch_end(self, batch, samples):
        self.batches.append(batch)


def test_epochs_are_numbered_on_and_a_run_that_is_over_is_not_begun(tmp_path):
    first, heard, again = make(), Hears(), Hears()
    fit(first, epochs=3, callbacks=[ModelCheckpoint(tmp_path)], validation_split=0.2)
    longer = make()
    fit(longer, epochs=5, callbacks=[heard], resume=tmp_path, validation_split=0.2)
    assert heard.begun == [(5, 32)]
    assert heard.epochs == [3, 4]
    assert longer.history.epoch == [0, 1, 2, 3, 4]
    over = make()
    history = fit(over, epochs=3, callbacks=[again], resume=tmp_path, validation_split=0.2)
    assert again.begun == []
    assert history is over.history
    assert_same(outcome(over), outcome(first))


def test_a_run_that_a_callback_has_ended_is_over(tmp_path):
    def stopping():
        return [EarlyStopping("loss", min_delta=9.0, patience=2, restore_best_weights=True), ModelCheckpoint(tmp_path)]

    first, again = make(), make()
    fit(first, epochs=9, callbacks=stopping())
    assert len(first.history.epoch) == 3
    fit(again, epochs=9, callbacks=stopping(), resume=tmp_path)
    assert_same(outcome(again), outcome(first))


def test_lbfgs_that_has_converged_is_over(tmp_path):
    def fit_line(model, **settings):
        return model.fit(X, X @ np.arange(5.0), epochs=99, verbose=0, **settings)

    def line():
        made = Sequential([Input((5,)), Dense(1)], backend="numpy", dtype="float64")
        made.compile("lbfgs", "mse")
        return made

    first, again = line(), line()
    fit_line(first, callbacks=[ModelCheckpoint(tmp_path)])
    history = fit_line(again, resume=tmp_path)
    assert history.converged
    assert history.message == first.history.message
    assert_same(outcome(again), outcome(first))


def test_another_scipy_is_noticed(tmp_path, monkeypatch):
    fit(make("lbfgs"), epochs=4, callbacks=[ModelCheckpoint(tmp_path)])
    monkeypatch.setattr("bpnet.training.evaluations.crc32", lambda data: 0)
    with pytest.raises(RuntimeError, match="resume: L-BFGS asks for another point than before at evaluation 1 of"):
        fit(make("lbfgs"), epochs=6, resume=tmp_path)


def test_a_callback_that_steers_is_missed(tmp_path):
    with pytest.raises(StoppedError):
        fit(make(), epochs=9, callbacks=[EarlyStopping("loss"), ModelCheckpoint(tmp_path), Stop(1, 2)])
    with pytest.raises(ValueError, match="resume: the checkpoint has something for the callback EarlyStopping"):
        fit(make(), epochs=9, callbacks=[ModelCheckpoint(tmp_path)], resume=tmp_path)


def test_the_bar_shows_what_was_done_before(tmp_path, capsys):
    fit(make(), epochs=3, callbacks=[ModelCheckpoint(tmp_path)])
    bar = ProgressBar()
    fit(make(), epochs=4, callbacks=[bar], resume=tmp_path)
    assert (bar._bar.initial, bar._bar.n) == (120, 160)
