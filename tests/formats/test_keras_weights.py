"""Weights in the lists of Keras: the documented order and shapes, errors, and the same outputs where Keras is there."""

import numpy as np
import pytest

from bpnet import (
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    PReLU,
    Sequential,
)
from bpnet.formats import from_keras, to_keras
from formats.onnx_runs import with_random_weights


def images():
    layers = [
        Input((7, 6, 4)),
        Conv2D(6, (3, 2), groups=2),
        BatchNormalization(),
        DepthwiseConv2D(2, depth_multiplier=2, use_bias=False),
        PReLU(shared_axes=(1, 2)),
        LayerNormalization(),
        Flatten(),
        Dense(3),
    ]
    return Sequential(layers, backend="numpy", dtype="float64")


def words():
    return Sequential([Input((9,)), Embedding(5, 4), Conv1D(3, 2), Flatten(), Dense(2)], backend="numpy")


# Shapes of Keras 3.15's get_weights() for these layers, written down once.
SHAPES = {
    images: [(3, 2, 2, 6), (6,), (6,), (6,), (6,), (6,), (2, 2, 6, 2), (1, 1, 12), (12,), (12,), (192, 3), (3,)],
    words: [(5, 4), (2, 4, 3), (3,), (24, 2), (2,)],
}


@pytest.mark.parametrize("make", SHAPES)
def test_the_shapes_and_the_order(make):
    assert [array.shape for array in to_keras(make())] == SHAPES[make]


def test_of_a_batch_normalization_the_order_is_gamma_beta_mean_variance():
    model = Sequential([Input((2,)), BatchNormalization()], backend="numpy")
    from_keras(model, [[1, 2], [3, 4], [5, 6], [7, 8]])
    (p,) = model.network.p
    assert [p.gamma.tolist(), p.beta.tolist()] == [[1, 2], [3, 4]]
    assert [p.mean.tolist(), p.variance.tolist()] == [[5, 6], [7, 8]]


@pytest.mark.parametrize("make", SHAPES)
def test_there_and_back(make):
    model, other = with_random_weights(make(), 0), make()
    from_keras(other, to_keras(model))
    x = np.ones((2, *model.network.graph.inputs[0].shape))
    np.testing.assert_array_equal(model.predict(x), other.predict(x))


def test_what_does_not_fit_is_told_and_changes_nothing():
    model = words()
    before = to_keras(model)
    wrong = [array + 1 for array in before]
    with pytest.raises(ValueError, match="weights: 4 arrays came, but the model has 5"):
        from_keras(model, wrong[:-1])
    wrong[3] = wrong[3].T
    with pytest.raises(
        ValueError, match=r"layer 'dense': an array of shape \(2, 24\) came for its w, expected \(24, 2\)"
    ):
        from_keras(model, wrong)
    assert all(np.array_equal(a, b) for a, b in zip(before, to_keras(model), strict=True))


def test_a_layer_that_keras_has_not():
    class Scale(Dense):
        pass

    with pytest.raises(ValueError, match="layer 'scale': nothing is known of a Scale in Keras"):
        to_keras(Sequential([Input((3,)), Scale(2)], backend="numpy"))
