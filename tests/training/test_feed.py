"""Copies beside the steps, where a backend has page-locked memory and a stream for them: two buffers take turns."""

import threading

import numpy as np
import pytest

from bpnet import Adam, Callback, Dense, Flatten, ImageDataGenerator, Input, Sequential
from training.recorder import Recorder, ctrl_c

RNG = np.random.default_rng(8)
ROWS = 75
X, Y, WEIGHTS = RNG.normal(size=(ROWS, 4)), RNG.integers(0, 3, ROWS), RNG.uniform(0.5, 2, ROWS)


class Upload:
    """A copy that is done as soon, or as late, as it may be."""

    def __init__(self, source, target, late):
        self.lock, self.done = threading.Lock(), False
        self.source, self.target = source, target
        if not late:
            self.wait()

    def wait(self):
        with self.lock:
            if not self.done:
                self.target[...] = self.source
                self.done = True

    ready = wait


class Streaming(Recorder):
    """With the two methods; what is asked for is written down in `log`."""

    def __init__(self, late=True):
        super().__init__()
        self.late, self.log, self.buffers, self.under_way = late, [], [], []

    def pinned(self, shape, dtype):
        self.buffers.append(np.full(shape, 99, dtype))
        return self.buffers[-1]

    def upload(self, source, target):
        assert any(source is buffer for buffer in self.buffers), "only what is page-locked can be copied beside"
        assert source.shape == target.shape
        assert source.dtype == target.dtype
        self.log.append("upload")
        self.under_way.append(Upload(source, target, self.late))
        return self.under_way[-1]

    def capture(self, step):
        def noted():
            self.log.append("step")
            step()

        return super().capture(noted)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "bpnet-prefetch"]


def model(backend):
    made = Sequential([Input((4,)), Dense(6, "relu"), Dense(3, "softmax")], backend=backend, seed=2)
    made.compile(Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return made


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("batch_size", [1, 16, 25, 38, 100])
def test_the_run_of_data_on_the_device(late, weights, batch_size):
    """Of one batch, of two, of many, with a smaller last one and without."""
    here, there = model(Streaming(late)), model("numpy")
    for epochs in (2, 1):
        here.fit(X, Y, batch_size, epochs, verbose=0, sample_weight=weights, data_on="host")
        there.fit(X, Y, batch_size, epochs, verbose=0, sample_weight=weights)
        assert here.history.history == there.history.history
    for ours, theirs in zip(here.get_weights(), there.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_each_copy_is_asked_for_before_the_step_that_it_runs_beside():
    backend = Streaming()
    model(backend).fit(X, Y, 16, 2, verbose=0, data_on="host")
    x_and_y = ["upload"] * 2
    assert backend.log == [*x_and_y, *([*x_and_y, "step"] * 9), "step"]
    assert len(backend.buffers) == 2 * 2
    assert [buffer.dtype.name for buffer in backend.buffers] == ["float32", "int64"] * 2


def test_a_flow_goes_the_same_way():
    images, labels = RNG.normal(size=(20, 2, 2, 1)), np.arange(20) % 2
    runs = []
    for backend in (Streaming(), "numpy"):
        made = Sequential([Input((2, 2, 1)), Flatten(), Dense(2, "softmax")], backend=backend)
        made.compile("adam", "sparse_categorical_crossentropy")
        flow = ImageDataGenerator(horizontal_flip=True).flow(images, labels, batch_size=6)
        runs.append(made.fit(flow, epochs=3, verbose=0).history["loss"])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("end", [ctrl_c, lambda: 1 / 0])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_run_that_ends_early_waits_for_its_copies_and_for_its_thread(end, at):
    class Ends(Callback):
        def on_batch_end(self, batch, samples):
            if batch == at:
                end()

    backend = Streaming()
    made = model(backend)
    try:
        made.fit(X, Y, 16, 50, verbose=0, data_on="host", callbacks=[Ends()])
    except ZeroDivisionError:
        assert end is not ctrl_c
    else:
        assert made.history.interrupted
    assert all(upload.done for upload in backend.under_way)
