"""The column that is predicted: what task it makes, and how it becomes numbers and back.

The task, where it is not stated: text and booleans are classes; two different numbers are classes; whole numbers with
at most FEW different values, of which each has ENOUGH rows on average, are classes; all other numbers are regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bpnet.tables.error import TableError, rows_named
from bpnet.tables.kinds import Values, text_of, values_of

FEW = 10
ENOUGH = 5
TASKS = ("regression", "binary", "multi-class", "classification")
MARGIN = 0.1
"""How far beyond the range of the training part a prediction through the logarithm may go, in widths of it."""


@dataclass(frozen=True)
class Target:
    """A regression target t is (u - mean) / std with u = t, or u = log t if `log`; a class is its number in `classes`.

    Through the logarithm, predictions of u are kept within [low, high], because exp makes much of a small excess.
    """

    name: str
    task: str
    classes: tuple[Any, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    log: bool = False
    low: float = 0.0
    high: float = 0.0

    @property
    def outputs(self) -> tuple[int, ...]:
        """The shape of what the network says of a row."""
        return (len(self.classes) if self.task == "multi-class" else 1,)

    def encode(self, column: Any) -> np.ndarray:
        """A column of Arrow as scaled numbers (N,), or as the classes' numbers (N,) int64."""
        return self.scaled(self.numbers(column)) if self.task == "regression" else self.labels(column)

    def numbers(self, column: Any) -> np.ndarray:
        """The values of a regression target, in its own unit."""
        found = required(self.name, column)
        if found.kind == "category":
            _refuse_words(self.name, column)
        return np.asarray(found.values)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """What the network learns."""
        if self.log and (values <= 0).any():
            raise TableError(
                f"target {self.name!r}: numbers from 0 down came in {rows_named(np.flatnonzero(values <= 0))}, "
                "expected positive ones as in training, where logarithms were taken"
            )
        return np.asarray(((np.log(values) if self.log else values) - self.mean) / self.std)

    def labels(self, column: Any) -> np.ndarray:
        """The classes' numbers."""
        found = required(self.name, column)
        by_name = {name(one): number for name in (_key, str) for number, one in enumerate(self.classes)}
        words = any(isinstance(one, str) for one in self.classes)  # then 1.10 is not 1.1, whatever is beside it
        values = text_of(column).to_pylist() if words else class_values(found, column)
        keys = [str(one) if str(one) in by_name else _key(one) for one in values]
        unknown = [row for row, key in enumerate(keys) if key not in by_name]
        if unknown:
            raise TableError(
                f"target {self.name!r}: the class {keys[unknown[0]]!r} came in {rows_named(unknown)}, expected one of "
                f"{', '.join(map(str, self.classes))}"
            )
        return np.array([by_name[key] for key in keys], dtype=np.int64)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """(N, classes) from what the network says."""
        if self.task == "regression":
            raise TableError(f"predict_proba: {self.name!r} is a number, expected classes. Mend: predict")
        return np.concatenate([1 - outputs, outputs], axis=1) if self.task == "binary" else outputs

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Values in the target's own unit, or classes, (N,), from what the network says."""
        if self.task != "regression":
            classes: np.ndarray = np.array(self.classes)[self.probabilities(outputs).argmax(axis=1)]
            return classes
        values = outputs[:, 0].astype(np.float64) * self.std + self.mean
        return np.exp(np.clip(values, self.low, self.high)) if self.log else values

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"classes": list(self.classes)}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Target:
        """The inverse of `facts`."""
        return cls(**dict(facts) | {"classes": tuple(facts["classes"])})


def required(name: str, column: Any) -> Values:
    """The target's values, none of which may be missing."""
    found = values_of(name, column)
    missing = np.asarray(text_of(column).is_null()) if found.kind in ("", "unknown") or found.note else found.missing
    if found.kind == "unknown":
        raise TableError(f"target {name!r}: {column.type} came, expected numbers, booleans or text")
    if missing.all():
        raise TableError(f"target {name!r}: all values are missing, expected one in each row")
    if missing.any():
        raise TableError(
            f"target {name!r}: it is missing in {int(missing.sum())} of {len(missing)} rows: "
            f"{rows_named(np.flatnonzero(missing))}, expected one in each row. Mend: fill or remove these rows"
        )
    if found.kind == "number" and np.isnan(found.values).any():
        _refuse_words(name, column)
    return found


def infer(name: str, column: Any, task: str | None) -> Target:
    """The target with its task and classes, from all rows; `fit` learns mean and deviation from those of training."""
    if task is not None and task not in TASKS:
        raise TableError(f"task: {task!r} was given, expected {', '.join(TASKS)}")
    found = required(name, column)
    if task == "regression" or (task is None and _is_regression(found)):
        target = Target(name, "regression")
        values = target.numbers(column)
        if values.min() == values.max():
            raise TableError(f"target {name!r}: it is {values[0]:g} in every row, expected values that differ")
        return target
    classes = _classes(found, column)
    rows = len(column)
    if len(classes) == 1:
        raise TableError(
            f"target {name!r}: all {rows} rows have the class {classes[0]!r}, expected two classes or more"
        )
    if len(classes) > max(2, rows // 2):
        raise TableError(
            f"target {name!r}: {len(classes)} different values came in {rows} rows, expected classes with several rows "
            "each. Mend: another target, or task='regression' for numbers"
        )
    if task == "binary" and len(classes) != 2:
        raise TableError(f"task: 'binary' was given, but the target {name!r} has {len(classes)} classes, expected 2")
    kind = "binary" if len(classes) == 2 and task != "multi-class" else "multi-class"
    return Target(name, kind, classes)


def fit(target: Target, values: np.ndarray, log: bool = False) -> Target:
    """With the mean and deviation of the training part's `values`, in their own unit."""
    values = np.log(values) if log else values
    low, high, scale = float(values.min()), float(values.max()), float(np.abs(values).max()) or 1.0
    std, margin = float((values / scale).std()) * scale, MARGIN * (high - low)
    if not std:
        raise TableError(f"target {target.name!r}: it is the same in every row of the training part")
    mean = float((values / scale).mean()) * scale
    return replace(target, mean=mean, std=std, log=log, low=low - margin, high=high + margin)


def class_values(found: Values, column: Any) -> list[Any]:
    """The classes of the rows: text, booleans, whole numbers or numbers."""
    if found.kind == "category" or (found.kind == "boolean" and not _is_bool(column)) or found.note:
        return list(text_of(column).to_pylist())
    if found.kind == "boolean":
        return [bool(value) for value in found.values]
    if "int" in str(column.type) and "<" not in str(column.type):  # those from 2⁵³ on are not all float64
        return [int(value) for value in column.to_pylist()]
    return [int(value) if value == int(value) else value for value in map(float, found.values)]


def _classes(found: Values, column: Any) -> tuple[Any, ...]:
    different = set(class_values(found, column))
    return tuple(sorted(different))


def _is_regression(found: Values) -> bool:
    if found.kind != "number":
        return False
    different = np.unique(found.values)
    few = len(different) <= FEW and len(found.values) >= ENOUGH * len(different)
    return not (len(different) <= 2 or (few and bool((different == np.round(different)).all())))


def _is_bool(column: Any) -> bool:
    return str(column.type) == "bool"


def _key(value: Any) -> str:
    """What makes two spellings of a class one: a boolean and its word, a number and its text."""
    return str(value).lower() if isinstance(value, bool) or str(value).lower() in ("true", "false") else str(value)


def _refuse_words(name: str, column: Any) -> None:
    from bpnet.tables.kinds import numbers_in

    text = text_of(column)
    wrong = np.flatnonzero(~numbers_in(text))
    shown = ", ".join(repr(text[int(row)].as_py()) for row in wrong[:3])
    raise TableError(
        f"target {name!r}: {len(wrong)} words ({shown}) came in {rows_named(wrong)}, expected numbers. "
        "Mend: correct or remove these rows"
    )
