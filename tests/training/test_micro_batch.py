"""A batch learned from in parts gives what the whole batch gives."""

import numpy as np
import pytest

from bpnet import (
    L2,
    Adam,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    ImageDataGenerator,
    Input,
    LayerNormalization,
    Model,
    Sequential,
)
from bpnet.nn.layer import Layer
from bpnet.nn.losses import SparseCategoricalCrossentropy
from bpnet.training.out_of_memory import is_out_of_memory

RNG = np.random.default_rng(4)
X, Y, WEIGHTS = RNG.normal(size=(50, 6, 6, 2)), RNG.integers(0, 3, 50), RNG.uniform(0.5, 2, 50)


def images(backend, *extra, loss="sparse_categorical_crossentropy", optimizer=None):
    convolution = Conv2D(4, 3, activation="tanh", kernel_regularizer=L2(0.01))
    layers = [Input((6, 6, 2)), convolution, *extra, Flatten(), LayerNormalization(), Dense(3, "softmax")]
    model = Sequential(layers, backend=backend, dtype="float64", seed=1)
    model.compile(optimizer or Adam(0.01), loss, ["accuracy"])
    return model


def assert_same(whole, parts):
    """Only the order of sums differs: of 16 terms in 12 updates, which Adam may enlarge a little."""
    for name, values in whole.history.history.items():
        np.testing.assert_allclose(parts.history.history[name], values, rtol=1e-11, err_msg=name)
    for ours, theirs in zip(parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("size", [1, 5, 8, 16, 100])
def test_the_same_run(backend, size):
    """Batches of 16, 16, 16 and 2, with random layers, a penalty and weights of samples."""
    runs = []
    for micro_batch in (None, size):
        model = images(backend, Dropout(0.3), GaussianNoise(0.1))
        model.fit(X, Y, 16, 3, verbose=0, sample_weight=WEIGHTS, micro_batch=micro_batch)
        runs.append(model)
    assert_same(*runs)


def test_masks_differ_between_samples_and_batches():
    """Parts that all drew the first part's masks would agree with each other, and not with the whole batch."""
    runs = []
    for micro_batch in (None, 4):
        model = images("numpy", Dropout(0.5))
        model.fit(np.tile(X[:1], (16, 1, 1, 1)), np.tile(Y[:1], 16), 8, 2, verbose=0, micro_batch=micro_batch)
        runs.append(model)
    assert_same(*runs)


def test_a_sum_loss():
    runs = [images("numba", loss=SparseCategoricalCrossentropy(reduction="sum")) for _ in range(2)]
    for model, micro_batch in zip(runs, (None, 6), strict=True):
        model.fit(X, Y, 16, 2, verbose=0, micro_batch=micro_batch)
    assert_same(*runs)


def test_several_outputs_and_a_random_layer_used_twice(backend):
    def model():
        left, right, dropout = Input((5,), name="left"), Input((5,), name="right"), Dropout(0.4)
        h = Concatenate()([dropout(left), dropout(right)])
        made = Model(
            [left, right], [Dense(1, name="a")(h), Dense(2, "softmax", name="b")(h)], backend=backend, dtype="float64"
        )
        made.compile("adam", {"a": "mse", "b": "sparse_categorical_crossentropy"}, {"b": ["accuracy"]}, [0.5, 2.0])
        return made

    x, a, b = RNG.normal(size=(2, 40, 5)), RNG.normal(size=40), RNG.integers(0, 2, 40)
    runs = [model(), model()]
    for each, micro_batch in zip(runs, (None, 7), strict=True):
        each.fit([x[0], x[1]], [a, b], 16, 3, verbose=0, micro_batch=micro_batch)
    assert_same(*runs)


def test_lbfgs():
    runs = [images("numpy", optimizer="lbfgs") for _ in range(2)]
    for model, micro_batch in zip(runs, (None, 9), strict=True):
        model.fit(X, Y, epochs=5, verbose=0, micro_batch=micro_batch)
    assert_same(*runs)


def test_a_flow():
    runs = [images("numpy", Dropout(0.2)) for _ in range(2)]
    for model, micro_batch in zip(runs, (None, 9), strict=True):
        model.fit(ImageDataGenerator(dtype="float64").flow(X, Y, 20), epochs=2, verbose=0, micro_batch=micro_batch)
    assert_same(*runs)


class Limited(Layer):
    """Fails, as a device without room would, on more than so many samples."""

    def __init__(self, most, error=MemoryError):
        super().__init__()
        self.most = most
        self.error = error
        self.seen = set()

    def output_shape(self, *inputs):
        return inputs[0]

    def forward(self, p, *x, train):
        if x[0].shape[0] > self.most:
            raise self.error("no room")
        self.seen.add(x[0].shape[0])
        return x[0], None

    def backward(self, p, saved, dy, g, *, need_dx):
        return (dy,)


class OutOfMemoryError(RuntimeError):
    """Has the name of PyTorch's and CuPy's."""


@pytest.mark.parametrize("error", [MemoryError, OutOfMemoryError])
def test_auto_halves_until_the_memory_is_enough(backend, error):
    limited = Limited(5, error)
    model, whole = images(backend, Dropout(0.3), limited), images(backend, Dropout(0.3), Limited(1000))
    model.fit(X, Y, 16, 2, verbose=0, micro_batch="auto")
    whole.fit(X, Y, 16, 2, verbose=0)
    assert limited.seen == {4, 2}  # 16, 8, 4; the last batch has 2
    assert_same(whole, model)


def test_auto_leaves_the_batch_whole_where_it_fits():
    limited = Limited(16)
    images("numpy", limited).fit(X, Y, 16, verbose=0, micro_batch="auto")
    assert limited.seen == {16, 2}


def test_auto_raises_where_not_even_one_sample_fits():
    with pytest.raises(MemoryError, match="no room"):
        images("numpy", Limited(0)).fit(X, Y, 16, verbose=0, micro_batch="auto")


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    with pytest.raises(RuntimeError, match="no room"):
        images("numpy", Limited(0, RuntimeError)).fit(X, Y, 16, verbose=0, micro_batch="auto")
    assert not is_out_of_memory(RuntimeError("memory"))


def test_what_is_refused():
    with pytest.raises(
        ValueError, match=r"micro_batch: 4 was given .*layer 'batch_normalization' normalizes over the batch"
    ):
        images("numpy", BatchNormalization()).fit(X, Y, 16, verbose=0, micro_batch=4)
    for bad in (0, -1, 2.5, "all", True):
        with pytest.raises(ValueError, match=r"micro_batch: .* was given, expected a whole number from 1"):
            images("numpy").fit(X, Y, 16, verbose=0, micro_batch=bad)
    images("numpy", BatchNormalization()).fit(X, Y, 16, verbose=0, micro_batch=16)
