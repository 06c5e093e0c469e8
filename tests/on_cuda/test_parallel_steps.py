"""Ranks that train on a GPU each: two graphs a step, with the sum of the gradient between them."""

from __future__ import annotations

from typing import Any

import pytest

from bpnet_backends.on_cuda.backend import CudaBackend
from emulator.device import EmulatedDevice
from nets import IMAGES, ROWS, cnn, net
from runs import alone, on, require_same

OPTIONS = {"epochs": 2, "validation_split": 0.2, "validation_batch_size": 4}


@pytest.fixture
def devices() -> list[EmulatedDevice]:
    """All that are made in the test."""
    return []


@pytest.fixture
def gpu(devices: list[EmulatedDevice]) -> Any:
    """A backend on a new device."""

    def made() -> Any:
        devices.append(EmulatedDevice())
        return CudaBackend(devices[-1])

    return made


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 10},
        {"batch_size": 1},
        {"batch_size": 20, "micro_batch": 3},
        {"batch_size": 11, "data_on": "host"},
    ],
    ids=["whole", "a rank without samples", "parts", "from the host"],
)
def test_ranks_with_captured_steps_train_as_one_process(devices: list[EmulatedDevice], gpu: Any, options: Any) -> None:
    given = OPTIONS | options
    one = alone(lambda: net(gpu()), *ROWS, **given)
    require_same(one, on(2, lambda: net(gpu()), *ROWS, **given))
    first, *ranks = (device.counts for device in devices)
    assert [rank.replays > first.replays for rank in ranks] == [True, True]  # before the sum, and after it


def test_a_sum_within_a_step_is_made_without_a_graph(gpu: Any) -> None:
    given = OPTIONS | {"batch_size": 10}
    one = alone(lambda: cnn(gpu()), *IMAGES, **given)
    with pytest.warns(RuntimeWarning, match="a sum over processes cannot be replayed on emulated"):
        ranks = on(2, lambda: cnn(gpu()), *IMAGES, **given)
    require_same(one, ranks)
