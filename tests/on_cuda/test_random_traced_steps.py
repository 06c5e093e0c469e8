"""The random steps of tests/replay, traced: whatever is read and written, the replay is the step, shortened or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bpnet.backend import make
from on_cuda.interpreted import Interpreted
from replay import test_random_steps as random_steps

CALLS = 3


def cumulated(xp: Any, a: Any, m: Any) -> Any:
    """In place of a function that has no rule."""
    return xp.roll(a, 1, axis=0)


@settings(max_examples=80, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(step=random_steps.steps(), dtype=st.sampled_from(["float64", "float32"]), shortened=st.booleans())
def test_a_random_step_is_replayed(step: Any, dtype: str, shortened: bool) -> None:
    """Within roundings: NumPy adds in another order where an intermediate result lies in columns."""
    n, k, program = step
    plain, backend = make("numpy"), Interpreted(shortened=shortened)
    expected, found = (random_steps.memory(each, n, k, dtype) for each in (plain, backend))
    with pytest.MonkeyPatch.context() as patch:
        own = list(random_steps.OWN)
        own[6] = cumulated
        patch.setattr(random_steps, "OWN", own)
        captured = backend.capture(lambda: random_steps.run(backend.xp, found, n, k, program))
        for call in range(CALLS):
            random_steps.fill(plain, expected, np.random.default_rng(call), dtype)
            for name, x in expected.items():
                found[name][...] = np.array(x)
            random_steps.run(plain.xp, expected, n, k, program)
            captured()
            for name, x in expected.items():
                what = f"{name} after call {call}"
                limit = random_steps.LIMITS[dtype]
                np.testing.assert_allclose(backend.to_numpy(found[name]), np.array(x), rtol=0, atol=limit, err_msg=what)
