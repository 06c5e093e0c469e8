"""`bpnet.ensembles.search`: many settings of a network, trained together, and the best of them on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpnet.data.arrays import whole_number
from bpnet.data.split import parts_of
from bpnet.ensembles.ranges import Choice, range_of
from bpnet.ensembles.ranking import ranking
from bpnet.ensembles.searching import Found, Problem, Search
from bpnet.ensembles.space import Space
from bpnet.models import Model
from bpnet.nn.checks import require_number


def search(
    model: Model | Mapping[str, Model],
    x: Any,
    y: Any,
    *,
    models: int = 100,
    epochs: int = 20,
    batch_size: int | Sequence[int] = 32,
    learning_rate: Any = None,
    l2: Any = None,
    weight_decay: Any = None,
    dropout: Any = None,
    seeds: Any = None,
    validation: float = 0.2,
    validation_data: tuple[Any, ...] | None = None,
    folds: int | None = None,
    rank_by: str | None = None,
    refit: bool = False,
    sample_weight: Any = None,
    seed: int = 0,
    verbose: int | str = "auto",
) -> Found:
    """Train so many networks on a random draw of settings, and return them all and the best one.

    model           compiled: architecture, optimizer, loss, metrics, backend; or several, by name
    learning_rate   "1e-4:1e-1" draws log-uniformly, as of l2 and weight_decay; of dropout uniformly; a number is fixed,
                    a list or "a,b,c" a choice; None leaves it as the model has it
    l2              λ of the penalty λ Σ w² on the weights of every layer that can have a `kernel_regularizer`, whether
                    the model gives it one or not
    seeds           of the first weights and the order of the samples: by default the model's for all
    batch_size      one, or some to choose from
    validation      the share of the rows that ranks; or `validation_data`, (x, y) or (x, y, weight)
    folds           cross-validation in so many folds in its place: each candidate is trained on each, the figures are
                    means
    refit           the best one is trained once more, on all of x and y; with folds it always is
    rank_by         a figure of the history; by default the first metric, or the loss, which has the penalty in it
    seed            of the draw of the settings and of the split

    The best candidate's network is trained for as many epochs as were best for it, without early stopping.
    """
    named = dict(model) if isinstance(model, Mapping) else {"": model}
    sizes = range_of("seed", batch_size, "batch_size").values
    if not named or sizes is None or min(sizes) < 1:
        raise ValueError(f"batch_size: {batch_size!r} was given, expected whole numbers from 1")
    given = {"learning_rate": learning_rate, "l2": l2, "weight_decay": weight_decay, "dropout": dropout, "seed": seeds}
    ranges = {name: range_of(name, value) for name, value in given.items() if value is not None}
    ranges.setdefault("seed", Choice((next(iter(named.values())).seed,)))
    groups = [
        ({"model": name} if isinstance(model, Mapping) else {}) | {"batch_size": size}
        for name in named
        for size in sizes
    ]
    pairs = [(each, size) for each in named.values() for size in sizes]
    count, epochs = whole_number("models", models), whole_number("epochs", epochs)
    every = np.arange(_rows(y))
    if folds is not None:
        whole_number("folds", folds, least=2)
    if folds is not None and validation_data is not None:
        raise ValueError(
            "validation_data: it was given with folds, whose own rows judge. Mend: folds=None, or leave it out"
        )
    if validation_data is not None:
        parts = [(every, every[:0])]
    else:
        require_number("validation", validation, above=0, below=1)
        parts = parts_of(every, validation, folds, seed, classes_in(y))
    source = OfArrays(pairs, x, y, sample_weight, parts, validation_data)
    return Search(Space(groups, ranges), source, count, epochs, lambda one: ranking(one, rank_by), seed, refit).run(
        verbose
    )


def classes_in(y: Any) -> np.ndarray | None:
    """The class of each row, to part the rows by; None where y is numbers, or several outputs."""
    if isinstance(y, Mapping | list | tuple):
        return None
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] > 1:
        is_one_hot = bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())
        return array.argmax(axis=1) if is_one_hot else None
    array = array.reshape(-1) if array.ndim == 2 else array
    few = array.ndim == 1 and array.dtype.kind in "biu" and len(np.unique(array)) <= max(2, len(array) // 5)
    return array if few else None


def _rows(y: Any) -> int:
    several = isinstance(y, list | tuple) and any(isinstance(array, np.ndarray) for array in y)
    return len(next(iter(y.values())) if isinstance(y, Mapping) else y[0] if several else y)


class OfArrays:
    """The problems of a search on arrays: rows of x, y and the weights."""

    def __init__(
        self,
        models: Sequence[tuple[Model, int]],
        x: Any,
        y: Any,
        weight: Any,
        parts: Sequence[tuple[np.ndarray, np.ndarray]],
        validation: tuple[Any, ...] | None = None,
    ) -> None:
        self._models, self._x, self._y, self._weight = models, x, y, weight
        self._parts, self._validation, self.folds = parts, validation, len(parts)

    def problem(self, group: int, fold: int) -> Problem:
        """The fold's rows."""
        model, size = self._models[group]
        kept, out = self._parts[fold]
        validation = self._validation or tuple(taken(one, out) for one in self._all)
        x, y, *weight = (taken(one, kept) for one in self._all)
        return Problem(model, x, y, weight[0] if weight else None, validation, size)

    def whole(self, group: int) -> Problem:
        """All rows."""
        model, size = self._models[group]
        return Problem(model, self._x, self._y, self._weight, None, size)

    @property
    def _all(self) -> list[Any]:
        return [self._x, self._y, *([] if self._weight is None else [self._weight])]


def taken(arrays: Any, rows: np.ndarray) -> Any:
    """These rows of an array, or of each of a list or a dictionary of arrays."""
    if isinstance(arrays, Mapping):
        return {name: taken(array, rows) for name, array in arrays.items()}
    if isinstance(arrays, list | tuple) and any(isinstance(array, np.ndarray) for array in arrays):
        return [taken(array, rows) for array in arrays]
    return np.asarray(arrays)[rows]
