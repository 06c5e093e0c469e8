"""Nothing waits for the device inside an epoch: every way from the device to the host is counted."""

import array_api_strict
import numpy as np
import pytest

from bpnet import (
    Adam,
    Add,
    Callback,
    CSVLogger,
    Dense,
    EarlyStopping,
    Input,
    LearningRateScheduler,
    Model,
    ReduceLROnPlateau,
    Sequential,
    TensorBoard,
    TerminateOnNaN,
)
from bpnet_strict import StrictBackend

CONVERSIONS = ("__float__", "__bool__", "__int__", "__index__", "__complex__", "__array__", "__buffer__")


class CountingBackend(StrictBackend):
    """array-api-strict, counting each conversion of an array into something of the host."""

    name = "counting"

    def __init__(self):
        self.waits = 0
        self.steps_captured = 0

    def synchronize(self):
        self.waits += 1

    def capture(self, step):
        self.steps_captured += 1
        return step


@pytest.fixture
def counting(monkeypatch):
    backend = CountingBackend()
    array_type = type(array_api_strict.asarray(0.0))
    for name in CONVERSIONS:
        original = getattr(array_type, name, None)
        if original is None:
            continue

        def counted(self, *args, _original=original, **kwargs):
            backend.waits += 1
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(array_type, name, counted)
    return backend


class Watch(Callback):
    """The counter after each batch, an epoch at a time."""

    def __init__(self, backend):
        self.backend = backend
        self.epochs = []

    def on_epoch_begin(self, epoch):
        self.epochs.append([self.backend.waits])

    def on_batch_end(self, batch, samples):
        self.epochs[-1].append(self.backend.waits)


def fitted(backend, rows):
    rng = np.random.default_rng(0)
    model = Sequential([Input((4,)), Dense(5, "relu"), Dense(3, "softmax")], backend=backend)
    model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    watch = Watch(backend)
    model.fit(
        rng.normal(size=(rows, 4)), rng.integers(0, 3, rows), batch_size=8, epochs=3, verbose=0, callbacks=[watch],
        sample_weight=rng.uniform(1, 2, rows), validation_split=0.25,
    )  # fmt: skip
    return watch


def fitted_with_two_inputs_and_outputs(backend, rows):
    rng = np.random.default_rng(0)
    a, b = Input((4,)), Input((4,))
    tower = Dense(5, "relu")
    h = Add()([tower(a), tower(b)])
    model = Model([a, b], [Dense(3, "softmax", name="kind")(h), Dense(1, name="size")(h)], backend=backend)
    model.compile(Adam(), ["sparse_categorical_crossentropy", "mse"], {"kind": ["accuracy"]}, [0.5, 2.0])
    watch = Watch(backend)
    model.fit(
        [rng.normal(size=(rows, 4)), rng.normal(size=(rows, 4))], [rng.integers(0, 3, rows), rng.normal(size=rows)],
        batch_size=8, epochs=3, verbose=0, callbacks=[watch], sample_weight=rng.uniform(1, 2, rows),
        validation_split=0.25,
    )  # fmt: skip
    return watch


def fitted_with_every_callback(backend, rows, folder):
    rng = np.random.default_rng(0)
    model = Sequential([Input((4,)), Dense(5, "relu"), Dense(3, "softmax")], backend=backend)
    model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    watch = Watch(backend)
    others = [
        EarlyStopping("loss", patience=9, restore_best_weights=True), ReduceLROnPlateau("loss"), TerminateOnNaN(),
        LearningRateScheduler(lambda epoch, rate: 0.9 * rate), CSVLogger(folder / "log.csv"),
        TensorBoard(folder, histogram_freq=1),
    ]  # fmt: skip
    callbacks = [watch, *others, watch]
    model.fit(rng.normal(size=(rows, 4)), rng.integers(0, 3, rows), 8, 3, 0, callbacks)
    return watch


def test_no_callback_makes_a_batch_wait(counting, tmp_path):
    watch = fitted_with_every_callback(counting, 80, tmp_path)
    batches = [epoch for epoch in watch.epochs if len(epoch) > 1]
    assert [len(epoch) for epoch in batches] == [1 + 2 * 10] * 3
    for epoch in batches:
        assert epoch == [epoch[0]] * len(epoch), "a callback waited for the device"


@pytest.mark.parametrize("fitted", [fitted, fitted_with_two_inputs_and_outputs])
def test_no_wait_between_the_first_and_the_last_batch_of_an_epoch(counting, fitted):
    watch = fitted(counting, 100)
    assert [len(epoch) for epoch in watch.epochs] == [1 + 10] * 3  # 75 rows: nine batches of 8, one of 3
    for epoch in watch.epochs:
        assert epoch == [epoch[0]] * len(epoch), "a batch waited for the device"
    assert watch.epochs[1][0] > watch.epochs[0][-1], "the counter does not count: the epoch's end must read the totals"


def test_waits_do_not_grow_with_the_number_of_batches(counting):
    few = fitted(counting, 40)
    used_by_few = counting.waits
    counting.waits = 0
    many = fitted(counting, 400)
    assert len(many.epochs[0]) > 5 * len(few.epochs[0])
    assert counting.waits == used_by_few


def test_one_step_is_captured_for_full_batches_one_for_the_last_and_one_to_measure_what_is_held_out(counting):
    fitted(counting, 100)
    assert counting.steps_captured == 3
    counting.steps_captured = 0
    fitted(counting, 64)
    assert counting.steps_captured == 2
