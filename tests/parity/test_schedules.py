"""Every schedule: the learning rates of 60 updates, counted by the optimizer, against torch.optim.lr_scheduler."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

import bpnet
from bpnet import SGD, CosineDecay, Dense, ExponentialDecay, Input, InverseTimeDecay, Sequential, StepDecay
from bpnet.backend import Backend
from bpnet.nn.schedules import Constant, Schedule
from parity.arrays import Agree, Results, host

UPDATES = 60
RATE = 0.2
"""The initial rate."""

Optimizer = torch.optim.Optimizer


def cosine(optimizer: Optimizer, updates: int, alpha: float) -> LRScheduler:
    """Half a cosine, and its last value from then on."""
    falling, level = CosineAnnealingLR(optimizer, updates, alpha * RATE), LambdaLR(optimizer, lambda _: alpha)
    return SequentialLR(optimizer, [falling, level], [updates])


CASES: dict[str, tuple[Schedule, Callable[[Optimizer], LRScheduler]]] = {
    "constant": (Constant(RATE), lambda o: ConstantLR(o, factor=1.0)),
    "inverse time": (InverseTimeDecay(RATE, 0.5, 7), lambda o: LambdaLR(o, lambda t: 1 / (1 + 0.5 * t / 7))),
    "inverse time, staircase": (
        InverseTimeDecay(RATE, 0.5, 7, staircase=True),
        lambda o: LambdaLR(o, lambda t: 1 / (1 + 0.5 * floor(t / 7))),
    ),
    "exponential": (ExponentialDecay(RATE, 0.6, 7), lambda o: ExponentialLR(o, 0.6 ** (1 / 7))),
    "exponential, staircase": (ExponentialDecay(RATE, 0.6, 7, staircase=True), lambda o: StepLR(o, 7, 0.6)),
    "step": (StepDecay(RATE, 0.3, every=20), lambda o: StepLR(o, 20, 0.3)),
    "cosine": (CosineDecay(RATE, UPDATES), lambda o: CosineAnnealingLR(o, UPDATES)),
    "cosine, alpha": (CosineDecay(RATE, UPDATES, alpha=0.2), lambda o: CosineAnnealingLR(o, UPDATES, 0.2 * RATE)),
    "cosine, shorter": (CosineDecay(RATE, 40, alpha=0.2), lambda o: cosine(o, 40, 0.2)),
    "cosine, warm-up": (
        CosineDecay(RATE, UPDATES - 8, warmup_steps=8),
        lambda o: SequentialLR(o, [LinearLR(o, 1 / 8, 1.0, 7), CosineAnnealingLR(o, UPDATES - 8)], [8]),
    ),
}


def test_every_schedule_has_a_case() -> None:
    public = {kind for kind in vars(bpnet).values() if isinstance(kind, type) and issubclass(kind, Schedule)}
    assert {type(schedule) for schedule, _ in CASES.values()} == {Constant, *public}


@pytest.mark.parametrize("name", CASES)
def test_schedule(name: str, agree: Agree) -> None:
    schedule, scheduler = CASES[name]

    def run(backend: Backend, dtype: str) -> Results:
        network = Sequential([Input((1,)), Dense(1)], backend=backend, dtype=dtype).network
        optimizer = SGD(schedule).bind(network)
        rates = []
        for _ in range(UPDATES):
            rates.extend(host(backend, "float64", optimizer.rate()))  # in float64 whatever the network is in
            optimizer.step()
        return {"rate": [np.stack(rates)]}

    def reference() -> Results:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
        schedule = scheduler(optimizer)
        rates = []
        for _ in range(UPDATES):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return {"rate": [np.array(rates)]}

    agree("schedule", name, run, reference)
