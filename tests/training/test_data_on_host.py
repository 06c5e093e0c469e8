"""Data that stay on the host: the run of data on the device, bit for bit, a batch of memory at a time."""

import threading
import tracemalloc

import numpy as np
import pytest

from bpnet import (
    Adam,
    Callback,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ImageDataGenerator,
    Input,
    Model,
    OutOfMemoryError,
    Sequential,
)
from training.recorder import Recorder, ctrl_c

RNG = np.random.default_rng(7)
ROWS = 75
X, Y, WEIGHTS = RNG.normal(size=(ROWS, 4)), RNG.integers(0, 3, ROWS), RNG.uniform(0.5, 2, ROWS)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "bpnet-prefetch"]


def model(backend, optimizer=None):
    random = [] if optimizer == "lbfgs" else [Dropout(0.3)]
    layers = [Input((4,)), Dense(6, "relu"), *random, Dense(3, "softmax")]
    made = Sequential(layers, backend=backend, seed=2)
    made.compile(optimizer or Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return made


def same(device, host):
    assert device.history.history == host.history.history
    for ours, theirs in zip(device.get_weights(), host.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


SETTINGS = {
    "a smaller last batch": {},
    "weights": {"sample_weight": WEIGHTS, "class_weight": {1: 2.0}},
    "a share held out": {"validation_split": 0.3, "validation_batch_size": 10},
    "data held out": {"validation_data": (X[:33], Y[:33], WEIGHTS[:33]), "validation_batch_size": 16},
    "in their order": {"shuffle": False},
    "parts": {"micro_batch": 5},
    "more than the data in an epoch": {"steps_per_epoch": 7},
    "fewer": {"steps_per_epoch": 2, "shuffle": False},
    "one batch": {"batch_size": 500},
    "one sample at a time": {"batch_size": 1, "epochs": 1},
    "batches larger than the data, several": {"batch_size": 100, "steps_per_epoch": 2},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_same_run(backend, settings):
    """A second call too, which goes on with the captured steps of the first."""
    runs = {}
    for place in ("device", "host"):
        runs[place] = model(backend)
        for epochs in (2, 1):
            runs[place].fit(X, Y, data_on=place, **{"batch_size": 16, "epochs": epochs, "verbose": 0} | settings)
            assert all(np.isfinite(runs[place].history.history["loss"]))
    same(runs["device"], runs["host"])


def test_several_inputs_and_outputs(backend):
    a, b, kinds, sizes = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 2, 2, 1)), Y[:50], RNG.normal(size=50)
    runs = {}
    for place in ("device", "host"):
        left, right = Input((4,)), Input((2, 2, 1))
        h = Concatenate()([Dense(3, "tanh")(left), Flatten()(Conv2D(2, 2)(right))])
        outputs = [Dense(3, "softmax", name="kind")(h), Dense(1, name="size")(h)]
        made = runs[place] = Model([left, right], outputs, backend=backend)
        made.compile("adam", ["sparse_categorical_crossentropy", "mse"], {"kind": ["accuracy"]}, [0.5, 2.0])
        made.fit([a, b], [kinds, sizes], 16, 3, verbose=0, validation_split=0.2, data_on=place)
    same(runs["device"], runs["host"])


def test_other_types_and_layouts_are_read_as_they_are():
    x = np.asfortranarray((X * 10).astype(np.int16))[::-1]
    device, host = model("numpy"), model("numpy")
    device.fit(x, Y[::-1], 16, verbose=0)
    host.fit(x, Y[::-1], 16, verbose=0, data_on="host")
    same(device, host)


def test_steps_are_captured_as_often_as_on_the_device_and_only_batches_go_there():
    backend = Recorder()
    made = model(backend)
    backend.uploads.clear()
    made.fit(X, Y, 16, 3, verbose=0, data_on="host", validation_data=(X, Y), validation_batch_size=20)
    assert backend.captures == 2 + 2
    assert max(shape[0] for shape in backend.uploads if len(shape) == 2) == 20
    assert backend.groups() == [1] * 15
    backend.uploads.clear()
    made.evaluate(X, Y, batch_size=16)
    made.predict(X, batch_size=16)
    assert {shape[0] for shape in backend.uploads if len(shape) == 2} == {16, ROWS % 16}


def test_evaluate_gives_the_same_whether_data_are_kept_or_brought():
    made = model("numba")
    made.fit(X, Y, 16, verbose=0, validation_data=(X, Y), validation_batch_size=16)
    figures = made.evaluate(X, Y, batch_size=16, return_dict=True)
    assert made.history.history["val_loss"] == [figures["loss"]]
    assert made.history.history["val_accuracy"] == [figures["accuracy"]]


@pytest.mark.parametrize("spec", ["numpy", "numba"])
def test_a_memory_mapped_array_is_never_read_as_a_whole(spec, tmp_path):
    """NumPy reports what it allocates; the file's own pages are not among that."""
    path, rows, width = tmp_path / "x.npy", 20_000, 400
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, width))
    file[:] = RNG.normal(size=(rows, width))
    file.flush()
    x, y = np.load(path, mmap_mode="r"), np.arange(rows) % 2
    made = Sequential([Input((width,)), Dense(2, "softmax")], backend=spec)
    made.compile("sgd", "sparse_categorical_crossentropy")
    made.fit(x[:500], y[:500], 500, verbose=0, data_on="host")  # compiled code is not what is measured
    tracemalloc.start()
    try:
        made.fit(x, y, 500, verbose=0, data_on="host", validation_split=0.2)
        made.evaluate(x, y)
        made.predict(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 2


def test_the_host_is_chosen_where_the_backend_says_that_there_is_no_room(monkeypatch):
    monkeypatch.setattr("bpnet.run.SMALL", 100)
    needed = ROWS * (4 + 1) * 4
    for free, groups in ((needed, [1] * 5), (2 * needed, [1, 3, 1]), (None, [1, 3, 1])):
        backend = Recorder()
        backend.free_memory = lambda free=free: free
        model(backend).fit(X, Y, 16, verbose=0)
        assert backend.groups() == groups


class Small(Recorder):
    """Has no room for arrays of more than so many rows."""

    rows = 20

    def asarray(self, x, dtype):
        made = super().asarray(x, dtype)
        if made.ndim == 2 and len(made) > self.rows and made.shape[1] == 4:
            raise MemoryError("Unable to allocate all this.")
        return made


def test_the_host_is_chosen_where_the_upload_runs_out_of_memory():
    small, usual = model(Small()), model("numpy")
    for made in (small, usual):
        made.fit(X, Y, 16, 2, verbose=0)
    same(usual, small)


def test_an_upload_that_was_asked_for_fails_with_the_mend():
    made = model(Small())
    before = made.get_weights()
    with pytest.raises(
        OutOfMemoryError, match=r"data_on: the data need 1,500 bytes .*all this\).* Mend: data_on='host'"
    ) as caught:
        made.fit(X, Y, 16, verbose=0, data_on="device")
    assert isinstance(caught.value.__cause__, MemoryError)
    for ours, theirs in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    made.fit(X, Y, 16, verbose=0, data_on="host")


def test_lbfgs_needs_the_data_on_the_device():
    with pytest.raises(ValueError, match=r"data_on: 'host' was given, but LBFGS needs all samples"):
        model("numpy", optimizer="lbfgs").fit(X, Y, verbose=0, data_on="host")
    with pytest.raises(OutOfMemoryError, match=r"data_on: .* Mend: an optimizer that learns from batches"):
        model(Small(), optimizer="lbfgs").fit(X, Y, verbose=0)


@pytest.mark.parametrize("bad", ["gpu", "", 3, True, ["host"]])
def test_what_is_refused(bad):
    with pytest.raises(ValueError, match=r"data_on: .* was given, expected 'device', 'host' or None"):
        model("numpy").fit(X, Y, verbose=0, data_on=bad)


def test_a_flow_comes_from_the_host_anyway():
    images = ImageDataGenerator().flow(RNG.normal(size=(8, 2, 2, 1)), np.arange(8) % 2)
    made = Sequential([Input((2, 2, 1)), Flatten(), Dense(2, "softmax")], backend="numpy")
    made.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"data_on: a value was given with a flow of images"):
        made.fit(images, data_on="host", verbose=0)


def test_ctrl_c_and_errors_end_the_thread():
    class Ends(Callback):
        def __init__(self, end):
            self.end = end

        def on_batch_end(self, batch, samples):
            if batch == 2:
                self.end()

    made = model("numpy")
    history = made.fit(X, Y, 16, 9, verbose=0, data_on="host", callbacks=[Ends(ctrl_c)])
    assert history.interrupted
    assert history.epoch == []
    assert float(made.bind()[1].t) == 3
    with pytest.raises(ZeroDivisionError):
        made.fit(X, Y, 16, 9, verbose=0, data_on="host", callbacks=[Ends(lambda: 1 / 0)])
