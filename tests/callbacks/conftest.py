"""What the tests of callbacks share: the three backends of the CPU, and a model that learns in milliseconds."""

import pytest

from backends_here import backend_named
from bpnet.backend import Backend


@pytest.fixture(params=["numpy", "numba", "torch:cpu"])
def on(request: pytest.FixtureRequest) -> Backend:
    return backend_named(request.param)
