"""What each parameter may be: scikit-learn's own limits, and those of what bpnet adds."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, Options, StrOptions

from bpnet.backend import DTYPES
from bpnet.nn.activations import ACTIVATIONS, ActivationFunction
from bpnet.nn.losses import LOSSES, Loss
from bpnet.nn.optimizers import OPTIMIZERS, Optimizer
from bpnet.training.callbacks import Callback, in_order, in_vain

STOCHASTIC = ("sgd", "adam")
EXACT = "exact"
"""The `warm_start` that goes on as if training had never stopped."""

ACTIVATION_NAMES = {"identity", "logistic", "tanh", "relu", *ACTIVATIONS} - {"softmax", "step"}
LOSS_NAMES = {"squared_error", "poisson", *(name for name, kind in LOSSES.items() if kind().targets == "values")}


def _at_least(bound: int, kind: Any = Real) -> Interval:
    return Interval(kind, bound, None, closed="left")


SHARED: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _at_least(1, Integral)],
    "activation": [StrOptions(ACTIVATION_NAMES), HasMethods("bind"), list, tuple],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC, *OPTIMIZERS}), Optimizer],
    "alpha": [_at_least(0)],
    "batch_size": [StrOptions({"auto"}), _at_least(1, Integral)],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [_at_least(0)],
    "max_iter": [_at_least(1, Integral)],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_at_least(0)],
    "verbose": ["verbose"],
    "warm_start": ["boolean", StrOptions({EXACT})],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [_at_least(1, Integral), Options(Real, {np.inf})],
    "max_fun": [_at_least(1, Integral)],
    "backend": [None, str, HasMethods(["asarray", "to_numpy", "fuse", "capture", "synchronize"])],
    "device": [None, str],
    "dtype": [None, StrOptions(set(DTYPES))],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "max_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
    "scoring": [None, StrOptions(set(get_scorer_names())), callable],
    "callbacks": [None, list, tuple],
}

OF_CLASSIFIER = {
    **SHARED,
    "loss": [None, StrOptions({"log_loss", *LOSSES}), Loss],
    "class_weight": [None, StrOptions({"balanced"}), dict, list],
}

OF_REGRESSOR = {**SHARED, "loss": [StrOptions(LOSS_NAMES), Loss]}


def hidden_sizes(given: Any) -> list[int]:
    """The numbers of hidden units; ValueError where one is no number from 1."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    if any(not isinstance(size, Integral | np.integer) or size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def activation_list(given: Any, layers: int) -> tuple[str | ActivationFunction, ...]:
    """An activation for each hidden layer; InvalidParameterError names what is none."""
    if not isinstance(given, list | tuple):
        return (given,) * layers
    if len(given) != layers:
        raise InvalidParameterError(
            f"The 'activation' parameter has {len(given)} activations for {layers} hidden layers: one for each, or one "
            "name for all."
        )
    for each in given:
        if not (each in ACTIVATION_NAMES if isinstance(each, str) else hasattr(each, "bind")):
            raise InvalidParameterError(
                f"The 'activation' parameter must be made of {sorted(ACTIVATION_NAMES)} or activation objects. "
                f"Got {each!r} instead."
            )
    return tuple(given)


def check_callbacks(given: Any) -> list[Callback]:
    """The callbacks as a list; InvalidParameterError names what is none."""
    for each in given or ():
        if not isinstance(each, Callback):
            raise InvalidParameterError(
                f"The 'callbacks' parameter must be made of objects derived from bpnet.Callback. Got {each!r} instead. "
                "scikit-learn's own callbacks go to set_callbacks."
            )
        if said := in_vain(each):
            raise InvalidParameterError(f"The 'callbacks' parameter: {said}")
    return in_order(given or ())


def backend_spec(backend: Any, device: str | None, environment: Mapping[str, str]) -> Any:
    """What `bpnet.load` takes for `backend` on `device`; without a backend, BPNET_BACKEND's."""
    if device is None:
        return backend
    name = backend if backend is not None else environment.get("BPNET_BACKEND") or "auto"
    if not isinstance(name, str) or ":" in name or name == "auto":
        raise InvalidParameterError(
            f"The 'device' parameter is {device!r}, but the backend {name!r} "
            f"{'is to be found' if name == 'auto' else 'has its device already'}: name one, "
            "backend='torch', device='cuda:1'."
        )
    return f"{name}:{device}"
