"""The arrays of the backends on a GPU: the library's own outside of traced steps, stand-ins within them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj

from bpnet_backends.on_cuda import computing, notes, shaping
from bpnet_backends.on_cuda.device import Device
from bpnet_backends.on_cuda.rules import RULES

BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
"""Operators with a reflected and an in-place form, and the functions that they are."""

COMPARING = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}
TO_THE_HOST = ("bool", "int", "float", "complex", "index")


class Array:
    """An array as in the standard. In a traced step an operation on it is only written down."""

    __slots__ = ("__weakref__", "_own", "_stand_in", "home")
    __array_ufunc__ = None
    """NumPy's arrays leave operators to this one's."""
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, own: Any, home: Device | None, stand_in: np.ndarray | None = None) -> None:
        self._own = own
        self._stand_in = stand_in
        self.home: Any = home
        """The Device whose memory it lies in; None where it has none yet."""

    @property
    def own(self) -> Any:
        """The library's array."""
        if self._own is None:
            notes.stop("asking for the values of an array")
            raise RuntimeError(
                "array: one was given that a traced step made, expected an array with values. Mend: make before the "
                "step what is to outlive it, and let the step write into it with x[...] = "
            )
        return self._own

    @property
    def stand_in(self) -> np.ndarray:
        """What stands for it in the step that is traced."""
        if self._stand_in is not None and self._own is None:
            return self._stand_in
        return notes.present().stand_in(self._own)

    def settle(self, home: Any, device: Any) -> None:
        """Take memory on `home`, in the library's words `device`, if it has none yet."""
        if self._own is None and self.home is None:
            dtype = type_of_library(home, self._shown.dtype.name)
            self._own, self.home = home.xp.empty(self.shape, dtype=dtype, device=device), home

    @property
    def _shown(self) -> Any:
        return self._stand_in if self._own is None else self._own

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return tuple(self._shown.shape)

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self._shown.shape)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(np.prod(self._shown.shape, dtype=np.int64))

    @property
    def dtype(self) -> Any:
        """The type of an element, as the library names it."""
        if self._own is None and self.home is not None:
            return type_of_library(self.home, self._shown.dtype.name)
        return self._shown.dtype

    @property
    def device(self) -> Any:
        """Where it lies, in the library's words."""
        return self.home if self._own is None else getattr(self._own, "device", "cpu")

    @property
    def T(self) -> Array:  # noqa: N802 - the standard's name
        """The matrix with rows and columns exchanged."""
        if self.ndim != 2:
            raise ValueError(f"T: an array of {self.ndim} axes was given, expected 2. Mend: use mT or permute_dims")
        return self.mT

    @property
    def mT(self) -> Array:  # noqa: N802 - the standard's name
        """The last two axes exchanged."""
        found: Array = call("matrix_transpose", self.home, self)
        return found

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from bpnet_backends.on_cuda.namespace import namespace

        return namespace(self.home)

    def __getitem__(self, key: Any) -> Any:
        if notes.listening():
            return wrapped(shaping.select(self.stand_in, stood_in(key)), self.home)
        return wrapped(self.own[unwrapped(key)], self.home)

    def __setitem__(self, key: Any, value: Any) -> None:
        if notes.listening():
            shaping.assign(self.stand_in, stood_in(key), stood_in(value))
        else:
            self.own[unwrapped(key)] = unwrapped(value)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i, ...] for i in range(self.shape[0]))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            "array: NumPy was given one that lies on a GPU, expected one in the host's memory. "
            "Mend: backend.to_numpy(x)"
        )

    def __dlpack__(self, **options: Any) -> Any:
        notes.stop("handing an array to another library")
        return self.own.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.own.__dlpack_device__()

    def to_device(self, device: Any, /, *, stream: Any = None) -> Array:
        """Itself where it lies there, else a copy, in the library's words."""
        notes.stop("taking an array to another device")
        return Array(self.own.to_device(device), self.home) if hasattr(self.own, "to_device") else self

    def __repr__(self) -> str:
        return f"Array({self._own!r})" if self._own is not None else f"Array of shape {self.shape}, not computed"

    def __deepcopy__(self, memo: Any) -> Array:
        copy: Array = call("asarray", self.home, self, copy=True)
        return copy


def call(name: str, home: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of the standard: the library's, or in a traced step its rule."""
    if not notes.listening():
        function = getattr(home.xp, name)
        return wrapped(function(*unwrapped(args), **unwrapped(kwargs)), home)
    if name not in RULES:
        notes.stop(f"xp.{name}")
    return wrapped(RULES[name](*stood_in(args), **stood_in(kwargs)), home)


def unwrapped(x: Any) -> Any:
    """`x` with the library's arrays in place of ours, also within lists, tuples and dictionaries."""
    if isinstance(x, Array):
        return x.own
    if type(x) in (list, tuple):
        return type(x)(unwrapped(part) for part in x)
    if type(x) is dict:
        return {key: unwrapped(part) for key, part in x.items()}
    return x.item() if isinstance(x, np.generic) else x


def stood_in(x: Any) -> Any:
    """`x` with stand-ins in place of our arrays, also within lists, tuples and dictionaries."""
    if isinstance(x, Array):
        return x.stand_in
    if type(x) in (list, tuple):
        return type(x)(stood_in(part) for part in x)
    if type(x) is dict:
        return {key: stood_in(part) for key, part in x.items()}
    return x.item() if isinstance(x, np.generic) else x


def wrapped(x: Any, home: Any) -> Any:
    """`x` with our arrays in place of the library's, or of stand-ins, also within tuples and lists."""
    if notes.listening():
        if isinstance(x, np.ndarray):
            return Array(None, home, x)
        if isinstance(x, np.dtype):
            return type_of_library(home, x.name)
    elif is_array_api_obj(x):  # of NumPy a number too, which nothing could be written into
        return Array(np.asarray(x) if isinstance(x, np.generic) else x, home)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(wrapped(part, home) for part in x))
    return type(x)(wrapped(part, home) for part in x) if isinstance(x, list | tuple) else x


@cache
def type_of_library(home: Any, name: str) -> Any:
    """The library's type of that name, as its arrays have it."""
    found = getattr(home.xp, name)
    return np.dtype(found) if isinstance(found, type) else found


def takes_part(x: Any) -> bool:
    """May it stand beside an array in an operation?"""
    return isinstance(x, Array | bool | int | float | complex | np.generic) or is_array_api_obj(x)


def _binary(name: str, function: str, *, reflected: bool = False) -> Callable[[Array, Any], Any]:
    eager = getattr(operator, f"__{name}__")
    rule = computing.power if name == "pow" else RULES[function]

    def method(self: Array, other: Any) -> Any:
        if not takes_part(other):
            return NotImplemented
        home = self.home
        a, b = (other, self) if reflected else (self, other)
        if notes.listening():
            return wrapped(rule(stood_in(a), stood_in(b)), home)
        if isinstance(other, Array) and name != "matmul" and other.dtype != self.dtype:
            return call(function, home, a, b)  # which has the standard's rules for two types
        return wrapped(eager(unwrapped(a), unwrapped(b)), home)

    return method


def _in_place(name: str, function: str) -> Callable[[Array, Any], Any]:
    eager = getattr(operator, f"__i{name}__")
    plain = getattr(operator, f"__{name}__")

    def method(self: Array, other: Any) -> Any:
        if not takes_part(other):
            return NotImplemented
        if not notes.listening():
            self._own = eager(self.own, unwrapped(other))
        elif name in ("matmul", "pow"):
            self[...] = plain(self, other)
        else:
            computing.in_place(computing.UFUNCS[function], self.stand_in, stood_in(other))
        return self

    return method


def _unary(function: str) -> Callable[[Array], Any]:
    def method(self: Array) -> Any:
        return call(function, self.home, self)

    return method


def _to_the_host(name: str) -> Callable[[Array], Any]:
    into = operator.index if name == "index" else {"bool": bool, "int": int, "float": float, "complex": complex}[name]

    def method(self: Array) -> Any:
        notes.stop(f"{name}() of an array")
        return into(self.own)

    return method


for _name, _function in BINARY.items():
    setattr(Array, f"__{_name}__", _binary(_name, _function))
    setattr(Array, f"__r{_name}__", _binary(_name, _function, reflected=True))
    setattr(Array, f"__i{_name}__", _in_place(_name, _function))
for _name, _function in COMPARING.items():
    setattr(Array, f"__{_name}__", _binary(_name, _function))
for _name, _function in UNARY.items():
    setattr(Array, f"__{_name}__", _unary(_function))
for _name in TO_THE_HOST:
    setattr(Array, f"__{_name}__", _to_the_host(_name))
