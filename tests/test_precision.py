"""How precise matrix products are: who may ask for fewer bits, and what those get who cannot have it."""

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from bpnet import Dense, Input, Sequential
from bpnet import backend as backend_module
from bpnet.backend import PRECISIONS, BackendFallbackWarning, load, make, matrix_precision
from bpnet.cli import main
from bpnet_backends import nvidia


@pytest.fixture(autouse=True)
def no_driver(monkeypatch):
    """A machine without an NVIDIA driver, whatever this one has."""

    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(nvidia, "ctypes", SimpleNamespace(CDLL=refuse))
    for name in ("BPNET_BACKEND", "BPNET_DTYPE", "BPNET_STRICT", "BPNET_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_it_is_strict_unless_asked_for(no_driver):
    assert matrix_precision() == "strict"
    assert [matrix_precision(name) for name in PRECISIONS] == list(PRECISIONS)
    no_driver.setenv("BPNET_PRECISION", "bf16")
    assert matrix_precision() == "bf16"
    assert matrix_precision("tf32") == "tf32"
    with pytest.raises(ValueError, match=r"tf23.*Did you mean 'tf32'"):
        matrix_precision("tf23")


@pytest.mark.parametrize("spec", ["numpy", "numba", "torch:cpu", "numpy:cpu"])
def test_a_backend_of_the_cpu_knows_strict_only(spec, no_driver):
    name = spec.partition(":")[0]
    with pytest.raises(
        ValueError, match=f"precision: 'tf32' was given, but .*{name}.* knows 'strict' only. Mend: leave it"
    ):
        load(spec, precision="tf32")
    no_driver.setenv("BPNET_PRECISION", "bf16")
    with pytest.raises(ValueError, match="precision: 'bf16' was given"):
        Sequential([Input((2,)), Dense(1)], backend=spec)
    assert load(spec, precision="strict").device == "CPU"


@pytest.mark.parametrize("spec", ["cupy", "torch", "torch:cuda", "auto"])
def test_without_a_gpu_it_is_the_cpu_in_strict_and_that_is_told(spec):
    with pytest.warns(BackendFallbackWarning, match=r"(?s)no NVIDIA driver.*Using the CPU \(numba\).*strict.*of tf32"):
        assert load(spec, precision="tf32").name == "numba"
    with pytest.raises(RuntimeError, match="no NVIDIA driver"):
        load(spec, precision="tf32", strict=True)


def test_a_factory_that_knows_it_is_told(monkeypatch):
    given = []

    backend = load("numpy")

    class Entry:
        name, value = "numpy", "here"

        def load(self):
            return lambda device=None, precision="strict": given.append((device, precision)) or backend

    monkeypatch.setattr(backend_module, "_declared", lambda: [Entry()])
    make("numpy:cpu", "tf32")
    make("numpy")
    assert given == [("cpu", "tf32"), (None, "strict")]


def test_float64_is_strict():
    with pytest.raises(ValueError, match=r"precision: 'tf32' was given with float64, expected 'strict'. Mend:"):
        Sequential([Input((2,)), Dense(1)], backend="cupy", dtype="float64", precision="tf32")


def test_a_backend_that_is_made_has_its_precision():
    with pytest.raises(
        ValueError, match=r"made already, expected None. Mend: backend=load\('numpy', precision='tf32'\)"
    ):
        Sequential([Input((2,)), Dense(1)], backend=load("numpy"), precision="tf32")


def test_the_command_takes_it():
    result = CliRunner().invoke(main, ["train", "xor", "--backend", "numpy", "--precision", "tf32", "--no-plot"])
    assert result.exit_code == 2
    assert "Error: precision: 'tf32' was given, but the numpy backend knows 'strict' only" in result.output
    result = CliRunner().invoke(main, ["train", "xor", "--dtype", "float64", "--precision", "tf32", "--no-plot"])
    assert "expected 'strict'" in result.output
