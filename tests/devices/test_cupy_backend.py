"""The cupy backend on a stand-in for CuPy: `make` chooses, refuses and explains, and models train as on NumPy."""

import sys

import numpy as np
import pytest

from bpnet import Adam, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, Sequential
from bpnet.backend import Backend, load, make
from bpnet_backends.on_cuda import compiler, eager
from devices.fake_cupy import CUDARuntimeError


@pytest.mark.parametrize(("spec", "index"), [("cupy", 0), ("cupy:1", 1), ("cupy:cuda", 0), ("cupy:cuda:1", 1)])
def test_the_gpu_that_is_named_is_used(cupy, spec, index):
    backend = make(spec)
    assert isinstance(backend, Backend)
    assert (backend.name, backend.device) == ("cupy", f"GPU number {index} (CUDA 12.9)")
    assert cupy.used == index


def trained(spec):
    """The weights after three epochs."""
    x, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(2, "softmax")], backend=spec)
    model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=3, batch_size=8, validation_split=0.2, verbose=0)
    return model.get_weights()


def test_a_model_trains_in_graphs_as_on_numpy(cupy, cublaslt):
    for ours, expected in zip(trained("cupy"), trained("numpy"), strict=True):
        assert np.allclose(ours, expected, rtol=0, atol=1e-5)  # float32 in another order
    assert cupy.graphs > 0
    assert cupy.replays >= 3
    before = cupy.waits
    load("cupy").synchronize()
    assert cupy.waits == before + 1


@pytest.mark.parametrize("architecture", [80, 90])
def test_what_a_step_launches_is_cuda_to_nvrtc_too(cupy, cublaslt, architecture, monkeypatch, tmp_path):
    """The emulator's compiler takes C++ that NVRTC may not."""
    monkeypatch.setenv("BPNET_CACHE", str(tmp_path))
    layers = [Conv2D(4, 3, activation="gelu"), MaxPooling2D(2), BatchNormalization(), Flatten(), Dropout(0.2)]
    model = Sequential([Input((7, 6, 2)), *layers, Dense(8, "tanh"), Dense(3, "softmax")], backend="cupy")
    model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    x, y = np.random.default_rng(0).normal(size=(16, 7, 6, 2)), np.arange(16) % 3
    model.fit(x, y, epochs=1, batch_size=8, verbose=0)
    assert len(cupy.texts) > 1
    for text in cupy.texts:
        assert compiler.compiled(text, architecture).startswith(b"\x7fELF")


def test_without_a_compiler_it_trains_step_by_step_and_says_so_once(cupy, monkeypatch):
    def missing():
        raise ImportError("the package cuda-bindings cannot be imported. Mend: pip install it")

    monkeypatch.setattr(compiler, "_nvrtc", missing)
    with pytest.warns(RuntimeWarning, match="one operation at a time.* cuda-bindings cannot be .* Mend: pip") as caught:
        weights = trained("cupy")
    assert len(caught) == 1
    assert all(np.allclose(a, b, rtol=0, atol=1e-6) for a, b in zip(weights, trained("numpy"), strict=True))
    assert not cupy.graphs


def test_our_kernels_come_first_and_the_librarys_where_ours_decline(cupy):
    def ours(be, x):
        return x if x else NotImplemented

    kernel = eager._first(ours, lambda be, x: "theirs")
    assert (kernel(None, 1), kernel(None, 0)) == (1, "theirs")
    assert eager._first(ours, None) is ours
    assert eager._first(None, ours) is ours


def test_auto_takes_it(cupy, monkeypatch):
    monkeypatch.delenv("BPNET_BACKEND", raising=False)
    assert load("auto").name == "cupy"


@pytest.mark.parametrize("device", ["first", "1cuda", "cuda:", "-1"])
def test_a_device_that_does_not_exist_anywhere(cupy, device):
    with pytest.raises(ValueError, match="knows 'N' and 'cuda:N', a GPU's number"):
        make(f"cupy:{device}")


def test_a_gpu_that_this_machine_lacks(cupy):
    with pytest.raises(RuntimeError, match=r"GPU 2 was asked for, but this machine has 2 GPU\(s\). Mend:"):
        make("cupy:2")


def test_no_usable_gpu(cupy):
    def fail():
        raise CUDARuntimeError("cudaErrorInsufficientDriver")

    cupy.cuda.runtime.getDeviceCount = fail
    with pytest.raises(RuntimeError, match=r"no usable GPU \(cudaErrorInsufficientDriver\). Mend: check the driver"):
        make("cupy")


def test_tf32_is_refused(cupy, monkeypatch):
    monkeypatch.setenv("CUPY_TF32", "1")
    with pytest.raises(RuntimeError, match="Mend: unset CUPY_TF32"):
        make("cupy")


def test_cupy_is_not_installed(cupy, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match=r"CuPy cannot be imported.*Mend: pip install cupy-cuda12x or cupy-cuda13x"):
        make("cupy")
