"""The standard's functions that make arrays, in a traced step: a number is copied to all places, the rest is brought.

What a step brings to the device is brought once, while it is traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bpnet_backends.on_cuda.notes import numpy_type, present
from bpnet_backends.on_cuda.shaping import copied


def filled(shape: Any, value: Any, dtype: np.dtype) -> np.ndarray:
    """A new array, each element of which is `value`, a number of Python or an array without axes."""
    out = present().made(_shape(shape), dtype)
    present().note("copy", np.copyto, (value,), (out,))
    return out


def uploaded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An array of the host, brought to the device at once."""
    notes = present()
    return notes.constant(notes.device.asarray(values, dtype.name))


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """Of any contents."""
    return present().made(_shape(shape), _floating(dtype))


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return filled(shape, _number(0, _floating(dtype)), _floating(dtype))


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return filled(shape, _number(1, _floating(dtype)), _floating(dtype))


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    wanted = _type_of(fill_value) if dtype is None else numpy_type(dtype)
    return filled(shape, fill_value if isinstance(fill_value, np.ndarray) else _number(fill_value, wanted), wanted)


def empty_like(x: np.ndarray, /, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return empty(x.shape, dtype=x.dtype if dtype is None else dtype)


def zeros_like(x: np.ndarray, /, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return zeros(x.shape, dtype=x.dtype if dtype is None else dtype)


def ones_like(x: np.ndarray, /, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return ones(x.shape, dtype=x.dtype if dtype is None else dtype)


def full_like(x: np.ndarray, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> np.ndarray:
    """The array itself, a copy of it, or an array of numbers."""
    if isinstance(obj, np.ndarray):
        wanted = obj.dtype if dtype is None else numpy_type(dtype)
        return copied(obj, wanted) if copy or wanted != obj.dtype else obj
    if any(isinstance(part, np.ndarray) for part in _leaves(obj)):
        present().stop("asarray of a list of arrays")
    wanted = _type_of(obj) if dtype is None else numpy_type(dtype)
    if isinstance(obj, bool | int | float):
        return filled((), _number(obj, wanted), wanted)
    return uploaded(np.asarray(obj), wanted)


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    values = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    return uploaded(values, _type_of(values.tolist() or 0) if dtype is None else numpy_type(dtype))


def eye(rows: int, columns: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> np.ndarray:
    """As in the standard."""
    return uploaded(np.eye(rows, columns, k), _floating(dtype))


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> np.ndarray:
    """As in the standard."""
    return uploaded(np.linspace(start, stop, num, endpoint=endpoint), _floating(dtype))


def _shape(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int) else tuple(int(n) for n in shape)


def _number(value: Any, dtype: np.dtype) -> Any:
    """As a number of Python of that kind."""
    return {"b": bool, "i": int, "u": int, "f": float}.get(dtype.kind, complex)(value)


def _floating(dtype: Any) -> np.dtype:
    return numpy_type(_defaults()["real floating"] if dtype is None else dtype)


def _type_of(obj: Any) -> np.dtype:
    """The library's type for an array of Python's numbers."""
    kinds = {type(part) for part in _leaves(obj)}
    if not kinds <= {bool, int, float}:
        present().stop("an array of something else than numbers")
    if float in kinds or not kinds:
        return numpy_type(_defaults()["real floating"])
    return numpy_type(_defaults()["integral"]) if int in kinds else np.dtype(bool)


def _defaults() -> Any:
    return present().device.xp.__array_namespace_info__().default_dtypes()


def _leaves(obj: Any) -> Iterator[Any]:
    if isinstance(obj, list | tuple | range):
        for part in obj:
            yield from _leaves(part)
    else:
        yield obj


RULES: dict[str, Callable[..., Any]] = {
    rule.__name__: rule
    for rule in (empty, zeros, ones, full, empty_like, zeros_like, ones_like, full_like, asarray, arange, eye, linspace)
}
