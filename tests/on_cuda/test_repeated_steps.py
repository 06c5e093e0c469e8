"""A step that is repeated is done so often, whether it was called before or not, alone or within another step."""

import numpy as np
import pytest

from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.captured import TOGETHER
from emulator.device import EmulatedDevice


def counting():
    """A backend, a number on the device, and a captured step that adds 1 to it."""
    backend = CudaBackend(EmulatedDevice())
    number = backend.asarray(np.zeros(1), "float64")

    def step():
        number[...] += 1.0

    return backend, number, backend.capture(step)


@pytest.mark.parametrize("times", [0, 1, 2, TOGETHER - 1, TOGETHER, TOGETHER + 1, TOGETHER + 2, 3 * TOGETHER + 5])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_step_is_done_so_often(before, times):
    backend, number, step = counting()
    for _ in range(before):
        step()
    step.repeat(times)
    step.repeat(times)
    assert backend.to_numpy(number) == before + 2 * times


def test_within_another_step_it_is_a_part_of_that():
    backend, number, step = counting()
    step()
    step()

    def whole():
        number[...] = 0.0
        step.repeat(TOGETHER)

    captured = backend.capture(whole)
    for _ in range(3):
        captured()
        assert backend.to_numpy(number) == TOGETHER


def test_a_step_that_fails_while_it_is_traced_changes_nothing_and_may_be_called_again():
    backend = CudaBackend(EmulatedDevice())
    number, broken = backend.asarray(np.zeros(1), "float64"), [True]

    def step():
        number[...] += 1.0
        if broken:
            raise ValueError("broken")

    captured = backend.capture(step)
    with pytest.raises(ValueError, match="broken"):
        captured()
    assert backend.to_numpy(number) == 0
    broken.clear()
    captured()
    captured()
    assert backend.to_numpy(number) == 2
