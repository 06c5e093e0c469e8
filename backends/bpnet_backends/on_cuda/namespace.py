"""The array-API namespace of a library on a GPU, for our arrays."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from bpnet_backends.on_cuda import notes
from bpnet_backends.on_cuda.arrays import call, unwrapped, wrapped
from bpnet_backends.on_cuda.device import Device

ABOUT_TYPES = ("broadcast_shapes", "can_cast", "finfo", "iinfo", "isdtype")
"""Functions that compute nothing: they are the library's in traced steps too."""


class Namespace:
    """The library's namespace, whose functions take and return our arrays; types and constants are the library's."""

    def __init__(self, device: Device, part: Any = None, prefix: str = "") -> None:
        self._device = device
        self._part = device.xp if part is None else part
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and not name.startswith("__array"):  # copying and pickling look for their own names
            raise AttributeError(name)
        found = getattr(self._part, name)
        if isinstance(found, ModuleType):
            found = Namespace(self._device, found, f"{self._prefix}{name}.")
        elif callable(found) and not isinstance(found, type) and not name.startswith("_"):
            found = self._function(name, found)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return dir(self._part)

    def __repr__(self) -> str:
        return f"Namespace({self._prefix or self._device.name})"

    def _function(self, name: str, own: Any) -> Any:
        device, full = self._device, self._prefix + name

        def function(*args: Any, **kwargs: Any) -> Any:
            if not self._prefix and name not in ABOUT_TYPES:
                return call(name, device, *args, **kwargs)
            if name not in ABOUT_TYPES:
                notes.stop(f"xp.{full}")
            return wrapped(own(*unwrapped(args), **unwrapped(kwargs)), device)

        function.__name__, function.__doc__ = name, getattr(own, "__doc__", None)
        return function


def namespace(device: Device) -> Any:
    """The namespace for arrays on `device`."""
    key: Any = device
    return _namespace(key)


@cache
def _namespace(device: Any) -> Namespace:
    return Namespace(device)
