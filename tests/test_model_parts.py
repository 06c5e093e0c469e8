"""What a model is made of: one vector, names, tables, progress; and that a layer pickles."""

import copy
import pickle

import numpy as np
import pytest

from bpnet import L1, L1L2, L2, Activation, Adam, Dense, ElementwiseActivation, Elu, Input, LeakyRelu, Sequential
from bpnet.nn.op import OPS


def model(backend="numpy", **settings):
    layers = [
        Dense(3, "tanh", kernel_regularizer=L2(0.1)),
        Dense(2, use_bias=False, kernel_regularizer=L2(0.1)),
        Dense(4, "relu", kernel_regularizer=L1(0.2)),
        Dense(2, "softmax", name="output"),
    ]
    return Sequential([Input((5,)), *layers], backend=backend, **settings)


def test_weights_come_first_and_biases_after():
    layout = model().network.layout
    assert [(place.layer, place.parameter.name) for place in layout.places] == [
        (0, "w"), (1, "w"), (2, "w"), (3, "w"), (0, "b"), (2, "b"), (3, "b"),
    ]  # fmt: skip
    assert layout.decaying == 5 * 3 + 3 * 2 + 2 * 4 + 4 * 2
    assert layout.size == layout.decaying + 3 + 4 + 2
    assert [place.start for place in layout.places[1:]] == [place.stop for place in layout.places[:-1]]


def test_neighbours_with_one_penalty_are_one_slice():
    found = [(p.start, p.stop, p.l1, p.l2) for p in model().network.penalties]
    assert found == [(0, 21, 0.0, 0.1), (21, 29, 0.2, 0.0)]
    alike = Sequential([Input((2,)), *(Dense(2, kernel_regularizer=L1L2(0.1, 0.2)) for _ in range(3))], backend="numpy")
    assert [(p.start, p.stop) for p in alike.network.penalties] == [(0, 12)]


def test_summary(capsys):
    model().summary()
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines()]
    assert ["dense", "Dense", "tanh", "(samples,", "3)", "18"] in rows
    assert ["dense_1", "Dense", "linear", "(samples,", "2)", "6"] in rows
    assert ["output", "Dense", "softmax", "(samples,", "2)", "10"] in rows
    assert "46 parameters (37 of them weights), 184 bytes in float32 on numpy, CPU" in printed


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3, "gelu", kernel_initializer="he_normal"),
        Dense(2, LeakyRelu(0.3)),
        Dense(2, Elu(0.5)),
        Activation("softmax"),
    ],
)
def test_a_layer_pickles_before_and_after_it_is_bound(layer):
    for _ in range(2):
        twin = pickle.loads(pickle.dumps(layer))
        assert twin.name == layer.name
        again = Sequential([Input((4,)), twin], backend="torch:cpu", dtype="float64")
        used = Sequential([Input((4,)), copy.copy(layer)], backend="numpy", dtype="float64")
        x = np.linspace(-1, 1, 8).reshape(2, 4)
        np.testing.assert_allclose(again.predict(x), used.predict(x), rtol=1e-12)
        Sequential([Input((4,)), layer], backend="numpy").predict(x)  # binds it


def test_an_activation_of_the_users_own(backend):
    def squareplus(xp):
        return lambda z: (z + xp.sqrt(z * z + 4)) / 2, lambda y: y * y / (y * y + 1)

    network = Sequential([Input((1,)), Activation(ElementwiseActivation("squareplus", squareplus))], backend=backend)
    np.testing.assert_allclose(network.predict([[0.0], [1.5]])[:, 0], [1.0, 2.0], rtol=1e-6)


def test_moments_of_dead_units_become_zero_not_denormal(backend):
    """β₁ = 0.9 shrinks 1e-3 below 1e-30 within 600 updates; float32's denormals begin at 1.2e-38."""
    network = Sequential([Input((2,)), Dense(1)], backend=backend, dtype="float32")
    network.compile(Adam(1e-9), "mse")
    x, y = np.zeros((4, 2)), np.ones(4)  # zero inputs: the weights' gradient is 0 from the first update on
    m = network.bind()[1].moments[0]
    m[...] = backend.asarray([1e-3] * 3, "float32")
    network.fit(x, y, batch_size=4, epochs=1, steps_per_epoch=640, verbose=0)
    moment = backend.to_numpy(m)
    assert (moment[:2] == 0).all()
    assert moment[2] != 0


def test_a_kernel_takes_the_place_of_its_op_and_gets_the_same_arguments():
    from bpnet_backends.on_numpy import NumPyBackend

    calls = []

    def counted(name):
        def kernel(be, *args, **kwargs):
            calls.append(name)
            return OPS[name](be, *args, **kwargs)

        return kernel

    class WithKernels(NumPyBackend):
        kernels = {name: counted(name) for name in OPS}  # noqa: RUF012

    plain, fast = model(dtype="float64"), model(WithKernels(), dtype="float64")
    x, y = np.random.default_rng(0).normal(size=(9, 5)), np.arange(9) % 2
    for network in (plain, fast):
        network.compile(Adam(global_clipnorm=1.0), "sparse_categorical_crossentropy")
        network.fit(x, y, epochs=2, verbose=0)
    used = {"affine", "affine_grads", "affine_input_grad", "softmax_crossentropy", "one_hot", "reduce_loss"}
    assert used | {"clip_norm", "penalty", "add_penalty_grad"} <= set(calls)
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), fast.get_weights(), strict=True))


def test_verbose(capsys):
    x, y = np.ones((10, 5)), np.arange(10) % 2
    network = model()
    network.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    network.fit(x, y, epochs=2, validation_split=0.2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss ")
    assert all(word in lines[1] for word in ("accuracy", "held-out loss", "held-out accuracy", "samples/s"))
    network.fit(x, y, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    network.evaluate(x, y, verbose=1)
    assert capsys.readouterr().out.startswith("loss ")
