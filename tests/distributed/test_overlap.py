"""The gradient in slices, sent while backward goes on: the same sums, begun from the last layer to the first."""

import numpy as np
import pytest

from bpnet import Dense, Dropout, Sequential
from bpnet.training import overlap
from nets import IMAGES, ROWS, cnn, of
from runs import alone, on, require_same
from threads import on_ranks

DEEP = [(12, 16), (16, 14), (14, 4)]
WEIGHTS = [i * o for i, o in DEEP]
BIASES = sum(o for _, o in DEEP)


def deep(spec):
    layers = [Dense(16, "relu", input_dim=12), Dense(14, "relu"), Dropout(0.2), Dense(4, "softmax")]
    model = Sequential(layers, backend=spec, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


@pytest.fixture(params=["numpy", "numba", "torch:cpu"])
def spec(request):
    return request.param


def test_slices_give_the_same_bits_as_one_vector(spec, monkeypatch):
    """Bits: the threads' sum is elementwise, in the order of the ranks."""
    whole = on(3, of(deep, spec), *ROWS, batch_size=8, epochs=2)
    monkeypatch.setattr(overlap, "LEAST", 8)
    sliced = on(3, of(deep, spec), *ROWS, batch_size=8, epochs=2)
    assert (sliced[0].theta == whole[0].theta).all()
    require_same(alone(of(deep, spec), *ROWS, batch_size=8, epochs=2), sliced)


def test_the_last_layer_goes_first_and_biases_last(spec, monkeypatch):
    """Once a step; the first step of numba, which is taken back and replayed, comes twice."""
    monkeypatch.setattr(overlap, "LEAST", 8)

    def work(communicator):
        begun, begin = [], communicator.begin_all_reduce

        def noted(vector):
            begun.append(int(vector.shape[0]))
            return begin(vector)

        communicator.begin_all_reduce = noted
        deep(spec).fit(*ROWS, batch_size=25, verbose=0, distributed=communicator)
        return begun

    for begun in on_ranks(2, work):
        assert begun == [WEIGHTS[2], WEIGHTS[1], WEIGHTS[0], BIASES] * (4 if spec == "numba" else 3)


def test_slices_have_at_least_their_size(monkeypatch):
    """The last two layers together, where the last alone is too small."""
    monkeypatch.setattr(overlap, "LEAST", 8 * (WEIGHTS[2] + 1))
    sent = []

    def work(communicator):
        begin = communicator.begin_all_reduce

        def noted(vector):
            sent.append(int(vector.shape[0]))
            return begin(vector)

        communicator.begin_all_reduce = noted
        deep("numpy").fit(*ROWS, batch_size=75, verbose=0, distributed=communicator)

    on_ranks(2, work)
    assert sorted(sent) == sorted(2 * [WEIGHTS[2] + WEIGHTS[1], WEIGHTS[0], BIASES])


def test_ranks_without_samples_send_zeros_in_slices(spec, monkeypatch):
    monkeypatch.setattr(overlap, "LEAST", 8)
    for make, data in ((deep, ROWS), (cnn, IMAGES)):
        options = {"batch_size": 3, "epochs": 1}
        require_same(alone(of(make, spec), *data, **options), on(4, of(make, spec), *data, **options))


def test_all_ranks_send_the_same_slices_where_only_some_learn_in_parts(monkeypatch):
    """Shares of 3, 3 and 4 samples, in parts of 3: the last rank has two parts, and with parts nothing overlaps."""
    monkeypatch.setattr(overlap, "LEAST", 8)
    options = {"batch_size": 10, "micro_batch": 3, "epochs": 1}
    require_same(alone(of(deep, "numpy"), *ROWS, **options), on(3, of(deep, "numpy"), *ROWS, **options))


class Late:
    """A sum that is there only when it is waited for, as of an engine that works beside the step."""

    def __init__(self, communicator, vector):
        self.communicator, self.vector = communicator, vector

    def wait(self):
        assert np.isfinite(np.asarray(self.vector)).all()
        self.communicator.all_reduce(self.vector)


def test_the_update_waits_for_the_sums(spec, monkeypatch):
    monkeypatch.setattr(overlap, "LEAST", 8)
    one = alone(of(deep, spec), *ROWS, batch_size=8, epochs=1)

    def work(communicator):
        communicator.begin_all_reduce = lambda vector: Late(communicator, vector)
        model = deep(spec)
        model.fit(*ROWS, batch_size=8, verbose=0, distributed=communicator)
        return model.backend.to_numpy(model.network.theta)

    for theta in on_ranks(2, work):
        assert np.abs(theta - one.theta).max() <= 1e-10
