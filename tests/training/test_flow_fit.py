"""`fit` on a flow of images: the run of `fit` on arrays where nothing is changed, and the same on every backend."""

from functools import cache

import numpy as np
import pytest

from backends_here import backend_named
from bpnet import L2, SGD, Adam, Callback, Conv2D, Dense, Flatten, ImageDataGenerator, Input, Sequential
from bpnet.nn.losses import SparseCategoricalCrossentropy
from terminal import terminal

RNG = np.random.default_rng(12)
X = RNG.normal(size=(50, 6, 6, 1))
Y = (X[:, :3].mean(axis=(1, 2, 3)) > X[:, 3:].mean(axis=(1, 2, 3))).astype(int)
WEIGHTS = RNG.uniform(0.5, 2.0, 50)
PLAIN = ImageDataGenerator(dtype="float64")
CHANGED = ImageDataGenerator(
    rotation_range=20, width_shift_range=0.2, zoom_range=0.1, horizontal_flip=True, samplewise_center=True
)


def model(backend, loss="sparse_categorical_crossentropy", optimizer=None, seed=0):
    layers = [
        Input((6, 6, 1)),
        Conv2D(3, 3, activation="tanh"),
        Flatten(),
        Dense(2, "softmax", kernel_regularizer=L2(0.1)),
    ]
    made = Sequential(layers, backend=backend, dtype="float64", seed=seed)
    made.compile(optimizer or Adam(0.01), loss, ["accuracy"])
    return made


def assert_same(a, b):
    """The same steps from the same numbers: only the products may add in another order, over 12 updates."""
    assert a.history.history.keys() == b.history.history.keys()
    for name, values in a.history.history.items():
        np.testing.assert_allclose(b.history.history[name], values, rtol=1e-12, err_msg=name)
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_a_flow_without_changes_is_training_on_the_arrays(backend, shuffle, weights):
    """Batches of 16, 16, 16 and 2; in a random order too, where the seeds are equal; and again on the kept step."""
    on_arrays, on_flow = model(backend, seed=3), model(backend, seed=3)
    flow = PLAIN.flow(X, Y, 16, shuffle, seed=3, sample_weight=weights)
    settings = {"validation_data": (X[:20], Y[:20]), "class_weight": {1: 2.0}, "verbose": 0}
    for epochs in (2, 1):
        on_arrays.fit(X, Y, 16, epochs, shuffle=shuffle, sample_weight=weights, **settings)
        on_flow.fit(flow, epochs=epochs, **settings)
        assert_same(on_arrays, on_flow)
    assert on_flow.history.history.keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}


@pytest.mark.parametrize(("batch_size", "steps"), [(16, 5), (64, None), (64, 2)])
def test_steps_per_epoch_and_batches_larger_than_the_data(batch_size, steps):
    loss = SparseCategoricalCrossentropy(reduction="sum")
    on_arrays, on_flow = model("numpy", loss, SGD(1e-3)), model("numpy", loss, SGD(1e-3))
    on_arrays.fit(X, Y, batch_size, 3, shuffle=True, steps_per_epoch=steps, verbose=0)
    on_flow.fit(PLAIN.flow(X, Y, batch_size, seed=0), epochs=3, steps_per_epoch=steps, verbose=0)
    assert_same(on_arrays, on_flow)


def test_the_same_curve_on_every_backend(backend):
    expected, here = _curve("numpy"), _run(backend)
    np.testing.assert_allclose(here, expected, rtol=1e-9)


@cache
def _curve(spec):
    return _run(backend_named(spec))


def _run(backend):
    made = model(backend)
    return made.fit(CHANGED.flow(X, Y, 16, seed=5), epochs=3, verbose=0).history["loss"]


def test_changed_images_make_another_run_and_a_second_fit_goes_on_with_new_ones():
    once, twice = model("numpy"), model("numpy")
    whole = once.fit(CHANGED.flow(X, Y, 16), epochs=4, verbose=0).history["loss"]
    halves = [twice.fit(CHANGED.flow(X, Y, 16), epochs=2, verbose=0).history["loss"] for _ in range(2)]
    np.testing.assert_allclose(np.concatenate(halves), whole, rtol=1e-12)
    plain = model("numpy").fit(PLAIN.flow(X, Y, 16), epochs=4, verbose=0).history["loss"]
    assert abs(plain[0] - whole[0]) > 1e-4


def test_callbacks_and_the_bar(monkeypatch):
    screen = terminal(monkeypatch)

    class Counts(Callback):
        def on_train_begin(self, epochs, samples):
            self.seen = [(epochs, samples)]

        def on_batch_end(self, batch, samples):
            self.seen.append((batch, samples))

        def on_epoch_end(self, epoch, logs):
            assert logs.keys() == {"loss", "accuracy"}
            self.model.stop_training = True

    counts = Counts()
    history = model("numpy").fit(CHANGED.flow(X, Y, 20), epochs=9, callbacks=[counts])
    assert history.epoch == [0]
    assert counts.seen == [(9, 50), (0, 20), (1, 20), (2, 10)]
    assert all(word in screen.getvalue() for word in ("epoch 1/9", "samples/s", "loss ", "accuracy "))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"y": Y}, r"y: a value was given with a flow of images, but the flow has the targets"),
        ({"batch_size": 8}, r"batch_size: .*generator\.flow\(x, y, batch_size=…\)"),
        ({"sample_weight": WEIGHTS}, r"sample_weight: .* the flow has the weights"),
        ({"shuffle": False}, r"shuffle: .* the flow has its own"),
        ({"validation_split": 0.2}, r"validation_split: .* Mend: validation_data="),
        ({"epochs": 0}, r"epochs: 0 was given"),
        ({"steps_per_epoch": 0}, r"steps_per_epoch: 0 was given"),
        ({"validation_data": (X[:, :5], Y)}, r"validation x: .*expects \(samples, 6, 6, 1\)"),
        ({"class_weight": {7: 1.0}}, r"class_weight: class 7 is not in y"),
    ],
)
def test_arguments_that_do_not_go_with_a_flow(settings, message):
    made = model("numpy")
    with pytest.raises(ValueError, match=message):
        made.fit(PLAIN.flow(X, Y), verbose=0, **settings)


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (lambda: PLAIN.flow(X), r"x: a flow without targets came.* Mend: generator\.flow\(x, y\)"),
        (lambda: PLAIN.flow(X[:, :5], Y), r"x: an array of shape \(50, 5, 6, 1\) came, but layer 'conv2d' expects"),
        (lambda: PLAIN.flow(X, Y + 5), r"y: "),
    ],
)
def test_flows_that_do_not_fit_the_model(flow, message):
    with pytest.raises(ValueError, match=message):
        model("numpy").fit(flow(), verbose=0)


def test_lbfgs_has_no_use_for_a_flow():
    with pytest.raises(ValueError, match="x: a flow of images came, but LBFGS needs the same samples in every epoch"):
        model("numpy", optimizer="lbfgs").fit(PLAIN.flow(X, Y), verbose=0)
