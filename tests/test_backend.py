"""Which backend `load` gives, and what it says when it cannot give the one asked for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bpnet
from bpnet import backend as backend_module
from bpnet.backend import Backend, BackendFallbackWarning, float_dtype, load, make, registered
from bpnet_backends import nvidia

ROOT = Path(__file__).parents[1]


@pytest.fixture
def no_driver(monkeypatch):
    """A machine without an NVIDIA driver, whatever this one has."""

    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(nvidia.ctypes, "CDLL", refuse)
    for name in ("BPNET_BACKEND", "BPNET_DTYPE", "BPNET_STRICT"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_every_backend_has_the_nine_members(backend):
    assert isinstance(backend, Backend)
    x = backend.asarray([[1.0, 2.0]], "float64")
    assert backend.to_numpy(backend.xp.sum(x)) == 3.0
    assert callable(backend.fuse(lambda z: z))
    assert callable(backend.capture(lambda: None))
    backend.synchronize()


def test_asarray_and_to_numpy_share_no_memory(backend, dtype):
    host = np.arange(4, dtype=dtype)
    array = backend.asarray(host, dtype)
    host[0] = 9
    assert backend.to_numpy(array)[0] == 0
    copy = backend.to_numpy(array)
    array[...] = backend.asarray([5, 5, 5, 5], dtype)
    assert copy[1] == 1


def test_asarray_takes_what_numpy_takes(backend):
    for value in (np.arange(6).reshape(2, 3).T, np.arange(6)[::-2], [1, 2], range(3), 7, np.float32(2.5)):
        assert np.array_equal(backend.to_numpy(backend.asarray(value, "float64")), np.asarray(value, dtype="float64"))
    frozen = np.arange(3.0)
    frozen.flags.writeable = False
    assert backend.to_numpy(backend.asarray(frozen, "float32")).tolist() == [0, 1, 2]


def test_auto_takes_the_cpu_where_there_is_no_gpu_and_says_nothing(no_driver):
    assert load().name == "numba"
    assert load("auto").device == "CPU"


def test_auto_prefers_the_first_that_runs(monkeypatch):
    asked = []

    def only_torch(spec):
        asked.append(spec)
        if spec != "torch:cuda":
            raise RuntimeError("not here")
        return make("numpy")

    monkeypatch.setattr(backend_module, "make", only_torch)
    load("auto")
    assert asked == ["cupy", "torch:cuda"]


def test_a_laptop_asked_for_cupy_trains_on_the_cpu_and_is_told_why_and_what_to_do(no_driver):
    no_driver.setenv("BPNET_BACKEND", "cupy")
    with pytest.warns(BackendFallbackWarning, match=r"(?s)'cupy' cannot run here: no NVIDIA driver.*Mend:.*CPU"):
        chosen = load()
    assert chosen.name == "numba"


@pytest.mark.parametrize("spec", ["cupy", "cupy:1", "torch:cuda", "torch:cuda:0"])
def test_strict_raises_instead(no_driver, spec):
    with pytest.raises(RuntimeError, match="Mend:"):
        load(spec, strict=True)
    no_driver.setenv("BPNET_STRICT", "1")
    with pytest.raises(RuntimeError, match="no NVIDIA driver"):
        load(spec)
    with pytest.warns(BackendFallbackWarning):
        load(spec, strict=False)


def test_a_missing_library_is_a_fallback_too(no_driver):
    no_driver.setitem(sys.modules, "torch", None)  # makes `import torch` fail
    with pytest.warns(BackendFallbackWarning, match=r"PyTorch cannot be imported.*Mend: pip install"):
        assert load("torch:cpu").name == "numba"


def test_names_and_devices():
    assert load("numpy").name == "numpy"
    assert load("numpy:cpu").device == "CPU"
    torch = load("torch:cpu")
    assert (torch.name, torch.device) == ("torch", "CPU")
    assert load(torch) is torch
    assert {"numpy", "cupy", "torch"} <= set(registered())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nunpy", "Did you mean 'numpy'"),
        ("numpy:gpu", "runs on 'cpu' only"),
        ("torch:gpu", "'cpu', 'cuda' and 'cuda:N'"),
        ("cupy:first", "a GPU's number"),
    ],
)
def test_an_unknown_name_or_device_is_an_error_and_no_fallback(spec, message):
    with pytest.raises(ValueError, match=message):
        load(spec)


def test_something_that_is_no_backend():
    with pytest.raises(TypeError, match=r"backend: int was given"):
        load(3)


def test_the_float_type(monkeypatch):
    monkeypatch.delenv("BPNET_DTYPE", raising=False)
    assert float_dtype() == "float32"
    monkeypatch.setenv("BPNET_DTYPE", "float64")
    assert float_dtype() == "float64"
    assert bpnet.Sequential([bpnet.Dense(1, input_dim=2)], backend="numpy").get_weights()[0].dtype == np.float64
    assert float_dtype("float32") == "float32"
    with pytest.raises(ValueError, match=r"dtype: 'flaot32' is unknown. Did you mean 'float32'"):
        float_dtype("flaot32")


def test_a_wrong_value_of_bpnet_strict_is_named(no_driver):
    no_driver.setenv("BPNET_STRICT", "yes")
    with pytest.raises(ValueError, match=r"BPNET_STRICT: 'yes' was given"):
        load("cupy")


def test_a_backend_of_another_distribution_is_installed_and_trains(tmp_path):
    """The example of backends/README.md, installed from its folder as a user would."""
    example = ROOT / "backends" / "example"
    assert len((example / "bpnet_strict.py").read_text().splitlines()) < 60
    pip = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(tmp_path)]
    subprocess.run([sys.executable, "-m", *pip, str(example)], check=True)
    code = (
        "import bpnet, numpy as np\n"
        "model = bpnet.Sequential([bpnet.Dense(1, input_dim=2)])\n"
        "model.compile('sgd', 'mse')\n"
        "x = np.eye(2); history = model.fit(x, [1, 2], epochs=50, verbose=0).history['loss']\n"
        "assert history[-1] < 0.7 * history[0], history\n"
        "print(model.backend.name, type(model.network.theta).__module__)\n"
    )
    environment = {"PYTHONPATH": str(tmp_path), "BPNET_BACKEND": "strict", "BPNET_STRICT": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["strict", "array_api_strict._array_object"]


def test_a_saved_model_is_no_backend() -> None:
    with pytest.raises(ValueError, match=r"^backend: 'a\.safetensors' was given.* Mend: load_model"):
        load("a.safetensors")
