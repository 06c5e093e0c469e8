"""The array-API namespace of the numpy backend: array-api-compat's, where what makes an array makes an `Array`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from math import prod
from types import SimpleNamespace
from typing import Any

from bpnet_backends.on_numpy import recording
from bpnet_backends.on_numpy.array import Array, as_plain

compat: Any = import_module("array_api_compat.numpy")

CREATION = ("arange", "empty", "eye", "full", "linspace", "ones", "zeros")


def _creating(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def create(*args: Any, **kwargs: Any) -> Array:
        made = function(*args, **kwargs)
        recording.note_created(made)
        view: Array = made.view(Array)
        return view

    return create


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Array:
    """As in the standard."""
    if isinstance(obj, Array) and copy is not False:
        converted: Array = obj.astype(obj.dtype if dtype is None else dtype, copy=bool(copy))
        return converted
    made = compat.asarray(as_plain(obj), dtype=dtype, device=device, copy=copy)
    if made.base is None and made is not obj:
        recording.note_created(made)
    view: Array = made.view(Array)
    return view


def from_dlpack(x: Any, /, **options: Any) -> Array:
    """As in the standard."""
    view: Array = compat.from_dlpack(as_plain(x), **options).view(Array)
    return view


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - the standard's names
    """As in the standard."""
    x = x if min is None else compat.maximum(x, min)
    return x if max is None else compat.minimum(x, max)


def mean(x: Any, /, *, axis: Any = None, keepdims: bool = False) -> Any:
    """As in the standard: the sum over the number of elements, which is how NumPy computes it."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return compat.sum(x, axis=axis, keepdims=keepdims) / prod(x.shape[i] for i in axes)


xp = SimpleNamespace(**{name: getattr(compat, name) for name in (*compat.__all__, "__array_namespace_info__")})
for _name in CREATION:
    setattr(xp, _name, _creating(getattr(compat, _name)))
xp.asarray, xp.from_dlpack, xp.clip, xp.mean = asarray, from_dlpack, clip, mean
