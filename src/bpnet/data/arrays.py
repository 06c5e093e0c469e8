"""What a user hands in, as NumPy arrays that are known to be good; everything else is one clear error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from bpnet.data import blocks
from bpnet.names import look_up


def numeric(name: str, value: Any) -> np.ndarray:
    """`value` as an array of numbers with at least one row, none of them NaN or infinite."""
    if value is None:
        raise ValueError(f"{name}: None came; expected an array with a row for each sample")
    if hasattr(value, "tocsr"):
        raise ValueError(f"{name}: a sparse matrix came; expected a dense array. Mend: {name}.toarray()")
    if np.ma.isMaskedArray(value) and np.ma.getmaskarray(value).any():
        raise ValueError(f"{name}: a masked array came; fill or drop the masked values first")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: rows of different lengths came ({error}); expected one rectangular array") from error
    if array.dtype.kind == "O":
        array = _numbers_in(name, array)
    if array.dtype.kind not in "biuf":
        kind = "text" if array.dtype.kind in "US" else str(array.dtype)
        raise ValueError(f"{name}: an array of {kind} came; expected numbers")
    if array.ndim == 0:
        raise ValueError(f"{name}: a single number came; expected an array with a row for each sample")
    if array.size == 0:
        raise ValueError(f"{name}: an empty array of shape {array.shape} came; expected at least one sample")
    place = blocks.first(array, _not_finite)
    if place is not None:
        number = blocks.count(array, _not_finite)
        raise ValueError(f"{name}: {number} values are NaN or infinite, the first at {place}; remove or fill them")
    return array


def _not_finite(array: np.ndarray) -> np.ndarray:
    found: np.ndarray = ~np.isfinite(array)
    return found


def _numbers_in(name: str, array: np.ndarray) -> np.ndarray:
    """An array of Python objects as float64, if they are all numbers."""
    for place, item in np.ndenumerate(array):
        if not isinstance(item, Real):
            raise ValueError(
                f"{name}: {item!r} came at {place}; expected numbers (text columns have to be encoded, missing values "
                "filled)"
            )
    return array.astype(np.float64)


def representable(name: str, array: np.ndarray, dtype: str) -> None:
    """ValueError where a value would become infinite in `dtype`."""
    most = float(np.finfo(dtype).max)
    largest = blocks.most(array, np.abs) if array.dtype.kind == "f" else 0.0
    if largest > most:
        raise ValueError(
            f"{name}: values up to {largest:g} came, but {dtype} ends at {most:.2g}; scale them, or use dtype='float64'"
        )


def inputs(name: str, value: Any, shape: tuple[int, ...], layer: str) -> np.ndarray:
    """`value` as rows of `shape`, which `layer` expects."""
    array = numeric(name, value)
    if array.shape[1:] != shape:
        mend = f". Mend: {name}[None] for one sample" if array.shape == shape else ""
        raise ValueError(
            f"{name}: an array of shape {array.shape} came, but layer {layer!r} expects (samples, "
            f"{', '.join(map(str, shape))}){mend}"
        )
    return array


def for_each(name: str, value: Any, expected: Sequence[str]) -> list[tuple[str, Any]]:
    """What `value` has for each of the inputs or outputs called `expected`, with its name for errors.

    For one it is `value` itself; for several a list in their order; for any number a dictionary by name.
    """
    if len(expected) == 1 and not isinstance(value, dict):
        return [(name, value)]
    names = ", ".join(map(repr, expected))
    if isinstance(value, dict):
        for key in value:
            look_up(name, key, dict.fromkeys(expected))
        missing = [key for key in expected if key not in value]
        if missing:
            raise ValueError(f"{name}: nothing came for {missing[0]!r}; expected arrays for {names}")
        value = [value[key] for key in expected]
    elif not isinstance(value, list | tuple) or len(value) != len(expected):
        came = f"{len(value)} arrays" if isinstance(value, list | tuple) else f"one {type(value).__name__}"
        raise ValueError(f"{name}: {came} came, expected a list of {len(expected)} arrays, for {names}")
    return [(f"{name}[{key!r}]", array) for key, array in zip(expected, value, strict=True)]


def rows_of_a_table(name: str, array: np.ndarray, layer: str, rows: int) -> None:
    """ValueError unless every number of `array` names one of the rows of the table of `layer`."""
    place = blocks.first(array, lambda part: (part < 0) | (part >= rows) | (part % 1 != 0))
    if place is not None:
        raise ValueError(
            f"{name}: {array[place]:g} came at {place}, but layer {layer!r} expects whole numbers from 0 to "
            f"{rows - 1}, the rows of its table. Mend: number things from 0, or a larger input_dim"
        )


def same_rows(name: str, array: np.ndarray, rows: int, of: str = "x") -> None:
    """ValueError unless `array` has a row for each of `rows` samples."""
    if array.shape[0] != rows:
        raise ValueError(f"{name}: {array.shape[0]} rows came for {rows} samples in {of}; expected one for each")


def sample_weights(value: Any, rows: int) -> np.ndarray | None:
    """One weight from 0 for each sample, not all 0; None stays None."""
    if value is None:
        return None
    array = numeric("sample_weight", value)
    if array.ndim != 1:
        raise ValueError(f"sample_weight: shape {array.shape} came; expected ({rows},), one weight a sample")
    same_rows("sample_weight", array, rows)
    if (array < 0).any() or not (array > 0).any():
        raise ValueError("sample_weight: weights must be 0 or more, and not all 0")
    return array.astype(np.float64)


def class_weights(value: Mapping[int, float], y: np.ndarray, kind: str) -> np.ndarray:
    """For each sample the weight of its class; classes that are not named weigh 1."""
    if not isinstance(value, Mapping):
        raise ValueError(f"class_weight: {value!r} was given, expected a dictionary: {{0: 1.0, 1: 5.0}}")
    if kind == "labels":
        labels = y
    elif kind == "one_hot":
        labels = y.argmax(axis=-1)
    elif kind == "binary" and y.shape[1:] == (1,):
        labels = (y[:, 0] > 0.5).astype(np.int64)
    else:
        raise ValueError("class_weight: the loss has no classes to weigh; use sample_weight")
    weights = np.ones(len(y))
    for label, weight in value.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise ValueError(f"class_weight: class {label} has the weight {weight!r}; a finite number from 0")
        if label not in labels:
            raise ValueError(f"class_weight: class {label!r} is not in y; it has {sorted(set(labels.tolist()))[:20]}")
        weights[labels == label] = weight
    return weights


def to_categorical(labels: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows (samples, num_classes) of class numbers from 0; by default as many classes as the largest needs.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    array = numeric("labels", labels).reshape(-1)
    whole = array.astype(np.int64)
    classes = int(whole.max()) + 1 if num_classes is None else whole_number("num_classes", num_classes)
    if (whole != array).any() or whole.min() < 0 or whole.max() >= classes:
        raise ValueError(
            f"labels: values from {array.min():g} to {array.max():g} came, expected whole numbers from 0 "
            f"to {classes - 1}"
        )
    return np.eye(classes)[whole]


def whole_number(name: str, value: Any, least: int = 1, default: int | None = None) -> int:
    """`value` as an int that is at least `least`; for None the `default`, if there is one."""
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}: {value!r} was given, expected a whole number from {least}")
    return int(value)


def one_of(name: str, value: Any, known: Sequence[str | None]) -> None:
    """ValueError unless `value` is one of these."""
    if not (value is None or isinstance(value, str)) or value not in known:
        expected = ", ".join(map(repr, known[:-1]))
        raise ValueError(f"{name}: {value!r} was given, expected {expected} or {known[-1]!r}")


def flag(name: str, value: Any) -> bool:
    """`value`, if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: {value!r} was given, expected True or False")
    return bool(value)


def micro_batch(value: Any) -> int | str | None:
    """None, "auto", or a whole number from 1."""
    if value is None:
        return None
    if not isinstance(value, str):
        return whole_number("micro_batch", value)
    if value != "auto":
        raise ValueError(f"micro_batch: {value!r} was given, expected a whole number from 1, 'auto' or None")
    return value
