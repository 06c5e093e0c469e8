"""NumPy's array, which tells a recorder, where one listens, what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet_backends.on_numpy import recording

OWN_FUNCTION = ("argmax", "argmin", "argsort", "clip", "cumsum", "cumprod", "dot", "repeat", "round", "searchsorted")
"""Methods that NumPy computes without a ufunc, and that are functions of the same name."""

IN_PLACE = ("fill", "partition", "put", "resize", "sort")
"""Methods that change the array without a ufunc."""

ABOUT = (np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.may_share_memory, np.shares_memory)
"""Functions that tell of arrays what is the same at each replay."""

OF_ANY_LENGTH = (np.argwhere, np.compress, np.extract, np.flatnonzero, np.unique)
"""Functions whose result may have another shape at each replay."""

TO_THE_HOST = ("__float__", "__int__", "__bool__", "__index__", "__complex__", "item", "tolist", "tobytes")
"""Ways from an array to a value of Python, which a replayed step would not take again."""


class Array(np.ndarray):
    """An ndarray like any other. While a step is recorded, each operation on it is computed and written down.

    An operation's result is an Array too, also where NumPy itself would return a scalar: a replayed step writes its
    results where the recorded one left them, so each of them needs memory.
    """

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: tuple[Any, ...] = (), **options: Any
    ) -> Any:
        """The ufunc's result on the plain arrays."""
        plain = tuple(as_plain(x) for x in inputs)
        targets = tuple(as_plain(x) for x in out)
        given = {**options, "out": targets} if targets else options
        for target in targets:
            recording.will_write(target)
        result = getattr(ufunc, method)(*plain, **given)
        if result is None:  # `ufunc.at` changes its first input
            recording.stop(f"{ufunc.__name__}.{method}")
            return None
        several = isinstance(result, tuple)
        outputs = tuple(np.asarray(part) for part in (result if several else (result,)))
        recording.note_ufunc(ufunc, method, plain, outputs, options, in_place=bool(targets))
        wrapped = tuple(part.view(Array) for part in outputs)
        return wrapped if several else wrapped[0]

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """The function's result on the plain arrays: views stay views, what is new is written down."""
        plain_args, plain_kwargs = unwrapped(args), unwrapped(kwargs)
        result = function(*plain_args, **plain_kwargs)
        return noted(function, plain_args, plain_kwargs, result)

    def __getitem__(self, key: Any) -> Any:
        """A view where NumPy gives one; of a single element too, which has 0 dimensions."""
        plain, plain_key = as_plain(self), unwrapped(key)
        keys = plain_key if isinstance(plain_key, tuple) else (plain_key,)
        if any(isinstance(part, np.ndarray) and part.dtype == np.bool_ for part in keys):
            recording.stop("a selection by truth values")
        return noted(np.ndarray.__getitem__, (plain, plain_key), {}, selected(plain, plain_key))

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write `value` into the elements that `key` selects."""
        plain, plain_key, plain_value = as_plain(self), unwrapped(key), as_plain(value)
        if recording.listening():
            target = selected(plain, plain_key)
            if target.size == 0 or np.may_share_memory(target, plain):
                recording.will_write(target)
                recording.note_copy(plain_value, target)
            else:
                recording.stop("assignment to selected elements")
        plain[plain_key] = plain_value

    def astype(self, dtype: Any, *args: Any, copy: bool = True, **kwargs: Any) -> Any:  # type: ignore[override]
        """A copy of another type; the array itself where the type is the same and `copy` is False."""
        plain = as_plain(self)
        result = plain.astype(dtype, *args, copy=copy, **kwargs)
        if result is not plain:
            recording.note_conversion(plain, result)
        return result.view(Array)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """The elements in another shape; a view where NumPy can give one."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def ravel(self, order: Any = "C") -> Any:
        """The elements in one row."""
        return np.reshape(self, -1, order=order)

    def flatten(self, order: Any = "C") -> Any:
        """A copy of the elements in one row."""
        return self.ravel(order).copy()

    def copy(self, order: Any = "C") -> Any:
        """A copy."""
        return self.astype(self.dtype, order=order)

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
        """The elements at `indices`."""
        return np.take(self, indices, axis, out, mode)


def as_plain(x: Any) -> Any:
    """The same memory as a NumPy array; anything else as it is."""
    return x.view(np.ndarray) if isinstance(x, Array) else x


def unwrapped(x: Any) -> Any:
    """`x` with all arrays within its lists, tuples and dictionaries plain."""
    return recording.with_arrays(x, as_plain)


def selected(array: np.ndarray, key: Any) -> Any:
    """`array[key]`, but a view of 0 dimensions where NumPy would make a scalar of one element."""
    found = array[key]
    if isinstance(found, np.generic):
        found = array[(*key, ...) if isinstance(key, tuple) else (key, ...)]
    return found


def noted(function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> Any:
    """`result` as an Array, or a list or tuple of them, written down unless it is a view of an argument."""
    if isinstance(result, list | tuple):
        if recording.listening():
            recording.stop(f"{function.__name__}, which returns several arrays")
        return type(result)(noted(function, args, kwargs, part) for part in result)
    if function in OF_ANY_LENGTH:
        recording.stop(function.__name__)
    if not isinstance(result, np.ndarray | np.generic):
        if function not in ABOUT:
            recording.stop(function.__name__)
        return result
    array = np.asarray(result)
    recording.note_function(function, args, kwargs, array)
    return array.view(Array)


def _through_function(name: str) -> Callable[..., Any]:
    def method(self: Array, *args: Any, **kwargs: Any) -> Any:
        return getattr(np, name)(self, *args, **kwargs)

    return method


def _unrecorded(name: str) -> Callable[..., Any]:
    def method(self: Array, *args: Any, **kwargs: Any) -> Any:
        recording.stop(name)
        return getattr(as_plain(self), name)(*args, **kwargs)

    return method


for _name in OWN_FUNCTION:
    setattr(Array, _name, _through_function(_name))
for _name in (*TO_THE_HOST, *IN_PLACE):
    setattr(Array, _name, _unrecorded(_name))
