"""The facts that `bpnet doctor` gathers beside the backends: distributions, CUDA, threads, TF32, libraries."""

from __future__ import annotations

import ctypes
import json
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from backends_here import backend_named
from bpnet.cli.doctor import cuda, distributions, tf32, threads
from bpnet.cli.doctor.distributions import Distribution
from bpnet.cli.doctor.library import Known, Library, imported
from cli.doctor_runs import flat, report, run

# ---- distributions and CUDA


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (["cupy-cuda12x"], False),
        (["cupy-cuda12x", "cupy-xarray"], False),
        (["cupy-cuda12x", "cupy-cuda13x"], True),
        (["cupy", "cupy-rocm-5-0"], True),
    ],
)
def test_two_distributions_of_cupy_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, names: list[str], warned: bool
) -> None:
    monkeypatch.setattr(distributions, "installed", lambda: [Distribution(name, "13.4") for name in [*names, "numpy"]])
    found = report(BPNET_BACKEND="numpy")
    assert [each["name"] for each in found["cupy_distributions"]] == names
    mends = [each["mend"] for each in found["warnings"] if "bring the import cupy" in each["reason"]]
    assert [f"pip uninstall {' '.join(names)}, then install one" in mend for mend in mends] == [True] * warned
    assert ("Mend: pip uninstall" in run(BPNET_BACKEND="numpy").output) is warned


def test_installed_distributions_are_found_by_normalized_name() -> None:
    found = {each.name: each.version for each in distributions.installed()}
    assert found["numpy"] == np.__version__
    assert found["array-api-compat"]
    assert found["array-api-strict"], "its metadata say array_api_strict"


@pytest.mark.parametrize(
    ("driver", "cupy", "pytorch", "words"),
    [
        ("12.4", "12.9", "12.1", []),
        (None, None, None, []),
        (None, None, "13.0", []),
        ("13.0", "12.9", "13.0", ["CuPy uses CUDA 12.9 and PyTorch CUDA 13.0"]),
        ("12.4", "13.0", None, ["CuPy uses CUDA 13.0, but the driver supports CUDA 12.4 at most"]),
        ("12.4", "12.4", "13.0", ["CuPy uses CUDA 12.4 and", "PyTorch uses CUDA 13.0, but the driver"]),
        ("9.2", "10.2", "10.2", ["CuPy uses CUDA 10.2, but", "PyTorch uses CUDA 10.2, but"]),
    ],
)
def test_cuda_versions_that_do_not_fit_are_warned_of(
    driver: str | None, cupy: str | None, pytorch: str | None, words: list[str]
) -> None:
    found = cuda.cuda_warnings(driver, cupy, pytorch)
    assert len(found) == len(words)
    assert all(word in fault.reason and fault.mend for word, fault in zip(words, found, strict=True))


def test_cuda_warnings_reach_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "driver_version", lambda: Known("12.4"))
    monkeypatch.setattr(cuda, "cupy_version", lambda cupy: Known("12.4"))
    monkeypatch.setattr(cuda, "torch_version", lambda torch: Known("13.0"))
    result = run(BPNET_BACKEND="numpy")
    assert result.exit_code == 0
    assert "CuPy uses CUDA 12.4 and PyTorch CUDA 13.0" in flat(result)
    assert "Mend: install the CuPy of PyTorch's CUDA: pip install cupy-cuda13x" in flat(result)


@pytest.mark.parametrize(
    ("number", "status", "expected"),
    [(12040, 0, Known("12.4")), (13000, 0, Known("13.0")), (0, 999, "returned the error 999")],
)
def test_the_driver_tells_its_cuda_version(number: int, status: int, expected: Known | str) -> None:
    def get_version(pointer: Any) -> int:
        pointer._obj.value = number
        return status

    found = cuda.version_of_driver(SimpleNamespace(cuDriverGetVersion=get_version))
    assert found == expected or (isinstance(expected, str) and expected in str(found.missing))


def test_without_a_driver_there_is_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_here(name: str) -> None:
        raise OSError(f"{name}: not here")

    monkeypatch.setattr(ctypes, "CDLL", not_here)
    found = cuda.driver_version()
    assert found.value is None
    assert "no NVIDIA driver" in str(found)
    assert "not here" in str(found)


@pytest.mark.gpu
def test_with_a_driver_there_is_a_version() -> None:
    backend_named("torch:cuda")
    assert int(str(cuda.driver_version().value).partition(".")[0]) >= 11


def test_cupy_and_pytorch_tell_their_cuda_versions() -> None:
    runtime = SimpleNamespace(runtimeGetVersion=lambda: 12090)
    assert cuda.cupy_version(Library(SimpleNamespace(cuda=SimpleNamespace(runtime=runtime)))) == Known("12.9")
    broken = cuda.cupy_version(Library(SimpleNamespace()))
    assert "AttributeError" in str(broken.missing)
    with_cuda = SimpleNamespace(version=SimpleNamespace(cuda="13.0"), __version__="2.13")
    assert cuda.torch_version(Library(with_cuda)) == Known("13.0")
    without = SimpleNamespace(version=SimpleNamespace(cuda=None), __version__="2.13+cpu")
    assert cuda.torch_version(Library(without)).missing == "PyTorch 2.13+cpu was built without CUDA"
    for version in (cuda.cupy_version, cuda.torch_version):
        assert version(Library(None, "it is not installed")).missing == "it is not installed"


# ---- threads, TF32 and libraries


def test_threads_are_shown() -> None:
    found = report(BPNET_BACKEND="numpy", OMP_NUM_THREADS="3")["threads"]
    assert found["environment"]["OMP_NUM_THREADS"] == "3"
    assert found["torch"]["value"] == str(torch.get_num_threads())
    assert found["numpy_blas"]["value"]
    assert found["pools"] or found["pools_missing"]
    assert found["usable_cpus"] is None or 1 <= found["usable_cpus"] <= found["cpus"]
    assert "OMP_NUM_THREADS" not in report(BPNET_BACKEND="numpy")["threads"]["environment"]


def test_missing_libraries_leave_a_reason() -> None:
    nothing = Library(None, "it is not installed")
    found = threads.threads(nothing, nothing)
    assert found.pools_missing == found.torch.missing == "it is not installed"
    assert tf32.flags(nothing) == {}


class Warns29:
    """PyTorch 2.9, which warns where its older flags are used."""

    @property
    def allow_tf32(self) -> bool:
        warnings.warn("Please use the new API settings to control TF32 behavior", UserWarning, stacklevel=2)
        return False


def test_tf32_flags_are_read_and_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (True, False):
        monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", value)
        found = tf32.flags(Library(torch))
        assert found["torch.backends.cudnn.allow_tf32"] is value
        assert set(found) == {"torch.backends.cuda.matmul.allow_tf32", "torch.backends.cudnn.allow_tf32"}
    monkeypatch.setattr(torch.backends.cuda, "matmul", Warns29())
    assert tf32.flags(Library(torch))["torch.backends.cuda.matmul.allow_tf32"] is False
    assert "AttributeError" in str(tf32.flags(Library(SimpleNamespace(backends=None))))


@pytest.mark.gpu
def test_pytorch_on_cuda_leaves_tf32_off() -> None:
    backend_named("torch:cuda")
    assert set(report(BPNET_BACKEND="numpy")["tf32"]["now"].values()) == {False}


@pytest.mark.parametrize(("value", "warned"), [("1", True), ("0", False), ("", False), (None, False)])
def test_tf32_in_cupy_is_warned_of(monkeypatch: pytest.MonkeyPatch, value: str | None, warned: bool) -> None:
    # The variable itself is not set here: CuPy would read it, and keep it for the rest of the tests.
    variables = {"CUPY_TF32": value, "NVIDIA_TF32_OVERRIDE": None}
    monkeypatch.setattr(tf32, "environment", lambda: variables)
    found = report(BPNET_BACKEND="numpy")
    assert found["tf32"]["environment"] == variables
    assert ("unset CUPY_TF32" in [each["mend"] for each in found["warnings"]]) is warned


def test_tf32_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    monkeypatch.delenv("CUPY_TF32", raising=False)
    assert tf32.environment() == {"CUPY_TF32": None, "NVIDIA_TF32_OVERRIDE": "0"}


def test_a_library_that_cannot_be_imported_leaves_the_reason(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "doctor_broken.py").write_text("raise OSError('libcudart.so.12')\n")
    (tmp_path / "doctor_half.py").write_text("import doctor_other_half\n")
    assert imported("doctor_none").missing == "doctor_none is not installed"
    assert imported("doctor_broken").missing == "doctor_broken cannot be imported: OSError: libcudart.so.12"
    assert "cannot be imported: No module named 'doctor_other_half'" in str(imported("doctor_half").missing)
    assert imported("json").module is json
