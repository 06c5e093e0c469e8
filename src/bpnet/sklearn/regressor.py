"""scikit-learn's MLPRegressor on any backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from bpnet.nn.losses import Loss
from bpnet.nn.losses import loss as loss_named
from bpnet.sklearn.estimator import MultilayerPerceptron, input_types, is_stochastic
from bpnet.sklearn.losses import HalfMeanSquaredError, HalfPoissonDeviance
from bpnet.sklearn.parameters import OF_REGRESSOR


class MLPRegressor(RegressorMixin, MultilayerPerceptron):  # type: ignore[misc]
    """A multi-layer perceptron that learns one or several numbers by squared error, or counts by Poisson's deviance.

    The parameters up to `max_fun` are scikit-learn 1.9's; those beyond are the same as `MLPClassifier`'s. `loss` may be
    any loss of numbers that bpnet has.

    With K > 1 outputs the gradient is that of the squared error as scikit-learn states it, the mean over the outputs;
    scikit-learn 1.9 descends along K times that gradient, while its penalty keeps its size.
    """

    _parameter_constraints = OF_REGRESSOR

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        backend: Any = None,
        device: str | None = None,
        dtype: str | None = None,
        dropout: float = 0.0,
        max_grad_norm: float | None = None,
        scoring: Any = None,
        callbacks: Any = None,
    ) -> None:
        given = locals()
        self.__dict__.update({name: given[name] for name in given if name not in ("self", "__class__")})

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """One epoch on X and y. Returns self."""
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The outputs (samples,), or of several (samples, outputs)."""
        return self._decided(self._outputs(X))

    # ---- within

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=input_types(self.dtype),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(f"y: {y.min():g} came, expected values >= 0 for loss='poisson'")
        return X, y

    def _end(self, y: np.ndarray) -> tuple[str, np.ndarray, int]:
        return "exp" if self.loss == "poisson" else "identity", y, y.shape[1]

    def _loss_on(self, dtype: str) -> Loss:
        if self.loss == "squared_error":
            return HalfMeanSquaredError()
        return HalfPoissonDeviance() if self.loss == "poisson" else loss_named(self.loss)

    def _labels(self, y: np.ndarray) -> np.ndarray:
        return self._decided(y)

    def _score_outputs(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> float:
        if not np.isfinite(outputs).all():
            return float("nan")
        return float(r2_score(y, self._decided(outputs), sample_weight=sample_weight))

    def _decided(self, outputs: np.ndarray) -> np.ndarray:
        """The outputs as a user gave them: in one row where there is one."""
        return outputs.ravel() if outputs.shape[1] == 1 else outputs
