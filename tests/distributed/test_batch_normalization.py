"""Batch normalization where a batch lies on several ranks: over all of it, or over each rank's own part."""

import numpy as np
import pytest

from bpnet import BatchNormalization, Dense, Layer, Sequential
from nets import IMAGES, ROWS, cnn, of
from runs import alone, close, on
from threads import on_ranks


def test_statistics_of_all_samples_are_those_of_one_process_with_unbiased_variance():
    one = alone(of(cnn, unbiased=True), *IMAGES, batch_size=10, epochs=1)
    for each in on(3, of(cnn, unbiased=True), *IMAGES, batch_size=10, epochs=1):
        close(each.state, one.state, 1e-12, "state")


def net(**settings):
    model = Sequential(
        [Dense(12, input_dim=12), BatchNormalization(momentum=0.5, **settings), Dense(4, "softmax")],
        backend="numpy",
        dtype="float64",
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_per_process_takes_the_statistics_of_its_own_samples():
    """One step, by hand: rank r normalizes rows 4 r … 4 r + 3, and the running statistics are the ranks' mean."""
    x, y = ROWS[0][:8], ROWS[1][:8]
    model = net()
    w = model.backend.to_numpy(model.network.p[0].w)
    z = x @ w
    parts = z[:4], z[4:]
    mean = np.mean([0.5 * part.mean(0) for part in parts], axis=0)
    variance = np.mean([0.5 + 0.5 * part.var(0) for part in parts], axis=0)
    for each in on(2, of(net, per_process=True), x, y, batch_size=8, shuffle=False):
        close(each.state, np.concatenate([mean, variance]), 1e-12, "state")


def test_per_process_sends_no_statistics():
    """A step has one sum, that of the gradient."""

    def work(communicator, **settings):
        net(**settings).fit(*ROWS, batch_size=25, verbose=0, distributed=communicator)
        return [shape for operation, shape in communicator.calls if operation == "all_reduce" and len(shape) > 1]

    assert on_ranks(2, lambda communicator: work(communicator, per_process=True)) == [[], []]
    shapes = [(1, 12), (1, 12), (2, 1, 12)]  # mean, variance; both sums of backward at once
    assert on_ranks(2, work) == [shapes * 3] * 2


def test_an_empty_share_does_not_move_the_running_statistics_of_its_process():
    """Rank 0 has none of the one sample: its statistics stay, (0, 1), and the mean with rank 1's is half-way."""
    model = net()
    z = ROWS[0][:1] @ model.backend.to_numpy(model.network.p[0].w)
    mean, variance = 0.5 * z[0], np.full(12, 0.5)
    expected = np.concatenate([mean / 2, (variance + 1) / 2])
    for each in on(2, of(net, per_process=True), ROWS[0][:1], ROWS[1][:1]):
        close(each.state, expected, 1e-12, "state")


class Centred(Layer):
    """A layer of the user's own, which knows nothing of processes."""

    mixes_samples = True

    def output_shape(self, *inputs):
        return inputs[0]

    def forward(self, p, *x, train):
        return x[0] - self.xp.mean(x[0], axis=0, keepdims=True), None

    def backward(self, p, saved, dy, g, *, need_dx):
        return (dy - self.xp.mean(dy, axis=0, keepdims=True),)


def test_a_layer_that_cannot_add_up_over_processes_is_refused():
    def work(communicator):
        model = Sequential([Dense(4, input_dim=12), Centred(), Dense(4, "softmax")], backend="numpy")
        model.compile("sgd", "sparse_categorical_crossentropy")
        with pytest.raises(ValueError, match=r"distributed: layer 'centred' .* Mend: "):
            model.fit(*ROWS, verbose=0, distributed=communicator)

    on_ranks(2, work)
