"""A callback made of functions, and which callbacks look at batches."""

import pytest

from bpnet import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from bpnet.training.callbacks import want_every_batch
from callbacks.scenes import X, Y, model


def test_each_function_is_told_what_its_method_would_be():
    heard = []
    names = ("on_train_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_train_end")
    functions = {name: lambda *given, _name=name: heard.append((_name, *given)) for name in names}
    history = model().fit(X, Y, 40, 1, 0, [LambdaCallback(**functions)])
    assert heard == [
        ("on_train_begin", 1, 60),
        ("on_epoch_begin", 0),
        ("on_batch_end", 0, 40),
        ("on_batch_end", 1, 20),
        ("on_epoch_end", 0, {name: values[0] for name, values in history.history.items()}),
        ("on_train_end",),
    ]


def test_only_a_function_for_batches_has_steps_asked_for_one_by_one():
    assert not want_every_batch([LambdaCallback(on_epoch_end=print)])
    assert want_every_batch([LambdaCallback(on_batch_end=print)])
    assert not want_every_batch([LambdaCallback(on_batch_end=print, in_groups=True)])


def test_no_other_callback_looks_at_batches(tmp_path):
    others = [
        CSVLogger(tmp_path / "log.csv"),
        EarlyStopping(),
        LearningRateScheduler(lambda epoch, rate: rate),
        ReduceLROnPlateau(),
        TensorBoard(tmp_path),
        TerminateOnNaN(),
    ]
    assert not want_every_batch(others)


def test_what_is_no_function_is_an_error():
    with pytest.raises(ValueError, match="on_epoch_end: 'print' was given, expected a function"):
        LambdaCallback(on_epoch_end="print")
