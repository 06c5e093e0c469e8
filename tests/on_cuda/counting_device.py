"""NumPy's memory under an array class that refuses to compute while it is told to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import array_api_compat.numpy as compat
import numpy as np

from bpnet_backends.on_cuda import tracing
from bpnet_backends.on_cuda.device import Memory
from on_cuda.numpy_device import NumPyDevice


class Refusing(np.ndarray):
    """Outside of traced steps an ndarray like any other."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        assert not tracing.listening(), f"{ufunc.__name__} is computed"
        plain = [np.asarray(x) for x in inputs]
        if out:
            getattr(ufunc, method)(*plain, out=tuple(np.asarray(x) for x in out), **options)
            return out[0]
        return np.asarray(getattr(ufunc, method)(*plain, **options)).view(Refusing)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        assert not tracing.listening(), f"{function.__name__} is computed"
        return super().__array_function__(function, types, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        assert not tracing.listening(), "an element is looked at"
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        assert not tracing.listening(), "an element is written"
        super().__setitem__(key, value)


class CountingDevice(NumPyDevice):
    """It counts what is brought to it, and makes nothing in traced steps."""

    def __init__(self) -> None:
        self.brought = 0
        self.brought_in_steps = 0
        self.allocated = 0
        self.xp = SimpleNamespace(**{name: self._watched(name) for name in dir(compat) if not name.startswith("__")})
        self.xp.__array_namespace_info__ = compat.__array_namespace_info__

    def asarray(self, x: Any, dtype: str) -> Any:
        self.brought += 1
        self.brought_in_steps += tracing.listening()
        return super().asarray(x, dtype).view(Refusing)

    def to_numpy(self, x: Any) -> Any:
        return np.array(x.view(np.ndarray))

    def allocate(self, size: int) -> Memory:
        self.allocated += 1
        return super().allocate(size)

    def _watched(self, name: str) -> Any:
        function = getattr(compat, name)
        if not callable(function) or isinstance(function, type):
            return function

        def watched(*args: Any, **kwargs: Any) -> Any:
            assert not tracing.listening(), f"xp.{name} is called"
            return function(*args, **kwargs)

        return watched
