"""What every test may ask for: `backend` and `dtype`, each test once for each of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import torch

from backends_here import SPECS, backend_named
from bpnet.backend import DTYPES, Backend
from parity import table
from skipped import account


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--parity-table",
        action="store_true",
        help="end with a table of the errors that tests/parity measured (with -s it is printed anyway)",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    table.show(terminalreporter)
    for line in account(terminalreporter):
        terminalreporter.write_line(line)


TOO_LONG = ("recipes/",)
"""Whole trainings, which take the emulated GPU minutes; their layers and steps are tested on it one by one."""

IN_FLOAT64_ONLY = ("parity/test_optimizers", "parity/test_objectives", "parity/test_whole_runs", "parity/test_lbfgs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The emulated GPU is slow, and compiles each step: long runs are left out, and a float type where one will do."""
    dropped = [item for item in items if isinstance(item, pytest.Function) and _shows_no_more(item)]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in set(dropped)]


def _shows_no_more(item: pytest.Function) -> bool:
    given = item.callspec.params if hasattr(item, "callspec") else {}
    if "emulated" not in [given[name] for name in ("backend", "spec") if name in given]:
        return False
    where = item.path.as_posix()
    if any(name in where for name in TOO_LONG):
        return True
    unwanted = "float32" if any(name in where for name in IN_FLOAT64_ONLY) else "float64" if "/replay/" in where else ""
    return given.get("dtype") == unwanted


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage needs to go through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """The arrays here are small: PyTorch's threads would only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", params=SPECS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend; those that need a GPU are skipped where there is none."""
    return backend_named(request.param)


@pytest.fixture(scope="session", params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    """Each float type."""
    return str(request.param)
