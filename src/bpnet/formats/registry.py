"""bpnet's own classes and formulas by kind and name: all that a file may name without `custom_objects`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from inspect import isabstract
from typing import Any

from bpnet.nn import activations
from bpnet.nn.initializers import Constant, Normal, Uniform, VarianceScaling
from bpnet.nn.layer import Layer
from bpnet.nn.losses import Loss
from bpnet.nn.metrics import Metric
from bpnet.nn.optimizers import Optimizer
from bpnet.nn.regularizers import Regularizer
from bpnet.nn.schedules import Schedule

BASES: dict[str, type] = {
    "layer": Layer,
    "loss": Loss,
    "metric": Metric,
    "optimizer": Optimizer,
    "schedule": Schedule,
}
ALONE: dict[str, tuple[type, ...]] = {
    "initializer": (Constant, Normal, Uniform, VarianceScaling),
    "regularizer": (Regularizer,),
    "activation": (activations.ElementwiseActivation, activations.Linear, activations.Softmax),
}
"""Kinds whose classes have no base in common."""

FORMULAS: dict[str, Callable[..., Any]] = {
    formula.__name__: formula
    for formula in (
        activations.sigmoid,
        activations.tanh,
        activations.relu,
        activations.leaky_relu,
        activations.elu,
        activations.gelu,
        activations.silu,
        activations.softplus,
        activations.step,
    )
}


@cache
def own_classes() -> dict[str, dict[str, type]]:
    """Kind → name → class; nothing of what a user has derived."""
    found = {kind: {cls.__name__: cls for cls in _derived(base)} for kind, base in BASES.items()}
    return found | {kind: {cls.__name__: cls for cls in classes} for kind, classes in ALONE.items()}


def own_kind(cls: type) -> str | None:
    """The kind of a class of bpnet's own; None for others."""
    for kind, classes in own_classes().items():
        if classes.get(cls.__name__) is cls:
            return kind
    return None


def _derived(base: type) -> Iterator[type]:
    """The classes of `bpnet.nn` under `base` that one can make objects of."""
    cls: type
    for cls in base.__subclasses__():
        if cls.__module__.startswith("bpnet.nn.") and not cls.__name__.startswith("_") and not isabstract(cls):
            yield cls
        yield from _derived(cls)
