"""scikit-learn's MLPClassifier on any backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import validate_data

from bpnet.nn.losses import Loss
from bpnet.nn.losses import loss as loss_named
from bpnet.sklearn.estimator import MultilayerPerceptron, input_types, is_stochastic
from bpnet.sklearn.parameters import OF_CLASSIFIER
from bpnet.sklearn.targets import head, log_loss


def _has_probabilities(estimator: MLPClassifier) -> bool:
    """Is the last activation one that makes probabilities? AttributeError says why not."""
    if estimator.loss in (None, "log_loss") or loss_named(estimator.loss).targets in ("binary", "one_hot"):
        return True
    if getattr(loss_named(estimator.loss), "head", None) == "softmax":
        return True
    raise AttributeError(f"probabilities are not available with the loss {estimator.loss!r}")


class MLPClassifier(ClassifierMixin, MultilayerPerceptron):  # type: ignore[misc]
    """A multi-layer perceptron that learns classes, or several labels a sample, by their log-loss.

    The parameters up to `max_fun` are scikit-learn 1.9's. Beyond them, all by keyword:

    `backend`, `device`, `dtype`: where it runs (see `bpnet.load`; None reads BPNET_BACKEND) and in which float type
    (None: that of X; lbfgs in float64). `activation` may be a list, one for each hidden layer, of bpnet's names too.
    `solver` may be any optimizer of bpnet's, by name or object, and `loss` any loss that fits classes. `class_weight`:
    {class: weight} or "balanced". `dropout`: the share of the hidden units left out in training. `max_grad_norm`: the
    gradient is scaled down to that norm. `scoring`: the scorer of early stopping, whose best weights are restored;
    `validation_loss_curve_` has the losses beside it. `callbacks`: bpnet's. `verbose=2`: a progress bar.
    `warm_start="exact"` goes on with the moments, the learning rate and the random numbers of the last call.
    """

    _parameter_constraints = OF_CLASSIFIER

    def __init__(
        self,
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
        loss: Any = None,
        class_weight: Any = None,
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """One epoch on X and y. The first call needs `classes`, all that there are. Returns self."""
        if getattr(self, "classes_", None) is None:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            several = type_of_target(y).startswith("multilabel")
            self.classes_ = unique_labels(classes)
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any) -> Any:
        """The class of each sample, or its labels (samples, classes), sparse where y was."""
        return self._decided(self._outputs(X))

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class (samples, classes), in the order of `classes_`."""
        p = self._outputs(X)
        if p.shape[1] == 1:
            return np.hstack([1 - p, p])
        if self.out_activation_ == "logistic" and self._label_binarizer.y_type_ == "multiclass":
            return np.asarray(p / p.sum(axis=1, keepdims=True))
        return p

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithms of `predict_proba`."""
        p = self.predict_proba(X)
        return np.asarray(np.log(p, out=p))

    # ---- within

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray]:
        X, y = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=input_types(self.dtype), reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        return X, self._label_binarizer.transform(y).astype(bool)

    def _check_classes(self, classes: np.ndarray) -> None:
        """ValueError where a call that goes on brings other classes."""
        if self.warm_start and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {classes}"
            )
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _end(self, y: np.ndarray) -> tuple[str, np.ndarray, int]:
        loss, kind = self._loss_on("float64"), self._label_binarizer.y_type_
        end = head(loss, y.shape[1], kind)
        return end.last, end.encode(y), end.outputs

    def _loss_on(self, dtype: str) -> Loss:
        if self.loss in (None, "log_loss"):
            return log_loss(self._label_binarizer.y_type_ == "multiclass", dtype)
        return loss_named(self.loss)

    def _class_weights(self, y: np.ndarray, incremental: bool) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not know all samples. "
                "Mend: a dictionary of weights"
            )
        return np.asarray(compute_sample_weight(self.class_weight, self._labels(y)))

    def _labels(self, y: np.ndarray) -> Any:
        return self._label_binarizer.inverse_transform(y)

    def _score_outputs(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> float:
        return float(accuracy_score(y, self._decided(outputs), sample_weight=sample_weight))

    def _decided(self, outputs: np.ndarray) -> Any:
        """The classes that outputs of the network speak for; a sparse matrix where y was one."""
        if outputs.shape[1] == 1:
            outputs = outputs.ravel()
        elif outputs.shape[1] == 2 and len(self.classes_) == 2 and self._label_binarizer.y_type_ == "binary":
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        return self._label_binarizer.inverse_transform(outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
