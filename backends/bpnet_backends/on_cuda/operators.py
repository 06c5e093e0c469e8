"""The operators of an array, each of which is a function of the standard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

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
"""Those with a reflected and an in-place form."""

COMPARING = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}
TO_THE_HOST = ("bool", "int", "float", "complex", "index")


class Operators(ABC):
    """Something with the operators of an array."""

    __slots__ = ()

    @abstractmethod
    def binary(self, name: str, function: str, other: Any, *, reflected: bool) -> Any:
        """self ∘ other, or other ∘ self; `name` is the operator's. NotImplemented: `other` has no part in this."""

    @abstractmethod
    def in_place(self, name: str, function: str, other: Any) -> Any:
        """self ∘= other."""

    @abstractmethod
    def unary(self, function: str) -> Any:
        """∘ self."""

    @abstractmethod
    def to_the_host(self, name: str) -> Any:
        """The only element as a value of Python of that type; `index` is a whole number."""


def _binary(name: str, function: str, *, reflected: bool = False) -> Callable[[Operators, Any], Any]:
    return lambda self, other: self.binary(name, function, other, reflected=reflected)


def _in_place(name: str, function: str) -> Callable[[Operators, Any], Any]:
    return lambda self, other: self.in_place(name, function, other)


def _unary(function: str) -> Callable[[Operators], Any]:
    return lambda self: self.unary(function)


def _to_the_host(name: str) -> Callable[[Operators], Any]:
    return lambda self: self.to_the_host(name)


for _name, _function in BINARY.items():
    setattr(Operators, f"__{_name}__", _binary(_name, _function))
    setattr(Operators, f"__r{_name}__", _binary(_name, _function, reflected=True))
    setattr(Operators, f"__i{_name}__", _in_place(_name, _function))
for _name, _function in COMPARING.items():
    setattr(Operators, f"__{_name}__", _binary(_name, _function))
for _name, _function in UNARY.items():
    setattr(Operators, f"__{_name}__", _unary(_function))
for _name in TO_THE_HOST:
    setattr(Operators, f"__{_name}__", _to_the_host(_name))
