"""Runs that end at a moment of the test's choice and are resumed; what they come to, to be compared bit by bit."""

from __future__ import annotations

import os
import signal

import numpy as np

from bpnet import Callback, ModelCheckpoint


class StoppedError(Exception):
    """The run was stopped."""


class Stop(Callback):
    """An exception in the middle of an epoch, or at its end, before anybody has written it."""

    def __init__(self, epoch, batch=None):
        self.epoch, self.batch, self.at = epoch, batch, 0

    def on_epoch_begin(self, epoch):
        self.at = epoch

    def on_batch_end(self, batch, samples):
        if self.batch is not None and (self.at, self.batch) == (self.epoch, batch):
            self.act()

    def on_epoch_end(self, epoch, logs):
        if self.batch is None and epoch == self.epoch:
            self.act()

    def act(self):
        raise StoppedError


class CtrlC(Stop):
    def act(self):
        os.kill(os.getpid(), signal.SIGINT)


def outcome(model):
    """All that a run leaves: the model's arrays and its history."""
    return model.content().arrays, model.history.history


def assert_same(resumed, whole):
    """Bit by bit."""
    (arrays, history), (expected, other) = resumed, whole
    assert history == other
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
        assert array.dtype == expected[name].dtype


def whole(make, fit, epochs):
    """A run without a stop; `fit(model, **settings)` trains."""
    model = make()
    fit(model, epochs=epochs)
    return outcome(model)


def in_pieces(make, fit, epochs, folder, stops, callbacks=lambda: []):
    """The same run, stopped at each of `stops` (epoch, batch or None) and resumed by a new model each time."""
    for stop in stops:
        try:
            fit(make(), epochs=epochs, callbacks=[*callbacks(), ModelCheckpoint(folder), Stop(*stop)], resume=folder)
        except StoppedError:
            pass
        else:
            raise AssertionError(f"the run was over before {stop}")
    model = make()
    fit(model, epochs=epochs, callbacks=[*callbacks(), ModelCheckpoint(folder)], resume=folder)
    return outcome(model)
