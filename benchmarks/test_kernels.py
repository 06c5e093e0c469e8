"""Each formula by itself against the number of samples N, on every backend: activations, losses, Adam, kernels.

A call is captured, as in a training step, and writes into arrays that exist before it.
"""

import numpy as np
import pytest

from bpnet import Adam, Dense, Input, Sequential
from bpnet.backend import make
from bpnet.nn.activations import ACTIVATIONS
from bpnet.nn.op import OPS
from bpnet.nn.window import window
from bpnet_benchmarks.contenders.on_bpnet import ALL

pytestmark = pytest.mark.benchmark(max_time=0.1, min_rounds=5)

SAMPLES = [32, 2_048, 65_536]
INPUTS, WIDTH = 64, 128
IMAGE, CHANNELS = 16, 16
"""Ops on images take N // 32 of 16 × 16 × 16: as many numbers as N vectors of WIDTH."""
SAME = window((IMAGE, IMAGE), (3, 3), (1, 1), (1, 1), "same")
HALVES = window((IMAGE, IMAGE), (2, 2), (2, 2), (1, 1), "valid")


def random(backend, *shape):
    """N(0, 1), float32, on the backend."""
    return backend.asarray(np.random.default_rng(0).normal(size=shape), "float32")


def shares(backend, n):
    """Rows that sum to 1."""
    rows = np.random.default_rng(1).random((n, WIDTH)) + 0.01
    return backend.asarray(rows / rows.sum(axis=1, keepdims=True), "float32")


def labels(backend, n):
    """A class of each row."""
    return backend.asarray(np.random.default_rng(2).integers(0, WIDTH, n), "int64")


def z(backend, n):
    """Logits (N, WIDTH)."""
    return random(backend, n, WIDTH)


def w(backend):
    """Weights (INPUTS, WIDTH)."""
    return random(backend, INPUTS, WIDTH)


def x(backend, n):
    """Inputs (N, INPUTS)."""
    return random(backend, n, INPUTS)


def images(backend, n, size=IMAGE):
    """N // 32 images."""
    return random(backend, n // 32, size, size, CHANNELS)


def filters(backend, count):
    """3 × 3, `count` of them, or so many a channel."""
    return random(backend, 3, 3, CHANNELS, count)


def pooled(backend, n):
    """Images and their maxima in squares of 2 × 2."""
    x = images(backend, n)
    return x, OPS["max_pool"](backend, x, HALVES)


ARGUMENTS = {
    "affine": lambda be, n: (x(be, n), w(be), random(be, WIDTH)),
    "affine_grads": lambda be, n: (x(be, n), z(be, n), w(be), random(be, WIDTH)),
    "affine_input_grad": lambda be, n: (z(be, n), w(be)),
    "softmax": lambda be, n: (z(be, n),),
    "softmax_grad": lambda be, n: (shares(be, n), z(be, n)),
    "softmax_crossentropy": lambda be, n: (shares(be, n), z(be, n)),
    "crossentropy": lambda be, n: (shares(be, n), shares(be, n)),
    "one_hot": lambda be, n: (labels(be, n), z(be, n)),
    "multiclass_hinge": lambda be, n: (shares(be, n), z(be, n), 1.0),
    "reduce_loss": lambda be, n: (random(be, n), z(be, n), None, 1 / n),
    "clip_norm": lambda be, n: (random(be, n * WIDTH), 1.0),
    "conv2d": lambda be, n: (images(be, n), filters(be, 16), random(be, 16), SAME, 1),
    "conv2d_grads": lambda be, n: (images(be, n), images(be, n), filters(be, 16), random(be, 16), SAME, 1),
    "conv2d_input_grad": lambda be, n: (images(be, n), filters(be, 16), SAME, 1),
    "depthwise_conv2d": lambda be, n: (images(be, n), filters(be, 1), random(be, 16), SAME),
    "depthwise_conv2d_grads": lambda be, n: (images(be, n), images(be, n), filters(be, 1), random(be, 16), SAME),
    "depthwise_conv2d_input_grad": lambda be, n: (images(be, n), filters(be, 1), SAME),
    "max_pool": lambda be, n: (images(be, n), HALVES),
    "max_pool_grad": lambda be, n: (*pooled(be, n), images(be, n, IMAGE // 2), HALVES),
    "average_pool": lambda be, n: (images(be, n), HALVES),
    "average_pool_grad": lambda be, n: (images(be, n, IMAGE // 2), HALVES),
}
"""What each op takes after the backend, for N samples."""


def made(contender):
    """bpnet's backend of this contender, or a skip that says why it cannot run here."""
    why_not = contender.why_not()
    if why_not is not None:
        pytest.skip(f"{contender.name}: {why_not}")
    return make(contender.spec)


def kernels():
    """Each backend with each of its kernels, and with softmax_crossentropy; the test says why one cannot run."""
    return [
        pytest.param(contender, name, id=f"{contender.spec}-{name}")
        for contender in ALL
        for name in sorted(
            {"softmax_crossentropy"} | (set() if contender.why_not() else {*make(contender.spec).kernels})
        )
    ]


@pytest.fixture(params=[pytest.param(contender, id=contender.spec) for contender in ALL])
def backend(request):
    """Each backend that runs here."""
    return made(request.param)


def timed(benchmark, backend, call):
    """Time `call` captured, its results written into arrays that exist before."""
    first = call()
    results = first if isinstance(first, tuple) else (first,)
    targets = [backend.xp.zeros_like(result) for result in results if result is not None]

    def step():
        found = call()
        found = found if isinstance(found, tuple) else (found,)
        for target, value in zip(targets, found, strict=False):
            target[...] = value

    captured = backend.capture(step)

    def run():
        captured()
        backend.synchronize()

    run()
    benchmark(run)


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_forward(benchmark, backend, name, samples):
    """y = f(z), (N, 128)."""
    bound, inputs = ACTIVATIONS[name].bind(backend), z(backend, samples)
    timed(benchmark, backend, lambda: bound.forward(inputs)[0])


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "step"])
def test_activation_backward(benchmark, backend, name, samples):
    """dz = dy f'(z), (N, 128)."""
    bound, inputs = ACTIVATIONS[name].bind(backend), z(backend, samples)
    _, kept = bound.forward(inputs)
    timed(benchmark, backend, lambda: bound.backward(kept, inputs))


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize(("contender", "name"), kernels())
def test_kernel(benchmark, contender, name, samples):
    """The op through the backend's kernel of its name, or its default."""
    backend = made(contender)
    if name not in ARGUMENTS or name not in OPS:
        pytest.skip(f"{name}: no arguments are known for this kernel; add them to ARGUMENTS")
    arguments = ARGUMENTS[name](backend, samples)
    kernel = backend.kernels.get(name, OPS[name])
    timed(benchmark, backend, lambda: kernel(backend, *arguments))


@pytest.mark.parametrize("width", [16, 1_024, 65_536])
def test_adam(benchmark, backend, width):
    """One update of 75·W + 10 parameters: 64-W-10."""
    model = Sequential([Input((64,)), Dense(width), Dense(10)], backend=backend, dtype="float32")
    model.compile(Adam(), "mse")
    _, optimizer = model.bind()
    model.network.grad[...] = random(backend, model.network.grad.shape[0])
    captured = backend.capture(optimizer.step)

    def run():
        captured()
        backend.synchronize()

    run()
    benchmark.extra_info["parameters"] = model.network.grad.shape[0]
    benchmark(run)
