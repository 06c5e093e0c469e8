"""The standard's functions that compute, on stand-ins: each works out shape and type, and is written down."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from bpnet_backends.on_cuda.notes import numpy_type, present

OTHER_NAMES = {
    "abs": "absolute",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
    "bitwise_invert": "invert",
    "bitwise_left_shift": "left_shift",
    "bitwise_right_shift": "right_shift",
    "pow": "power",
    "round": "rint",
}
"""What NumPy's ufuncs are called where not as in the standard."""

# fmt: off
SAME_NAMES = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "negative", "positive", "reciprocal",
    "square", "sqrt", "sign", "signbit", "copysign", "nextafter", "maximum", "minimum", "hypot",
    "exp", "expm1", "log", "log1p", "log2", "log10", "logaddexp",
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceil", "trunc",
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isfinite", "isinf", "isnan",
    "bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor", "logical_not",
)
# fmt: on

UFUNCS: dict[str, np.ufunc] = {
    **{name: getattr(np, name) for name in SAME_NAMES},
    **{name: getattr(np, own) for name, own in OTHER_NAMES.items()},
}

OF_TRUTH = {
    np.bitwise_and: np.logical_and,
    np.bitwise_or: np.logical_or,
    np.bitwise_xor: np.not_equal,
    np.invert: np.logical_not,
}
"""The same of truth values, in terms that need no bits."""


def elementwise(ufunc: np.ufunc, *inputs: Any) -> np.ndarray:
    """A new array of the ufunc's results."""
    ufunc = of_truth(ufunc, inputs)
    shape = np.broadcast_shapes(*(np.shape(x) for x in inputs))
    out = present().made(shape, result_type_of(ufunc, inputs))
    present().note("elementwise", ufunc, inputs, (out,))
    return out


def in_place(ufunc: np.ufunc, target: np.ndarray, *others: Any) -> np.ndarray:
    """The ufunc's results in place of its first argument."""
    inputs = (target, *others)
    ufunc = of_truth(ufunc, inputs)
    found = result_type_of(ufunc, inputs)
    if not np.can_cast(found, target.dtype, "same_kind"):
        raise TypeError(f"{ufunc.__name__}: its result is {found}, expected what fits the array, {target.dtype}")
    if np.broadcast_shapes(*(np.shape(x) for x in inputs)) != target.shape:
        raise ValueError(f"{ufunc.__name__}: the shapes {[np.shape(x) for x in inputs]} do not fit the first of them")
    if found != target.dtype:  # computed in the wider type, and rounded to the array's at last
        present().note("copy", np.copyto, (elementwise(ufunc, *inputs),), (target,))
    else:
        present().note("elementwise", ufunc, inputs, (target,))
    return target


def of_truth(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> np.ufunc:
    """The logical function where the bitwise one is asked of truth values."""
    truth = all(x.dtype == np.bool_ if isinstance(x, np.ndarray) else isinstance(x, bool) for x in inputs)
    return OF_TRUTH.get(ufunc, ufunc) if truth else ufunc


def result_type_of(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> np.dtype:
    """Of the ufunc's result; a number of Python takes the type of the arrays, as in the standard."""
    types = tuple(
        x.dtype if isinstance(x, np.ndarray) else np.dtype(bool) if isinstance(x, bool) else type(x) for x in inputs
    )
    return ufunc.resolve_dtypes((*types, None))[-1]


def power(x: Any, y: Any) -> np.ndarray:
    """x ** y as NumPy's operator does it."""
    if isinstance(x, np.ndarray) and not isinstance(y, np.ndarray):
        floating = x.dtype.kind == "f"
        if type(y) is int and y == 2:
            return elementwise(np.square, x)
        if floating and type(y) is int and y == -1:
            return elementwise(np.reciprocal, x)
        if floating and type(y) is float and y == 0.5:
            return elementwise(np.sqrt, x)
    return elementwise(np.power, x, y)


def reduction(ufunc: np.ufunc, x: np.ndarray, axis: Any, keepdims: bool, dtype: Any = None) -> np.ndarray:
    """The ufunc's reduction over `axis`, an axis or several, or all where it is None."""
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes)
    options: dict[str, Any] = {"axis": axis}
    if keepdims:
        options["keepdims"] = True
    if dtype is not None:
        options["dtype"] = numpy_type(dtype)
        result = options["dtype"]
    elif ufunc in (np.logical_and, np.logical_or):
        result = np.dtype(bool)
    elif ufunc in (np.add, np.multiply) and x.dtype.kind in "biu" and x.dtype.itemsize < 8:
        result = np.dtype(np.uint64 if x.dtype.kind == "u" else np.int64)
    else:
        result = x.dtype
    if ufunc in (np.maximum, np.minimum) and not prod(x.shape[i] for i in axes):
        raise ValueError(f"{ufunc.__name__}: an array of shape {x.shape} was given, expected elements along {axes}")
    out = present().made(shape, result)
    present().note("reduce", ufunc.reduce, (x,), (out,), options)
    return out


def summing(ufunc: np.ufunc) -> Callable[..., np.ndarray]:
    """`sum` and `prod`, which may be of another type than their argument."""

    def rule(x: np.ndarray, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> np.ndarray:
        return reduction(ufunc, x, axis, keepdims, dtype)

    return rule


def reducing(ufunc: np.ufunc) -> Callable[..., np.ndarray]:
    """`max`, `min`, `all`, `any`."""

    def rule(x: np.ndarray, /, *, axis: Any = None, keepdims: bool = False) -> np.ndarray:
        return reduction(ufunc, x, axis, keepdims)

    return rule


def mean(x: np.ndarray, /, *, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """The sum over the number of elements."""
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    return elementwise(np.divide, reduction(np.add, x, axis, keepdims), prod(x.shape[i] for i in axes))


def var(x: np.ndarray, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> np.ndarray:
    """Σ (x - mean)² / (number - correction)."""
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    off = elementwise(np.subtract, x, mean(x, axis=axis, keepdims=True))
    total = reduction(np.add, elementwise(np.square, off), axis, keepdims)
    return elementwise(np.divide, total, prod(x.shape[i] for i in axes) - correction)


def std(x: np.ndarray, /, **options: Any) -> np.ndarray:
    """√ var."""
    return elementwise(np.sqrt, var(x, **options))


def count_nonzero(x: np.ndarray, /, *, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """How many elements are not 0."""
    return reduction(np.add, elementwise(np.not_equal, x, 0), axis, keepdims)


def clip(x: np.ndarray, /, min: Any = None, max: Any = None) -> np.ndarray:  # noqa: A002 - the standard's names
    """The elements between `min` and `max`."""
    x = x if min is None else elementwise(np.maximum, x, min)
    return x if max is None else elementwise(np.minimum, x, max)


def where(condition: Any, x: Any, y: Any, /) -> np.ndarray:
    """x where the condition holds, y elsewhere."""
    weak = tuple(part.dtype if isinstance(part, np.ndarray) else part for part in (x, y))
    shape = np.broadcast_shapes(*(np.shape(part) for part in (condition, x, y)))
    out = present().made(shape, np.result_type(*weak))
    present().note("where", np.where, (condition, x, y), (out,))
    return out


RULES: dict[str, Callable[..., Any]] = {
    **{name: lambda *inputs, ufunc=ufunc: elementwise(ufunc, *inputs) for name, ufunc in UFUNCS.items()},
    "sum": summing(np.add),
    "prod": summing(np.multiply),
    "max": reducing(np.maximum),
    "min": reducing(np.minimum),
    "all": reducing(np.logical_and),
    "any": reducing(np.logical_or),
    "mean": mean,
    "var": var,
    "std": std,
    "count_nonzero": count_nonzero,
    "clip": clip,
    "where": where,
}
