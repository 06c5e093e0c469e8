"""What every test may ask for: `backend` and `dtype`, each test once for each of them."""

from __future__ import annotations

import pytest

from backends_here import SPECS, backend_named
from bpnet.backend import DTYPES, Backend
from parity.table import pytest_terminal_summary as pytest_terminal_summary


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--parity-table",
        action="store_true",
        help="end with a table of the errors that tests/parity measured (with -s it is printed anyway)",
    )


@pytest.fixture(scope="session", params=SPECS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend; those that need a GPU are skipped where there is none."""
    return backend_named(request.param)


@pytest.fixture(scope="session", params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    """Each float type."""
    return str(request.param)
