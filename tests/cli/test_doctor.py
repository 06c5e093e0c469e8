"""`bpnet doctor`: what it shows, its exit code, and that nothing broken breaks it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import bpnet.backend
from bpnet.backend import Backend
from bpnet.cli.doctor import equality, examination, probes
from bpnet.cli.doctor.library import Library, imported
from bpnet_backends.on_numpy import NumPyBackend
from cli.doctor_runs import flat, report, run

SECTIONS = (
    "Versions",
    "Settings",
    "Backends",
    "Equality with NumPy",
    "CUDA",
    "TF32",
    "Threads",
    "Many processes",
    "Verdict",
)
BROKEN = "tell the authors of this backend, or uninstall it"


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without an NVIDIA driver, whatever this one has."""

    class WithoutDriver(ctypes.CDLL):
        def __init__(self, name: str | None, *rest: Any, **named: Any) -> None:
            if name in ("libcuda.so.1", "nvcuda.dll"):
                raise OSError(f"{name}: not here")
            super().__init__(name, *rest, **named)

    monkeypatch.setattr(ctypes, "CDLL", WithoutDriver)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Register a function as the backend `other`, beside NumPy's."""

    def register(make_other: Callable[[], Any]) -> None:
        real = bpnet.backend.make
        monkeypatch.setattr(bpnet.backend, "registered", lambda: ["numpy", "other"])
        monkeypatch.setattr(bpnet.backend, "make", lambda spec: make_other() if spec == "other" else real(spec))

    return register


def raising(error: Exception) -> Callable[[], Any]:
    def make_other() -> Any:
        raise error

    return make_other


# ---- what is shown, and how


def test_all_sections_are_shown_and_numpy_runs() -> None:
    result = run(BPNET_BACKEND="numpy")
    assert result.exit_code == 0, result.output
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]
    assert [title for title in titles if title != "Warnings"] == list(SECTIONS)
    assert "backend asked for numpy (BPNET_BACKEND)" in flat(result)
    assert "bpnet runs here, on numpy (CPU)." in flat(result)
    assert max(map(len, result.output.splitlines())) <= 100


def test_columns_are_aligned() -> None:
    lines = run(BPNET_BACKEND="numpy").output.splitlines()
    table = lines[lines.index("Equality with NumPy") + 1 :]
    column = table[0].index("verdict")
    rows = [line for line in table[: table.index("")] if "float64 " in line or "float32 " in line][:-1]
    assert rows
    assert all(row[column:] in ("equal", "NOT EQUAL") and row[column - 1] == " " for row in rows)


def test_json_has_every_fact() -> None:
    found = report(BPNET_BACKEND="numpy", BPNET_DTYPE="float64", BPNET_STRICT="1")
    assert found["ok"] is True
    assert found["problems"] == []
    assert set(found) == {"ok", "problems", "warnings", "versions", "asked", "backends", "equality"} | {
        "cupy_distributions",
        "cuda",
        "engines",
        "threads",
        "tf32",
    }
    asked = {key: found["asked"][key] for key in ("spec", "chosen", "device", "dtype", "strict")}
    assert asked == {"spec": "numpy", "chosen": "numpy", "device": "CPU", "dtype": "float64", "strict": True}
    assert {"cupy", "numpy", "torch:cuda", "torch:cpu"} <= {each["spec"] for each in found["backends"]}
    assert found["versions"]["numpy"] == np.__version__
    assert found["versions"]["torch"] == torch.__version__


def test_markdown_tables_have_as_many_cells_as_columns() -> None:
    result = run("--markdown", BPNET_BACKEND="numpy")
    assert result.exit_code == 0
    tables = [block.splitlines() for block in result.output.split("\n\n") if block.startswith("|")]
    assert len(tables) == len(SECTIONS) - 1  # the verdict has none
    for table in tables:
        assert set(table[1]) == {"|", "-", " "}
        assert {line.replace("\\|", "").count("|") for line in table} == {table[0].count("|")}
    assert "| backend asked for | numpy (BPNET_BACKEND) |" in result.output


def test_markdown_cells_are_escaped(third_party: Any) -> None:
    third_party(raising(RuntimeError("a | b < c. Mend: d")))
    assert "| other | not usable | a \\| b &lt; c.<br>Mend: d |" in run("--markdown", BPNET_BACKEND="numpy").output


def test_one_format_at_a_time() -> None:
    result = run("--json", "--markdown")
    assert result.exit_code == 2
    assert "--json and --markdown were both given" in result.output


# ---- the backend and the settings asked for


def test_the_option_goes_before_the_variable() -> None:
    result = run("--backend", "numpy:cpu", BPNET_BACKEND="nonsense")
    assert result.exit_code == 0
    assert "numpy:cpu (--backend)" in result.output
    assert result.output.count("numpy:cpu  float") == 2, "a device that no other row shows is compared too"


def test_auto_is_asked_for_where_nothing_is_named(no_driver: None) -> None:
    asked = report()["asked"]
    assert (asked["spec"], asked["source"], asked["chosen"]) == ("auto", "default", "numba")


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize(
    ("strict", "chosen"),
    [("0", "numba on CPU, in place of the one asked for"), ("1", "none: bpnet raises an exception")],
)
def test_a_backend_that_cannot_run_gives_reason_and_mend(strict: str, chosen: str) -> None:
    result = run(BPNET_BACKEND="cupy", BPNET_STRICT=strict)
    assert result.exit_code == 1
    problems = " ".join(result.output.partition("\nProblems\n")[2].split())
    assert "the backend 'cupy' cannot run here: no NVIDIA driver was found" in problems
    assert "Mend: install the driver of your GPU" in problems
    assert f"backend chosen {chosen}" in flat(result)


@pytest.mark.parametrize(
    ("environment", "reason", "mend"),
    [
        ({"BPNET_BACKEND": "nonsense"}, "backend: 'nonsense' is unknown. Known:", "Mend: ask for one of"),
        ({"BPNET_BACKEND": "numpi"}, "Did you mean 'numpy'?", "Mend: ask for one of"),
        ({"BPNET_BACKEND": "numpy:gpu"}, "the numpy backend runs on 'cpu' only", "Mend: ask for one of"),
        ({"BPNET_DTYPE": "float16"}, "BPNET_DTYPE: dtype: 'float16' is unknown.", "Mend: set BPNET_DTYPE to float32"),
        ({"BPNET_STRICT": "yes"}, "BPNET_STRICT: 'yes' was given", "Mend: set BPNET_STRICT to 0 or 1"),
    ],
)
def test_a_wrong_setting_is_a_problem(environment: dict[str, str], reason: str, mend: str) -> None:
    result = run(**{"BPNET_BACKEND": "numpy", **environment})
    assert result.exit_code == 1
    problems = " ".join(result.output.partition("\nProblems\n")[2].split())
    assert reason in problems
    assert mend in problems
    assert "Traceback" not in result.output
    assert [row["spec"] for row in report(**environment)["backends"]], "the rest of the report is there"


# ---- other backends


@pytest.mark.parametrize(
    ("error", "status", "reason", "mend"),
    [
        (AttributeError("no such thing"), "broken", "AttributeError: no such thing", BROKEN),
        (OSError("libother.so"), "broken", "OSError: libother.so", BROKEN),
        (ValueError(""), "broken", "ValueError:", BROKEN),
        (ImportError("no library. Mend: install it"), "not usable", "no library.", "install it"),
        (RuntimeError("no device"), "not usable", "no device", None),
    ],
)
def test_a_backend_that_raises_is_reported(
    third_party: Any, error: Exception, status: str, reason: str, mend: str | None
) -> None:
    third_party(raising(error))
    found = report(BPNET_BACKEND="numpy")
    (row,) = [row for row in found["backends"] if row["spec"] == "other"]
    assert found["ok"] is True, "nobody asked for it"
    assert (row["status"], row["fault"]) == (status, {"reason": reason, "mend": mend})


@pytest.mark.parametrize("error", [AttributeError("no such thing"), OSError("no such thing")])
def test_a_broken_backend_that_was_asked_for_is_a_problem(third_party: Any, error: Exception) -> None:
    third_party(raising(error))
    result = run(BPNET_BACKEND="other")
    assert result.exit_code == 1
    assert f"the backend 'other' is broken: {type(error).__name__}: no such thing" in flat(result)
    assert "none: bpnet raises an exception" in flat(result)


def test_what_a_backend_warns_of_is_reported(third_party: Any) -> None:
    def make_other() -> Backend:
        warnings.warn("the driver is old", UserWarning, stacklevel=1)
        return NumPyBackend()

    third_party(make_other)
    found = report(BPNET_BACKEND="numpy")
    assert "UserWarning: the driver is old" in [each["reason"] for each in found["warnings"]]


def test_cupy_is_tried_before_pytorch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real_make, real_import = bpnet.backend.make, imported

    def noted_make(spec: str) -> Backend:
        seen.append(spec)
        return real_make(spec)

    def noted_import(name: str) -> Library:
        seen.append(f"import {name}")
        return real_import(name)

    monkeypatch.setattr(bpnet.backend, "make", noted_make)
    monkeypatch.setattr(examination, "imported", noted_import)
    examination.examine("numpy")
    assert seen.index("cupy") < seen.index("import torch") < seen.index("torch:cpu")
    assert "torch:cuda" in seen


def test_torch_is_tried_on_both_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpnet.backend, "registered", lambda: ["aaa", "cupy", "numpy", "torch"])
    assert probes.specs() == (["cupy"], ["aaa", "numpy", "torch:cuda", "torch:cpu"])


def test_the_command_line_imports_no_gpu_library() -> None:
    code = "import sys, bpnet.cli.doctor; print(sorted({'torch', 'cupy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- equality


def test_every_backend_here_equals_numpy(backend: Backend) -> None:
    found = equality.checks(backend.name, backend)
    assert [check.dtype for check in found] == ["float64", "float32"]
    assert all(check.ok for check in found), found


class Perturbed(NumPyBackend):
    """NumPy, with every array that comes in off by a share of itself."""

    def __init__(self, share: float) -> None:
        self.share = share

    def asarray(self, x: Any, dtype: str) -> Any:
        exact = super().asarray(x, dtype)
        return exact if dtype == "int64" else exact * exact.dtype.type(1 + self.share)


@pytest.mark.parametrize(("share", "off"), [(1e-3, ["float64", "float32"]), (1e-9, ["float64"])])
def test_wrong_numbers_are_a_problem(third_party: Any, share: float, off: list[str]) -> None:
    third_party(lambda: Perturbed(share))
    result = run(BPNET_BACKEND="numpy")
    assert result.exit_code == 1
    found = [row for row in report(BPNET_BACKEND="numpy")["equality"] if row["spec"] == "other"]
    assert [row["dtype"] for row in found if row["fault"]] == off
    assert all(share / 10 < row["gradient_error"] < share * 1000 for row in found if row["fault"])
    assert result.output.count("NOT EQUAL") == len(off)
    assert f"other in {off[0]} is " in flat(result)
    assert "Mend: do not train on this backend" in flat(result)


class Odd(NumPyBackend):
    """NumPy, with `change` made to what comes back."""

    def __init__(self, change: Callable[[np.ndarray], Any]) -> None:
        self.change = change

    def to_numpy(self, x: Any) -> Any:
        return self.change(np.array(x)) if np.ndim(x) == 2 else np.array(x)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x * np.nan, "ValueError: values came that are not finite"),
        (lambda x: x[:, :1], "ValueError: an array of shape (32, 1) came, expected (32, 4)"),
        (lambda x: x.nonsense, "AttributeError"),
    ],
)
def test_what_cannot_be_compared_is_a_problem(third_party: Any, change: Any, reason: str) -> None:
    third_party(lambda: Odd(change))
    result = run(BPNET_BACKEND="numpy")
    assert result.exit_code == 1
    assert f"other in float32 could not be compared with NumPy: {reason}" in flat(result)
    assert report(BPNET_BACKEND="numpy")["ok"] is False, "and JSON can say it"
