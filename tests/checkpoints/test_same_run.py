"""A resumed run is the run that was not stopped, bit by bit, whatever it is made of."""

from contextlib import suppress

import numpy as np
import pytest

from backends_here import backend_named
from bpnet import (
    Adam,
    Averaged,
    Callback,
    Conv2D,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    GaussianNoise,
    ImageDataGenerator,
    Input,
    Model,
    ModelCheckpoint,
    ReduceLROnPlateau,
    Sequential,
)
from checkpoints.runs import CtrlC, Stop, StoppedError, assert_same, in_pieces, outcome, whole

RNG = np.random.default_rng(8)
X = RNG.normal(size=(46, 6, 6, 1))
Y = (X[:, :3].mean(axis=(1, 2, 3)) > X[:, 3:].mean(axis=(1, 2, 3))).astype(int)
CHANGED = ImageDataGenerator(rotation_range=20, horizontal_flip=True)
STOPS = [(1, 0), (2, 1), (3, None)]


def images(backend="numpy", seed=2):
    layers = [
        Input((6, 6, 1)),
        Conv2D(3, 3, activation="relu"),
        GaussianNoise(0.1),
        Flatten(),
        Dropout(0.2),
        Dense(2, "softmax"),
    ]
    made = Sequential(layers, backend=backend, seed=seed)
    made.compile(Averaged(Adam(0.01), 0.9), "sparse_categorical_crossentropy", ["accuracy"])
    return made


WAYS = {
    "not shuffled, a rest": {"batch_size": 16, "shuffle": False},
    "steps of several passes": {"batch_size": 16, "steps_per_epoch": 5},
    "unshuffled steps that end within a pass": {"batch_size": 16, "steps_per_epoch": 4, "shuffle": False},
    "from the host": {"batch_size": 16, "data_on": "host"},
    "in parts": {"batch_size": 16, "micro_batch": 5},
    "in parts that it finds": {"batch_size": 16, "micro_batch": "auto"},
    "held out, with weights": {"batch_size": 16, "validation_split": 0.2, "sample_weight": RNG.uniform(0.5, 2.0, 46)},
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_training(way, tmp_path):
    def fit(model, **settings):
        model.fit(X, Y, verbose=0, **WAYS[way], **settings)

    assert_same(in_pieces(images, fit, 5, tmp_path, STOPS), whole(images, fit, 5))


def fit_flow(model, **settings):
    model.fit(CHANGED.flow(X, Y, 16, seed=5), verbose=0, **settings)


def test_a_flow_of_images(tmp_path):
    assert_same(in_pieces(images, fit_flow, 5, tmp_path, STOPS), whole(images, fit_flow, 5))


@pytest.mark.parametrize("way", ["steps of several passes", "from the host", "in parts", "a flow"])
@pytest.mark.parametrize("backend", ["numpy", "numba", "torch:cpu"])
def test_ctrl_c_within_an_epoch(way, backend, tmp_path):
    def fit(model, **settings):
        if way == "a flow":
            fit_flow(model, **settings)
        else:
            model.fit(X, Y, verbose=0, **WAYS[way], **settings)

    fit(images(backend), epochs=4, callbacks=[ModelCheckpoint(tmp_path), CtrlC(2, 1)])
    resumed = images(backend)
    fit(resumed, epochs=4, resume=tmp_path)
    assert_same(outcome(resumed), whole(lambda: images(backend), fit, 4))


@pytest.mark.parametrize("spec", ["emulated", "strict"])
@pytest.mark.parametrize("stop", [Stop(1), CtrlC(1, 0)])
def test_steps_on_an_emulated_gpu_and_by_the_standard_alone(stop, spec, tmp_path):
    def make():
        made = Sequential([Input((4,)), Dense(3, "tanh"), Dropout(0.3), Dense(2, "softmax")], backend=backend)
        made.compile(Adam(0.01), "sparse_categorical_crossentropy")
        return made

    def fit(model, **settings):
        model.fit(X[:20, :4, 0, 0], Y[:20], 8, verbose=0, **settings)

    backend = backend_named(spec)
    with suppress(StoppedError):
        fit(make(), epochs=3, callbacks=[ModelCheckpoint(tmp_path), stop])
    resumed = make()
    fit(resumed, epochs=3, resume=tmp_path)
    assert_same(outcome(resumed), whole(make, fit, 3))


def test_several_inputs_and_outputs(tmp_path):
    def make():
        a, b = Input((3,), name="a"), Input((3,), name="b")
        tower = Dense(4, "tanh")
        made = Model([a, b], [Dense(1, name="u")(tower(a)), Dense(1, name="v")(tower(b))], backend="numpy")
        made.compile("adam", "mse", loss_weights=[1.0, 0.5])
        return made

    def fit(model, **settings):
        x = {"a": X[:, 0, :3, 0], "b": X[:, 1, :3, 0]}
        model.fit(x, [X[:, 2, 0, 0], X[:, 2, 1, 0]], 16, verbose=0, **settings)

    assert_same(in_pieces(make, fit, 4, tmp_path, [(1, 1)]), whole(make, fit, 4))


def test_callbacks_go_on_with_what_they_knew(tmp_path):
    """The rate falls, and training ends, in the same epochs as without a stop."""

    def some():
        return [ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.05), EarlyStopping("loss", 0.02, 3)]

    def fit(model, **settings):
        model.fit(X, Y, 16, verbose=0, **settings)

    def alone(model, epochs):
        fit(model, epochs=epochs, callbacks=some())

    expected = whole(images, alone, 60)
    ended = len(expected[1]["loss"])
    assert 8 < ended < 60, "it ends early, so that something is tested"
    assert_same(in_pieces(images, fit, 60, tmp_path, [(2, 0), (5, None), (ended - 2, 1)], some), expected)


def test_a_second_fit_of_a_model_is_resumed_with_its_own_orders(tmp_path):
    def fit(model, **settings):
        model.fit(X, Y, 16, verbose=0, **settings)

    def trained():
        made = images()
        fit(made, epochs=2)
        return made

    expected = whole(trained, fit, 4)
    with pytest.raises(StoppedError):
        fit(trained(), epochs=4, callbacks=[ModelCheckpoint(tmp_path), Raises(2)])
    fresh = images()
    fit(fresh, epochs=4, resume=tmp_path)
    assert_same(outcome(fresh), expected)
    assert fresh.epochs_seen == 6


class Raises(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch):
        if epoch == self.epoch:
            raise StoppedError
