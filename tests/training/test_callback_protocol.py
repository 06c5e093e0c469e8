"""Callbacks are told in their order, and all of them of the end."""

import numpy as np
import pytest

from bpnet import Callback, Dense, Sequential
from bpnet.callbacks.progress import ProgressBar
from bpnet.sklearn import MLPRegressor
from bpnet.training.callbacks import checked, told

X, Y = np.eye(4), np.arange(4.0)


class Tells(Callback):
    def __init__(self, name, order, heard):
        self.name, self.order, self.heard = name, order, heard

    def on_train_begin(self, epochs, samples):
        self.heard.append(("begin", self.name))

    def on_epoch_end(self, epoch, logs):
        self.heard.append(("epoch", self.name))

    def on_train_end(self):
        self.heard.append(("end", self.name))


def some(heard):
    return [Tells("last", 100, heard), Tells("a", 0, heard), Tells("first", -1, heard), Tells("b", 0, heard)]


EXPECTED = [(what, name) for what in ("begin", "epoch", "end") for name in ("first", "a", "b", "last")]


def test_fit_tells_them_in_order_and_those_of_the_same_order_as_they_came():
    heard = []
    model = Sequential([Dense(1, input_dim=4)], backend="numpy")
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=some(heard))
    assert heard == EXPECTED


def test_so_do_the_estimators():
    heard = []
    MLPRegressor(hidden_layer_sizes=(2,), backend="numpy", callbacks=some(heard)).partial_fit(X, Y)
    assert heard == EXPECTED


def test_all_are_told_of_the_end_even_where_one_fails():
    class Fails(Callback):
        def on_train_end(self):
            raise OSError("no space left")

    heard = []
    with pytest.raises(OSError, match="no space left"), told([Fails(), *some(heard)[:2]], None, 1, 1):
        pass
    assert heard == [("begin", "last"), ("begin", "a"), ("end", "last"), ("end", "a")]


def test_a_callback_has_no_state_unless_it_says_so():
    assert Callback().state() == {}
    Callback().restore({})
    assert checked(None) == []


def test_the_bar_of_a_resumed_run_begins_where_the_run_goes_on(capsys):
    bar = ProgressBar()
    bar.on_train_begin(10, 50)
    bar.on_epoch_begin(7)
    assert (bar._bar.n, bar._bar.initial) == (350, 350)
    bar.on_batch_end(0, 50)
    bar.on_epoch_begin(8)
    assert (bar._bar.n, bar._bar.initial) == (400, 350)
    bar.on_train_end()
    assert "epoch 9/10" in capsys.readouterr().err


def test_a_method_of_keras_that_nobody_would_call_is_an_error_before_training():
    class FromKeras(Callback):
        def on_train_batch_end(self, batch, logs=None):
            """Would never be told."""

    model = Sequential([Dense(1, input_dim=4)], backend="numpy")
    model.compile("sgd", "mse")
    said = r"FromKeras has on_train_batch_end, .* Mend: on_batch_end\(batch, samples\)"
    with pytest.raises(ValueError, match=f"^callbacks: {said}"):
        model.fit(X, Y, verbose=0, callbacks=[FromKeras()])
    with pytest.raises(ValueError, match=said):
        MLPRegressor(callbacks=[FromKeras()], backend="numpy").fit(X, Y)
