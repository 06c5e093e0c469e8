"""Which fits of a search can be trained together, and in which stacks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed

from bpnet.backend import Backend, load
from bpnet.sklearn.early_stopping import split
from bpnet.sklearn.handing_over import Run
from bpnet.sklearn.parameters import STOCHASTIC
from bpnet.sklearn.placed import Placed
from bpnet.sklearn.progress import not_converged
from bpnet.sklearn.rows import is_sparse
from bpnet.sklearn.solvers import optimization
from bpnet.sklearn.stacked_fit import Kind, Member, StackedFit
from bpnet.sklearn.stacked_update import update_of
from bpnet.sklearn.stochastic import batch_size_of

CACHE = 3 << 20
"""Bytes that the models of a stack may need on a CPU."""

MEMORY = 1 << 30
"""On another device."""

Split: TypeAlias = tuple[np.ndarray, np.ndarray]
"""The rows of a fold to train on, and those to test on."""


def stackable(estimator: Any, x: Any) -> bool:
    """Can its fit on x be a part of a stack? It learns by scikit-learn's steps, and nobody watches."""
    unusual = ("verbose", "warm_start", "dropout", "max_grad_norm", "scoring", "callbacks")
    return (
        isinstance(estimator.solver, str)
        and estimator.solver in STOCHASTIC
        and not any(getattr(estimator, name) for name in unusual)
        and getattr(estimator, "class_weight", None) is None
        and estimator.loss in (None, "log_loss", "squared_error", "poisson")
        and not getattr(estimator, "_skl_callbacks", None)
        and not is_sparse(x)
    )


def trained_together(
    estimators: Sequence[Any], x: Any, y: Any, splits: Sequence[Split], workers: Parallel
) -> list[Run]:
    """A run for each estimator on its fold; those that could not be stacked are without attributes."""
    stacks = _Stacks(x)
    runs = []
    for estimator, (train, _) in zip(estimators, splits, strict=True):
        parameters = clone(estimator).get_params(deep=False)
        runs.append(Run(type(estimator), parameters, partial(fold, estimator, x, y, train)))
        if stackable(estimator, x):
            stacks.add(estimator, runs[-1], train)
    stacks.train(workers)
    return runs


class _Stacks:
    """The members of each stack, and the samples, whose targets each fold has encoded for itself."""

    def __init__(self, x: Any) -> None:
        self._x = x
        self._checked: dict[str | None, np.ndarray] = {}
        self._groups: dict[Any, _Group] = {}

    def add(self, estimator: Any, run: Run, train: np.ndarray) -> None:
        """Begin its fit, as a member of a stack. One that cannot begin is left to its own fit, which says why."""
        try:
            with warnings.catch_warnings(record=True) as found:
                warnings.simplefilter("always")
                estimator._validate_params()
                x, y, targets, _ = estimator._begin_fit(*run.data(), None, incremental=False)
                estimator._optimizer = optimization(estimator)
                left, out = np.arange(len(y)), np.arange(0)
                if estimator.early_stopping:
                    stratify = is_classifier(estimator) and estimator.n_outputs_ == 1
                    state = estimator._random_state
                    left, out = split(y, estimator.validation_fraction, stratify=stratify, random_state=state)
                kind = Kind(
                    architecture=estimator._placed.architecture,
                    dtype=str(estimator.coefs_[0].dtype),
                    batch_size=batch_size_of(estimator.batch_size, len(left)),
                    samples=len(left),
                    held_out=len(out),
                    loss=estimator._loss_on(str(estimator.coefs_[0].dtype)),
                    update=update_of(estimator),
                )
            spec = estimator._placed.spec
            key = kind, spec if isinstance(spec, str | None) else id(spec), x.dtype
            group = self._groups.get(key) or _Group(kind, estimator._placed, self._whole(estimator, x.dtype))
        except Exception:
            return
        run.warned = [(str(each.message), each.category) for each in found]
        self._groups[key] = group
        estimator._placed = group.placed  # a network for the predictions of all
        member = Member(estimator, np.asarray(train)[left], group.shift(train, targets))
        if len(out):
            member.held_out, member.labels = np.asarray(train)[out], estimator._labels(y[out])
        group.members.append(member)
        group.runs.append(run)

    def _whole(self, estimator: Any, dtype: Any) -> np.ndarray:
        """All samples, as each fold's were checked."""
        if dtype not in self._checked:
            self._checked[dtype] = check_array(self._x, dtype=dtype, ensure_all_finite=False)
        return self._checked[dtype]

    def train(self, workers: Parallel) -> None:
        """Train all stacks, and leave in each run what the estimator is to have."""
        groups = list(self._groups.values())
        tasks = [(group.kind, group.placed.spec, group.members, group.x, group.y()) for group in groups]
        for group, members in zip(groups, workers(delayed(_trained)(*task) for task in tasks), strict=True):
            for run, member in zip(group.runs, members, strict=True):
                est = member.estimator
                own = est.get_params(deep=False)
                run.attributes = {name: value for name, value in vars(est).items() if name not in (*own, "_optimizer")}
                run.seconds = member.seconds
                if member.reached_the_end:
                    run.warned.append((not_converged(est), ConvergenceWarning))


class _Group:
    """The members of one kind."""

    def __init__(self, kind: Kind, placed: Placed, x: np.ndarray) -> None:
        self.kind, self.placed, self.x = kind, placed, x
        self.members: list[Member] = []
        self.runs: list[Run] = []
        self._targets: dict[bytes, tuple[int, np.ndarray]] = {}

    def shift(self, train: np.ndarray, targets: np.ndarray) -> int:
        """From the row of a sample to that of its target, among those of all folds."""
        rows = np.asarray(train)
        whole = np.zeros((len(self.x), *targets.shape[1:]), targets.dtype)
        whole[rows] = targets
        number, _ = self._targets.setdefault(rows.tobytes(), (len(self._targets), whole))
        return number * len(self.x)

    def y(self) -> np.ndarray:
        """The targets of all folds, one set after another."""
        return np.concatenate([whole for _, whole in self._targets.values()])


def _trained(kind: Kind, spec: Any, members: list[Member], x: np.ndarray, y: np.ndarray) -> list[Member]:
    """Train the members as a stack, in whatever process this is."""
    backend = load(spec)
    target_type = "int64" if kind.loss.targets == "labels" else kind.dtype
    on_device = backend.asarray(x, kind.dtype), backend.asarray(y, target_type)
    StackedFit(members, kind, backend, *on_device).run(at_once(kind, backend))
    return members


def at_once(kind: Kind, backend: Backend) -> int:
    """How many models: on a CPU as many as stay in a core's cache, on another device what keeps it busy."""
    if backend.device.startswith("CPU"):
        return max(1, CACHE // kind.bytes_of_model())
    return max(1, MEMORY // max(kind.bytes_of_model(), kind.bytes_of_score()))


def fold(estimator: Any, x: Any, y: Any, train: np.ndarray) -> tuple[Any, Any]:
    """X and y of the rows to train on, as scikit-learn's searches make them."""
    found: tuple[Any, Any] = _safe_split(estimator, x, y, train)
    return found
