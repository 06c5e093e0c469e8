"""What classifier and regressor share: first weights, the two ways of training, and the network for predictions.

Every draw is scikit-learn's, in its order, from `random_state`: the weights and biases of each layer from U(-l, l),
l = √(6 / (inputs + outputs)), with 2 in place of 6 for the logistic function; the split for early stopping; the order
of the samples in each epoch.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from itertools import pairwise
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from bpnet.nn.losses import Loss
from bpnet.nn.network import Network
from bpnet.sequential import Sequential
from bpnet.sklearn.full_batch import fit_full_batch
from bpnet.sklearn.handing_over import handed_over
from bpnet.sklearn.memory import explained
from bpnet.sklearn.parameters import (
    EXACT,
    SHARED,
    activation_list,
    backend_spec,
    check_callbacks,
    hidden_sizes,
)
from bpnet.sklearn.placed import Architecture, Placed, packed, read, unpacked, write
from bpnet.sklearn.solvers import is_lbfgs
from bpnet.sklearn.stochastic import fit_stochastic
from bpnet.sklearn.watching import CallbackSupportMixin, with_callbacks

Begun: TypeAlias = tuple[Any, np.ndarray, np.ndarray, np.ndarray | None]
"""X, y, targets and weights of a fit that begins."""


def is_stochastic(estimator: Any) -> bool:
    """True, or AttributeError: lbfgs does not learn by single epochs."""
    if is_lbfgs(estimator.solver):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def input_types(dtype: str | None) -> Any:
    """The float types that X may keep; the one asked for, where one is."""
    return (np.float64, np.float32) if dtype is None else np.dtype(dtype)


class MultilayerPerceptron(CallbackSupportMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A multi-layer perceptron with scikit-learn's parameters, attributes and numbers."""

    _parameter_constraints: dict[str, list[Any]] = SHARED

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MultilayerPerceptron:
        """Train on X (samples, features), dense or sparse, and y; `sample_weight` (samples,). Returns self."""
        return self._fit(X, y, sample_weight, incremental=False)

    @property
    def network_(self) -> Sequential:
        """The trained network, a model of bpnet on the estimator's backend, with the estimator's present weights."""
        check_is_fitted(self)
        return self._placed.with_weights(self._own_dtype, self.coefs_, self.intercepts_)

    # ---- what the two kinds have of their own

    @abstractmethod
    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray]:
        """X and y as scikit-learn's checks give them; y as numbers."""

    @abstractmethod
    def _end(self, y: np.ndarray) -> tuple[str, np.ndarray, int]:
        """The last activation, the targets that the loss takes, and the number of outputs."""

    @abstractmethod
    def _loss_on(self, dtype: str) -> Loss:
        """The loss of a network in this float type."""

    @abstractmethod
    def _score_outputs(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """scikit-learn's score of these outputs of the network: accuracy, or R², NaN of outputs that are not finite."""

    @abstractmethod
    def _labels(self, y: np.ndarray) -> Any:
        """y as a scorer takes it, from what `_validate_input` made of it."""

    def _class_weights(self, y: np.ndarray, incremental: bool) -> np.ndarray | None:
        """A weight for each sample by its class, if classes have weights."""
        return None

    # ---- within

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> MultilayerPerceptron:
        run = None if incremental else handed_over(self, X, y, sample_weight)
        if run is None:
            self._train(X, y, sample_weight, incremental)
        else:
            run.give(self)
        if not all(np.isfinite(array).all() for array in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. Mend: scale the inputs to a standard deviation of 1, or "
                "a smaller learning_rate_init"
            )
        return self

    def _train(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> None:
        X, y, targets, weight = self._begin_fit(X, y, sample_weight, incremental)
        network = self._training_network()
        by_class = self._class_weights(y, incremental)
        with explained(self, network, X.shape[0]):
            fit = fit_full_batch if is_lbfgs(self.solver) else fit_stochastic
            fit(self, network, X, y, targets, weight, by_class, incremental)

    def _begin_fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Begun:
        """X, y as numbers, the loss's targets and the weights, checked; first weights are drawn where a fit begins."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        activations = activation_list(self.activation, len(sizes))
        check_callbacks(self.callbacks)
        if self.scoring is not None and not (self.early_stopping and not is_lbfgs(self.solver)):
            raise ValueError(
                f"scoring: {self.scoring!r} was given, but nothing is held out to score. Mend: early_stopping=True "
                "and a solver that is not lbfgs"
            )
        fresh = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = self._validate_input(X, y, incremental, reset=fresh)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        y = y.reshape(len(y), -1)
        last, targets, outputs = self._end(y)
        units = (X.shape[1], *sizes, outputs)
        if not fresh:
            self._require_same(units)
        self.n_outputs_ = outputs
        if fresh or self.warm_start != EXACT or not hasattr(self, "_random_state"):
            self._random_state = check_random_state(self.random_state)
        if fresh:
            self._begin(units, activations, last, X.dtype)
        self._place(units, activations)
        return X, y, targets, weight

    def _begin(self, units: tuple[int, ...], activations: tuple[Any, ...], last: str, dtype: Any) -> None:
        """The attributes of a fit that begins, and the first weights."""
        self.n_iter_ = 0
        self.t_ = 0
        self.n_layers_ = len(units)
        self.out_activation_ = last
        self.coefs_, self.intercepts_ = [], []
        draw = self._random_state.uniform
        # The last layer is drawn like the last hidden one.
        of_layers = (*activations, *activations[-1:]) or (self.activation,)
        for (inputs, outputs), activation in zip(pairwise(units), of_layers, strict=True):
            factor = 2.0 if activation in ("logistic", "sigmoid") else 6.0
            bound = sqrt(factor / (inputs + outputs))
            self.coefs_.append(draw(-bound, bound, (inputs, outputs)).astype(dtype, copy=False))
            self.intercepts_.append(draw(-bound, bound, outputs).astype(dtype, copy=False))
        if self.dtype is not None or is_lbfgs(self.solver):
            self._take(packed(self.coefs_, self.intercepts_).astype(self.dtype or "float64"))
        self._dropout_seed = int(self._random_state.randint(1 << 31)) if self.dropout else 0
        for name in ("_optimizer", "_order", "_split_state"):
            self.__dict__.pop(name, None)
        if is_lbfgs(self.solver):
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self._best = packed(self.coefs_, self.intercepts_)
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.validation_loss_curve_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self.best_loss_ = None if self.early_stopping else np.inf

    def _require_same(self, units: tuple[int, ...]) -> None:
        """ValueError where a call that goes on asks for other layers than there are."""
        before = (self.coefs_[0].shape[0], *(coefs.shape[1] for coefs in self.coefs_))
        if units == before:
            return
        name, part = ("hidden_layer_sizes", slice(1, -1)) if units[-1] == before[-1] else ("y", slice(-1, None))
        raise ValueError(
            f"{name}: {units[part]} units was given, expected {before[part]}, as in the call that this one continues. "
            "Mend: fit with warm_start=False, which begins anew"
        )

    def _place(self, units: tuple[int, ...], activations: tuple[Any, ...]) -> None:
        """The network on its backend: that of the last call, if it is the same."""
        spec = backend_spec(self.backend, self.device, os.environ)
        architecture = Architecture(units, activations, self.out_activation_, self.dropout, self._dropout_seed)
        placed = getattr(self, "_placed", None)
        if placed is None or (placed.architecture, placed.spec) != (architecture, spec):
            self._placed = Placed(architecture, spec)

    def _training_network(self) -> Network:
        network = self._placed.in_training(self._own_dtype).network
        write(network, packed(self.coefs_, self.intercepts_))
        return network

    @property
    def _own_dtype(self) -> str:
        """The float type of the weights."""
        return str(self.coefs_[0].dtype)

    def _take(self, theta: np.ndarray) -> None:
        """Let the weights be those of theta."""
        units = [self.coefs_[0].shape[0], *(coefs.shape[1] for coefs in self.coefs_)]
        self.coefs_, self.intercepts_ = unpacked(theta, units)

    def _take_from(self, network: Network) -> None:
        """Let the weights be those of the network in training."""
        self._take(read(network))

    def _fitted(self) -> dict[str, Any]:
        """What a copy needs to predict as this one would now."""
        return {"coefs_": self.coefs_, "intercepts_": self.intercepts_, "n_iter_": self.n_iter_}

    def _outputs(self, X: Any) -> np.ndarray:
        """The network's outputs (samples, outputs), in `dtype`, or in the wider of the types of X and the weights."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        dtype = self.dtype or str(np.result_type(X.dtype, self.coefs_[0].dtype, np.float32))
        return self._placed.outputs(dtype, self.coefs_, self.intercepts_, X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
