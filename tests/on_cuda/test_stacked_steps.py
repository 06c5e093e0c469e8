"""Steps of stacked models on a GPU: products of whole stacks, a few kernels, and the numbers of NumPy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from backends_here import backend_named
from bpnet import BatchNormalization, Dense, Sequential
from bpnet.ensembles.at_once import IN_TURN, ON_A_GPU
from bpnet.ensembles.ensemble import Ensemble
from bpnet_backends.on_cuda import captured
from bpnet_backends.on_cuda.backend import CudaBackend
from bpnet_backends.on_cuda.plan import Plan
from emulator.device import EmulatedDevice
from limits import LIMITS

MODELS, BATCH, INPUTS, HIDDEN, OUTPUTS = 3, 8, 6, 12, 4


def trained(backend: Any, dtype: str) -> Ensemble:
    model = Sequential(
        [Dense(HIDDEN, "relu", input_dim=INPUTS), Dense(OUTPUTS, "softmax")], backend=backend, dtype=dtype
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ensemble = Ensemble(model, MODELS, learning_rate=[0.1, 0.01, 0.001], at_once=MODELS)
    draw = np.random.default_rng(0)
    ensemble.fit(draw.normal(size=(3 * BATCH, INPUTS)), np.arange(3 * BATCH) % OUTPUTS, BATCH, epochs=2, verbose=0)
    return ensemble


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """All that are made in the test."""
    found: list[Plan] = []

    class Kept(Plan):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            found.append(self)

    monkeypatch.setattr(captured, "Plan", Kept)
    return found


def test_a_stack_is_captured_and_trains_as_on_numpy(plans: list[Plan], dtype: str) -> None:
    found, expected = (trained(be, dtype) for be in (CudaBackend(EmulatedDevice()), backend_named("numpy")))
    for history, other in zip(found.histories, expected.histories, strict=True):
        for name, values in other.history.items():
            np.testing.assert_allclose(history.history[name], values, rtol=10 * LIMITS[dtype])
    (plan,) = plans
    large = [launched.shape for launched in plan.launches if launched.name == "copy" and launched.shape[-1] > BATCH]
    assert not large  # gradients are made where they belong
    products = [launched.shape for launched in plan.launches if launched.name == "product"]
    assert sorted(products) == sorted(
        (MODELS, *sizes)
        for sizes in (
            (BATCH, HIDDEN, INPUTS),
            (BATCH, OUTPUTS, HIDDEN),
            (HIDDEN, OUTPUTS, BATCH),
            (BATCH, HIDDEN, OUTPUTS),
            (INPUTS, HIDDEN, BATCH),
        )
    )


@pytest.mark.parametrize(
    ("more", "metric", "expected"),
    [([], "mae", ON_A_GPU), ([BatchNormalization()], "mae", IN_TURN), ([], "r2", IN_TURN)],
)
def test_stacks_are_small_where_each_model_has_launches_of_its_own(more: list[Any], metric: str, expected: int) -> None:
    backend: Any = CudaBackend(EmulatedDevice())
    model = Sequential([Dense(2, input_dim=2), *more, Dense(1)], backend=backend)
    model.compile("adam", "mse", metrics=[metric])
    assert Ensemble(model, 2 * ON_A_GPU).at_once == expected


@pytest.mark.parametrize("architecture", [80, 90])
def test_nvrtc_compiles_a_stacked_step(plans: list[Plan], architecture: int) -> None:
    compiler = pytest.importorskip("bpnet_backends.on_cuda.compiler")
    if reason := compiler.obstacle():
        pytest.skip(reason)
    trained(CudaBackend(EmulatedDevice()), "float32")
    (plan,) = plans
    made = compiler.compiled(plan.text, architecture)
    kernels = re.findall(r"__global__ void __launch_bounds__\(\d+\) (\w+)", plan.text)
    assert len(kernels) > 10
    assert all(kernel.encode() in made for kernel in kernels)
