"""Every optimizer: the parameters after 100 updates from given gradients, against torch.optim; Lion against Keras.

The limit is that of every formula (`limits`). An update rounds a few times, and the gradients are given, so that a
rounding is not fed back: a hundred updates in float64 stay some hundred roundings of 1.1e-16 apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from bpnet import LBFGS, SGD, Adadelta, Adagrad, Adam, AdamW, Dense, Input, Lion, Nadam, RMSprop, Sequential
from bpnet.backend import Backend
from bpnet.nn.optimizers import OPTIMIZERS, Optimizer
from parity.arrays import Agree, Results, exact, generator, host, normal

STEPS = 100
LAYERS = (6, 20, 10)
WEIGHTS = 6 * 20 + 20 * 10
"""How many parameters decay: theta has them first, then the biases."""

THETA = normal("optimizers: theta", WEIGHTS + 20 + 10)
# Gradients of very different sizes, so that some are clipped and some are not.
SIZES = exact(np.exp(generator("optimizers: sizes").uniform(-3.0, 1.0, (STEPS, 1))))
GRADIENTS = exact(normal("optimizers: gradients", STEPS, len(THETA)) * SIZES)


@dataclass(frozen=True)
class Variant:
    """An optimizer and its settings, and the learning rate at update t for PyTorch."""

    make: Callable[..., Optimizer]
    settings: dict[str, Any] = field(default_factory=dict)
    rate: Callable[[int], float] = lambda t: 0.02


VARIANTS = {
    "sgd": Variant(SGD),
    "sgd, momentum": Variant(SGD, {"momentum": 0.9}),
    "sgd, nesterov": Variant(SGD, {"momentum": 0.8, "nesterov": True}),
    "sgd, decay": Variant(SGD, {"decay": 0.1}, lambda t: 0.02 / (1 + 0.1 * t)),
    "sgd, momentum, decay": Variant(SGD, {"momentum": 0.9, "decay": 0.1}, lambda t: 0.02 / (1 + 0.1 * t)),
    "adam": Variant(Adam),
    "adamw": Variant(AdamW, {"weight_decay": 0.0}),
    "adagrad": Variant(Adagrad),
    "adagrad, begun": Variant(Adagrad, {"initial_accumulator_value": 0.3, "epsilon": 1e-3}),
    "adadelta": Variant(Adadelta, {"rho": 0.8}),
    "rmsprop": Variant(RMSprop),
    "rmsprop, momentum": Variant(RMSprop, {"momentum": 0.7}),
    "rmsprop, centered, momentum": Variant(RMSprop, {"centered": True, "momentum": 0.5, "rho": 0.95}),
    "lion": Variant(Lion),
    "nadam": Variant(Nadam),
    "nadam, other settings": Variant(Nadam, {"beta_1": 0.7, "beta_2": 0.9, "momentum_decay": 0.3, "epsilon": 0.01}),
    "adam, other betas": Variant(Adam, {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 0.01}),
}
EXTRAS: dict[str, dict[str, float]] = {
    "plain": {},
    "decayed, clipped": {"weight_decay": 0.3, "clipvalue": 0.5, "global_clipnorm": 5.0},
}


def test_every_optimizer_has_a_variant() -> None:
    assert {variant.make for variant in VARIANTS.values()} == set(OPTIMIZERS.values()) - {LBFGS}


def test_some_gradients_are_clipped_and_some_are_not() -> None:
    norms = np.linalg.norm(np.clip(GRADIENTS, -0.5, 0.5), axis=1)
    assert (norms < 4.9).sum() >= 5
    assert (norms > 5.1).sum() >= 5
    assert 0.2 < (np.abs(GRADIENTS) > 0.5).mean() < 0.8


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", VARIANTS)
def test_optimizer(name: str, extra: str, agree: Agree) -> None:
    label = name if extra == "plain" else f"{name}, {extra}"
    agree(
        "optimizer",
        label,
        lambda backend, dtype: _updated(name, extra, backend, dtype),
        lambda: _reference(name, extra),
    )


@cache
def _updated(name: str, extra: str, backend: Backend, dtype: str) -> Results:
    """Theta after all updates, each of them the replay of one captured step."""
    variant = VARIANTS[name]
    first, *widths = LAYERS
    model = Sequential([Input((first,)), *(Dense(width) for width in widths)], backend=backend, dtype=dtype)
    network = model.network
    assert network.layout.decaying == WEIGHTS
    network.theta[...] = backend.asarray(THETA, dtype)
    optimizer = variant.make(0.02, **{**variant.settings, **EXTRAS[extra]}).bind(network)
    step = backend.capture(optimizer.step)
    for gradient in GRADIENTS:
        network.grad[...] = backend.asarray(gradient, dtype)
        step()
    return {"update": host(backend, dtype, network.theta)}


@cache
def _reference(name: str, extra: str) -> Results:
    """PyTorch's own update of weights, which decay, and biases, which do not.

    Its NAdam keeps the product of the momenta in the default float type, so that is float64 meanwhile.
    """
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return _by_torch(VARIANTS[name], EXTRAS[extra])
    finally:
        torch.set_default_dtype(usual)


def _by_torch(variant: Variant, extras: dict[str, float]) -> Results:
    weights, biases = (torch.nn.Parameter(torch.tensor(part)) for part in np.split(THETA, [WEIGHTS]))
    decay = extras.get("weight_decay", 0.0)
    adam = variant.make in (Adam, AdamW, Nadam)
    settings = variant.settings
    kind = OTHERS.get(variant.make)
    if kind is not None:
        names = {"rho": "alpha" if variant.make is RMSprop else "rho", "epsilon": "eps"}
        given = {names.get(name, name): value for name, value in ({"rho": 0.9} | settings).items()}
        given = given if variant.make in (RMSprop, Adadelta) else {k: v for k, v in given.items() if k != "rho"}
        optimizer = kind([weights, biases], lr=0.02, **given)
    elif adam:
        groups = [{"params": [weights], "weight_decay": decay}, {"params": [biases], "weight_decay": 0.0}]
        betas = settings.get("beta_1", 0.9), settings.get("beta_2", 0.999)
        shared: dict[str, Any] = {"lr": 0.02, "betas": betas, "eps": settings.get("epsilon", 1e-8)}
        if variant.make is Nadam:
            shared |= {"momentum_decay": settings.get("momentum_decay", 0.004), "decoupled_weight_decay": True}
        optimizer = (torch.optim.NAdam if variant.make is Nadam else torch.optim.AdamW)(groups, **shared)
    else:
        momentum, nesterov = settings.get("momentum", 0.0), settings.get("nesterov", False)
        optimizer = torch.optim.SGD([weights, biases], lr=1.0, momentum=momentum, nesterov=nesterov)
    for t, gradient in enumerate(GRADIENTS):
        g = _clipped(torch.tensor(gradient), extras)
        if kind is not None:
            weights.data *= 1 - 0.02 * decay
        elif not adam:
            # PyTorch's velocity leaves the learning rate out; given η g and a rate of 1 it is v ← μ v - η g.
            g = g * variant.rate(t)
            weights.data *= 1 - variant.rate(t) * decay
        weights.grad, biases.grad = g[:WEIGHTS].clone(), g[WEIGHTS:].clone()
        optimizer.step()
    return {"update": [torch.cat([weights, biases]).detach().numpy()]}


class TorchLion(torch.optim.Optimizer):
    """As Keras 3.15 writes it, keras/src/optimizers/lion.py: the sign of β₁ m + (1 - β₁) g, then m with β₂."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    def step(self, closure: Any = None) -> None:
        for parameter in self.param_groups[0]["params"]:
            state = self.state[parameter]
            m, g = state.setdefault("m", torch.zeros_like(parameter)), parameter.grad
            parameter.data -= self.param_groups[0]["lr"] * torch.sign(0.9 * m + 0.1 * g)
            state["m"] = 0.99 * m + 0.01 * g


OTHERS: dict[Any, Any] = {
    Adagrad: torch.optim.Adagrad,
    Adadelta: torch.optim.Adadelta,
    RMSprop: torch.optim.RMSprop,
    Lion: TorchLion,
}


def _clipped(g: torch.Tensor, extras: dict[str, float]) -> torch.Tensor:
    """torch.nn.utils.clip_grad_norm_ adds 1e-6 to the norm, so the bound on the norm is written out."""
    if "clipvalue" in extras:
        g = g.clamp(-extras["clipvalue"], extras["clipvalue"])
    if "global_clipnorm" in extras:
        g = g * (extras["global_clipnorm"] / g.norm()).clamp(max=1.0)
    return g
