"""The torch backend on a GPU, on a stand-in: whole steps in graphs, and PyTorch's kernels for what ours leave to it."""

import numpy as np
import pytest
import torch

from bpnet import Adam, Conv2D, Dense, DepthwiseConv2D, Flatten, Input, MaxPooling2D, Sequential
from bpnet_backends.on_cuda.eager import backend_on
from bpnet_backends.on_torch import library
from bpnet_backends.on_torch.device import TorchDevice


def trained(backend, layers, shape):
    """The weights after two epochs, of which the second begins with a graph."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(16, *shape)), np.arange(16) % 3
    model = Sequential([Input(shape), *layers()], backend=backend)
    model.compile(Adam(), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    return model.get_weights()


def agree(first, second):
    """float32, added in another order."""
    return all(np.allclose(a, b, rtol=0, atol=1e-5) for a, b in zip(first, second, strict=True))


def dense():
    return [Dense(6, "tanh"), Dense(3, "softmax")]


def images():
    return [
        Conv2D(4, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        DepthwiseConv2D(2, use_bias=False),
        Conv2D(4, 2, strides=2, groups=2),
        Flatten(),
        Dense(3, "softmax"),
    ]


def test_a_model_trains_in_graphs_as_on_numpy(cuda):
    backend = backend_on(TorchDevice("cpu"), library.kernels("strict"))
    assert agree(trained(backend, dense, (5,)), trained("numpy", dense, (5,)))
    assert cuda.modes  # graphs were captured


def test_a_step_that_cannot_be_captured_is_launched_and_that_is_told(cuda):
    cuda.captures = False
    backend = backend_on(TorchDevice("cpu"), library.kernels("strict"))
    with pytest.warns(RuntimeWarning, match="cannot be captured as a CUDA graph .*operation not permitted"):
        weights = trained(backend, dense, (5,))
    assert agree(weights, trained("numpy", dense, (5,)))


@pytest.mark.parametrize("precision", ["strict", "tf32"])
def test_pytorchs_kernels_for_images_in_a_traced_step(cuda, precision, monkeypatch):
    cuda.captures = False  # what PyTorch computes on the CPU goes to no stream
    seen = []
    convolve = torch.conv2d

    def watched(*args):
        seen.append(torch.backends.cudnn.allow_tf32)
        return convolve(*args)

    monkeypatch.setattr(torch, "conv2d", watched)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    backend = backend_on(TorchDevice("cpu"), {})
    backend.kernels = library.kernels(precision)
    with pytest.warns(RuntimeWarning, match="cannot be captured"):
        weights = trained(backend, images, (7, 6, 2))
    assert agree(weights, trained("numpy", images, (7, 6, 2)))
    assert set(seen) == {precision == "tf32"}


def test_without_a_compiler_it_trains_step_by_step(cuda, monkeypatch):
    from bpnet_backends.on_cuda import eager

    monkeypatch.setattr(eager, "obstacle", lambda: "NVRTC cannot be loaded. Mend: pip install it")
    backend = backend_on(TorchDevice("cpu", "tf32"), library.kernels("tf32"), "tf32")
    told = r"one operation at a time.* in IEEE float32 instead of tf32: NVRTC cannot be loaded. Mend: pip install it"
    with pytest.warns(RuntimeWarning, match=told):
        weights = trained(backend, images, (7, 6, 2))
    assert agree(weights, trained("numpy", images, (7, 6, 2)))
    assert not cuda.modes
