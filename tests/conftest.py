"""What every test may ask for: `backend` and `dtype`, each test once for each of them."""

from __future__ import annotations

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
