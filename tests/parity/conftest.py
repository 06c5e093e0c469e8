"""`agree`: one formula on one backend against the same formula on NumPy, and against PyTorch's autograd.

On backends that replay steps the formula is recorded or traced, and replayed, as in training; the reference on NumPy
runs as written.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from backends_here import backend_named
from bpnet.backend import Backend
from limits import LIMITS, relative
from parity.arrays import Agree, Results
from parity.replayed import CAPTURING, COMPILERS, through_capture, through_replay
from parity.table import PROPERTY, Measured

SEVERAL_UPDATES = ("optimizer", "schedule")
"""Their cases are rows of updates; as one step these would compile for minutes. Whole runs replay each update."""


@pytest.fixture
def agree(
    backend: Backend, dtype: str, record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Agree:
    """agree(kind, name, run, autograd): run(backend, dtype) near run(NumPy, float64) and near autograd()."""
    spec = request.node.callspec.params["backend"]

    def agree(kind: str, name: str, run: Callable[[Backend, str], Results], autograd: Callable[[], Results]) -> None:
        through = through_replay if spec in COMPILERS else through_capture if spec in CAPTURING else None
        here = through(run, backend, dtype) if through and kind not in SEVERAL_UPDATES else run(backend, dtype)
        references = {"NumPy float64": run(backend_named("numpy"), "float64"), "autograd": autograd()}
        found = []
        for against, reference in references.items():
            assert here.keys() == reference.keys()
            for direction, arrays in here.items():
                errors = [relative(a, b) for a, b in zip(arrays, reference[direction], strict=True)]
                error = float(np.max(errors))  # not a number if any of them is not
                found.append(Measured(kind, name, direction, spec, dtype, against, error, LIMITS[dtype]))
                record_property(PROPERTY, tuple(found[-1]))
        assert not [m for m in found if not m.ok]

    return agree
