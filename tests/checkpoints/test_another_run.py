"""A checkpoint of another run is an error that names the difference, and the model stays as it was."""

import numpy as np
import pytest

from bpnet import SGD, Dense, Flatten, ImageDataGenerator, Input, ModelCheckpoint, Sequential
from bpnet.formats.container import Content, write

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=24)
SETTINGS = {"x": X, "y": Y, "batch_size": 8, "shuffle": True, "micro_batch": None, "validation_data": (X[:5], Y[:5])}


def make(units=2, optimizer=None, **settings):
    made = Sequential([Input((3,)), Dense(units, "tanh"), Dense(1)], **{"backend": "numpy", **settings})
    made.compile(optimizer or SGD(0.01), "mse")
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("run")
    make().fit(**SETTINGS, epochs=2, verbose=0, callbacks=[ModelCheckpoint(where)])
    return where


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ({"seed": 3}, {}, "seed was 0, and 3 was given"),
        ({"dtype": "float64"}, {}, "dtype was 'float32', and 'float64' was given"),
        ({}, {"x": X[:20], "y": Y[:20]}, "samples was 24, and 20 was given"),
        ({}, {"batch_size": 4}, "batch_size was 8, and 4 was given"),
        ({}, {"steps_per_epoch": 2}, "samples of an epoch was 24, and 16 was given"),
        ({}, {"shuffle": False}, "shuffle was True, and False was given"),
        ({}, {"micro_batch": 4}, "micro_batch was None, and 4 was given"),
        ({}, {"validation_data": None}, "validation samples was 5, and None was given"),
        ({}, {"y": Y + 1}, "checksum of the data was"),
        ({}, {"sample_weight": np.full(24, 2.0)}, "checksum of the data was"),
        ({}, {"validation_data": (X[:5], Y[5:10])}, "checksum of the validation data was"),
    ],
)
def test_what_differs_is_named(model, settings, message, folder):
    other = make(**model)
    before = other.get_weights()
    with pytest.raises(ValueError, match=f"resume: the checkpoint is of another run: {message}.* Mend: "):
        other.fit(**{**SETTINGS, **settings}, epochs=3, verbose=0, resume=folder)
    assert other.history is None
    assert other.epochs_seen == 0
    for ours, theirs in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"units": 3}, "architecture: .*2.*3"),
        ({"optimizer": SGD(0.02)}, "compile: .*0.01.*0.02"),
        ({"optimizer": SGD(0.01, momentum=0.5)}, "compile: .*momentum.*0.0.*0.5"),
        ({"optimizer": "adam"}, "compile: .*SGD.*Adam"),
    ],
)
def test_so_is_another_model(model, message, folder):
    other = make(**model)
    before = other.get_weights()
    with pytest.raises(ValueError, match=message):
        other.fit(**SETTINGS, epochs=3, verbose=0, resume=folder)
    for ours, theirs in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_where_the_data_lie_does_not_matter(folder):
    resumed, whole = make(), make()
    resumed.fit(**SETTINGS, epochs=3, verbose=0, resume=folder, data_on="host")
    whole.fit(**SETTINGS, epochs=3, verbose=0)
    assert resumed.history.history == whole.history.history


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "flow seed was 0, and 1 was given"),
        ({"shuffle": False}, "flow shuffle was True, and False was given"),
        ({"rotation_range": 30}, "checksum of changed images"),
    ],
)
def test_of_a_flow(change, message, tmp_path):
    def fit(epochs, rotation_range=20, **settings):
        flow = ImageDataGenerator(rotation_range=rotation_range).flow(images, Y, 8, **settings)
        made = Sequential([Input((5, 5, 1)), Flatten(), Dense(1)], backend="numpy")
        made.compile("sgd", "mse")
        made.fit(flow, epochs=epochs, verbose=0, callbacks=[ModelCheckpoint(tmp_path)], resume=tmp_path)

    images = RNG.normal(size=(24, 5, 5, 1))
    fit(1)
    with pytest.raises(ValueError, match=f"resume: the checkpoint is of another run: {message}"):
        fit(2, **change)


@pytest.mark.parametrize("seed", range(6))
def test_of_a_flow_whose_changes_are_left_to_chance(seed, tmp_path):
    """Whether it flips does not show in an image that is not flipped."""

    def fit(**changes):
        flow = ImageDataGenerator(**changes).flow(images, Y, 8, seed=seed)
        made = Sequential([Input((5, 5, 1)), Flatten(), Dense(1)], backend="numpy")
        made.compile("sgd", "mse")
        made.fit(flow, epochs=2, verbose=0, callbacks=[ModelCheckpoint(tmp_path)], resume=tmp_path)

    images = RNG.normal(size=(24, 5, 5, 1))
    fit(horizontal_flip=True)
    with pytest.raises(ValueError, match="resume: the checkpoint is of another run: checksum of"):
        fit()


def test_a_model_without_a_run(tmp_path):
    model = make()
    write(tmp_path / "model.safetensors", Content("model", model.content().arrays, model.content().facts))
    with pytest.raises(ValueError, match=r"resume: .* holds a model and no run\. Mend: bpnet\.load_model"):
        model.fit(**SETTINGS, verbose=0, resume=tmp_path / "model.safetensors")
