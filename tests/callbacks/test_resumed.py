"""A run with all callbacks at once that is stopped, within an epoch and between two, and resumed, is the whole run."""

import os
import signal

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bpnet import (
    Averaged,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from callbacks.scenes import X, Y, model
from checkpoints.runs import Stop, StoppedError, assert_same, outcome

STOPS = [(0, 1), (2, 0), (3, None), (4, 1)]


class CtrlC(Stop):
    def act(self):
        os.kill(os.getpid(), signal.SIGINT)


def callbacks(folder):
    return [
        LearningRateScheduler(lambda epoch, rate: rate * 1.5),
        ReduceLROnPlateau("val_loss", 0.5, 1, cooldown=2),
        EarlyStopping("val_loss", patience=4, restore_best_weights=True),
        CSVLogger(folder / "log.csv"),
        TensorBoard(folder, histogram_freq=1),
        TerminateOnNaN(),
    ]


def run(backend, folder, *others, **settings):
    """Rates that grow by half each epoch: it learns, and then unlearns until it is stopped."""
    folder.mkdir(exist_ok=True)
    trained, own = model(backend, "adam"), callbacks(folder)
    trained.learning_rate = 0.02
    history = trained.fit(X, Y, 20, 60, 0, [*others, *own], validation_split=0.25, **settings)
    return trained, own[2], history


def curves(folder):
    accumulator = EventAccumulator(str(folder / "train"), {"scalars": 0, "histograms": 0})
    accumulator.Reload()
    tags = accumulator.Tags()
    points = {tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in tags["scalars"]}
    for tag in tags["histograms"]:
        points[tag] = [(event.step, event.histogram_value) for event in accumulator.Histograms(tag)]
    return points


@pytest.mark.parametrize("stop", [Stop, CtrlC])
def test_it_is_the_same_run_and_leaves_the_same_files(on, tmp_path, stop):
    whole, expected, history = run(on, tmp_path / "whole")
    assert 6 < expected.stopped_epoch < 59, "it is stopped early, after all the stops of this test"
    assert expected.best_epoch > 0
    pieces = tmp_path / "pieces"
    for place in STOPS:
        checkpoint = ModelCheckpoint(pieces / "run")
        try:
            _, _, part = run(on, pieces, checkpoint, stop(*place), resume=pieces / "run")
        except StoppedError:
            assert stop is Stop
        else:
            assert part.interrupted
    resumed, stopping, _ = run(on, pieces, ModelCheckpoint(pieces / "run"), resume=pieces / "run")
    assert_same(outcome(resumed), outcome(whole))
    for name in ("best", "best_epoch", "stopped_epoch", "wait"):
        assert getattr(stopping, name) == getattr(expected, name)
    assert (pieces / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()
    assert (pieces / "log.csv").read_text().count("\n") == 1 + len(history.epoch)
    found, wanted = curves(pieces), curves(tmp_path / "whole")
    assert found == wanted
    assert np.shape(found["epoch_loss"]) == (len(history.epoch), 2)
    again, _, once_more = run(on, pieces, ModelCheckpoint(pieces / "run"), resume=pieces / "run")
    assert once_more.history == history.history, "what had ended is not trained again"
    assert_same(outcome(again), outcome(whole))


@pytest.mark.parametrize("optimizer", ["adam", Averaged("adam", 0.9), "lbfgs"])
def test_a_run_that_ended_with_its_best_weights_goes_on_from_its_last_ones(tmp_path, optimizer):
    """Three epochs are done and over, the best of them not the last; then there are to be six."""

    def fit(epochs, *others, **settings):
        trained, stopping = model(optimizer=optimizer), EarlyStopping("loss", mode="max", restore_best_weights=True)
        stopping.patience = 9
        trained.fit(X, Y, epochs=epochs, verbose=0, callbacks=[stopping, *others], **settings)
        return trained, stopping

    whole, _ = fit(6)
    short, stopping = fit(3, ModelCheckpoint(tmp_path))
    assert stopping.best_epoch == 0
    resumed, again = fit(6, ModelCheckpoint(tmp_path), resume=tmp_path)
    assert resumed.history.epoch == [0, 1, 2, 3, 4, 5]
    assert again.best_epoch == 0
    assert_same(outcome(resumed), outcome(whole))
    np.testing.assert_array_equal(short.get_weights()[0], whole.get_weights()[0])
