"""What a run asks of a backend that captures its steps: few captures, no new memory, no wait, and nothing frozen."""

import tracemalloc
from math import cos, floor, pi

import numpy as np
import pytest

from bpnet import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Averaged,
    Callback,
    CosineDecay,
    Dense,
    Dropout,
    ExponentialDecay,
    Input,
    InverseTimeDecay,
    Lion,
    Nadam,
    RMSprop,
    Sequential,
    StepDecay,
)
from bpnet.backend import make
from bpnet.nn.optimizers import ElementwiseOptimizer, Optimizer
from bpnet.nn.schedules import Constant, Schedule
from bpnet.sklearn.optimizers import EarlyAdam, Momentum
from training.recorder import Recorder

RNG = np.random.default_rng(9)
ROWS = 100
X, Y = RNG.normal(size=(ROWS, 4)), RNG.integers(0, 3, ROWS)
REPLAYING = pytest.mark.parametrize("spec", ["numpy", "numba"])

SCHEDULES = {
    "constant": (Constant(0.1), lambda t: 1.0),
    "inverse time": (InverseTimeDecay(0.1, 0.5, 3), lambda t: 1 / (1 + 0.5 * t / 3)),
    "exponential": (ExponentialDecay(0.1, 0.5, 6), lambda t: 0.5 ** (t / 6)),
    "steps": (StepDecay(0.1, 0.5, every=5), lambda t: 0.5 ** floor(t / 5)),
    "cosine": (CosineDecay(0.1, 40), lambda t: (1 + cos(pi * t / 40)) / 2),
}
OPTIMIZERS = {
    "sgd": SGD,
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "nesterov": lambda rate: SGD(rate, momentum=0.9, nesterov=True, weight_decay=0.1, global_clipnorm=0.5),
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "lion": Lion,
    "scikit-learn's adam": EarlyAdam,
    "scikit-learn's momentum": lambda rate: Momentum(rate, momentum=1.0, nesterov=True),
    "averaged": lambda rate: Averaged(Adam(rate), decay=0.9),
}


class Captures(Recorder):
    """Captures as the backend `spec` does."""

    def __init__(self, spec):
        super().__init__()
        self.under = make(spec)
        self.kernels = self.under.kernels

    def capture(self, step):
        self.captures += 1
        return self.under.capture(step)


class Each(Callback):
    """What `see` gives after each batch, an epoch at a time."""

    def __init__(self, see):
        self.see, self.seen = see, []

    def on_epoch_begin(self, epoch):
        self.seen.append([self.see()])

    def on_batch_end(self, batch, samples):
        self.seen[-1].append(self.see())


def model(backend, optimizer):
    layers = [Input((4,)), Dense(5, "tanh"), Dropout(0.2), Dense(3, "softmax")]
    made = Sequential(layers, backend=backend, dtype="float64", seed=1)
    made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return made


def fitted(backend, optimizer, *callbacks):
    """Batches of 16, of 4 at the end of an epoch."""
    made = model(backend, optimizer)
    made.fit(X, Y, 16, 3, verbose=0, callbacks=callbacks)
    return made


def assert_as_written(found, optimizer):
    """numba's kernels round otherwise than NumPy's functions: by 4 units in the last place, over 21 updates."""
    written = fitted(Recorder(), optimizer)
    for ours, theirs in zip(found.get_weights(), written.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    assert found.backend.captures == written.backend.captures == 2


@REPLAYING
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_followed_without_another_capture(spec, name):
    schedule, factor = SCHEDULES[name]
    made = model(Captures(spec), SGD(schedule))
    rates = Each(lambda: made.learning_rate)
    made.fit(X, Y, 16, 3, verbose=0, callbacks=[rates])
    expected = [0.1 * factor(t) for t in range(22)]
    found = rates.seen[0] + rates.seen[1][1:] + rates.seen[2][1:]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert_as_written(made, SGD(schedule))


@REPLAYING
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_follows_one(spec, name):
    """A rate that were frozen at its first value would move the weights twice as far."""
    optimizer = OPTIMIZERS[name](ExponentialDecay(0.01, 0.5, 6))
    assert_as_written(fitted(Captures(spec), optimizer), optimizer)


def test_a_rate_that_a_callback_sets_counts_without_another_capture():
    class Halves(Callback):
        def on_batch_end(self, batch, samples):
            self.model.learning_rate *= 0.5

    captured, written = (fitted(backend, Adam(0.1), Halves()) for backend in (Captures("numba"), Recorder()))
    assert captured.backend.captures == 2
    for ours, theirs in zip(captured.get_weights(), written.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


def test_all_schedules_and_optimizers_are_here():
    def leaves(kind):
        return {kind} if not kind.__subclasses__() else set().union(*map(leaves, kind.__subclasses__()))

    assert {type(schedule) for schedule, _ in SCHEDULES.values()} >= _ours(leaves(Schedule))
    made = {type(make_it(0.1)) for make_it in OPTIMIZERS.values()}
    assert made >= _ours(leaves(ElementwiseOptimizer))
    assert {kind for kind in _ours(leaves(Optimizer)) if kind.__name__ != "LBFGS"} <= made


def _ours(kinds):
    return {kind for kind in kinds if kind.__module__.startswith("bpnet.")}


@pytest.mark.parametrize("place", ["device", "host"])
def test_the_last_batch_has_a_plan_of_its_own_and_nothing_waits(place):
    backend = Recorder()
    made = model(backend, Adam())
    waits = Each(lambda: backend.waits)
    made.fit(X, Y, 16, 3, verbose=0, callbacks=[waits], data_on=place)
    assert backend.captures == 2
    plans = [plan for plan, _ in backend.plans]
    assert plans == [0, 0, 0, 0, 0, 0, 1] * 3 or plans == [1, 1, 1, 1, 1, 1, 0] * 3
    for epoch in waits.seen:
        assert epoch == [epoch[0]] * 8, "a batch waited for the device"


@REPLAYING
def test_after_the_first_epoch_nothing_is_sent_to_the_device_but_the_order(spec):
    backend = Captures(spec)
    made = model(backend, Adam())
    uploads = Each(lambda: len(backend.uploads))
    made.fit(X, Y, 16, 3, verbose=0, callbacks=[uploads])
    for epoch in uploads.seen[1:]:
        assert epoch[1:] == [epoch[0] + 1] * 7
    assert backend.uploads[-1] == (ROWS,)


def peaks(backend):
    """The most bytes that each step after the first two took beyond what there was before it."""
    rows, units = 4096, 64
    made = Sequential([Input((32,)), Dense(units, "relu"), Dropout(0.2), Dense(8, "softmax")], backend=backend)
    made.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])

    def taken():
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        before, taken.now = taken.now, now
        return peak - before

    x, y = np.ones((4 * rows, 32)), np.arange(4 * rows) % 8
    watch, taken.now = Each(taken), 0
    tracemalloc.start()
    try:
        made.fit(x, y, rows, 3, verbose=0, callbacks=[watch])
    finally:
        tracemalloc.stop()
    return [peak for epoch in watch.seen[1:] for peak in epoch[2:]]


def test_no_memory_is_taken_after_the_first_steps():
    """Of `numba` none but Python's own objects; some of NumPy's functions take room for one array of a small result."""
    written, numpy, numba = (max(peaks(backend)) for backend in (Recorder(), "numpy", "numba"))
    assert written > 4 * 4096 * 64 * 4, "a step as written holds several arrays: memory is counted"
    assert numpy < 4096 * 64 * 4 / 4
    assert numba < 2000
