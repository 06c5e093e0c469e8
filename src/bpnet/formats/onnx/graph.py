"""An ONNX graph that is being written: operators, constants, and transposes that cancel out.

Values are known by their names. bpnet's images have their channels last, ONNX's convolutions want them first; each
exporter transposes as it needs, and two transposes in a row become one, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from bpnet.names import numbered
from bpnet.nn.graph import Shape

TYPES = {"float32": 1, "int64": 7, "str": 8, "bool": 9, "float64": 11}
"""ONNX's numbers of the types."""

Axes: TypeAlias = tuple[int, ...]
Operand: TypeAlias = str | float | np.ndarray | None
"""A value by its name, a number in the graph's float type, an array, or an input that is left out."""


@dataclass(frozen=True)
class Operation:
    """A node of the graph."""

    op: str
    inputs: tuple[str, ...]
    output: str
    settings: Mapping[str, Any]
    domain: str = ""


@dataclass(frozen=True)
class Port:
    """An input or output: its name, its type as NumPy calls it ("str" for text), the shape of a sample, what it is."""

    name: str
    dtype: str
    shape: Shape
    about: str = ""


class OnnxGraph:
    """Operators in the order of their computation, in one float type, float32 or float64."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.operations: list[Operation] = []
        self.constants: dict[str, np.ndarray] = {}
        self.integers: set[str] = set()
        """Values of int64."""
        self._names: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._scope = ""
        self._transposed: dict[str, tuple[str, Axes]] = {}
        self._transposes: dict[tuple[str, Axes], str] = {}

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """What is added within has a name that begins with this one."""
        before, self._scope = self._scope, f"{name}/"
        try:
            yield
        finally:
            self._scope = before

    def input(self, name: str, dtype: str, shape: Shape, about: str = "") -> str:
        """An input of the graph, (N, *shape)."""
        self.inputs.append(Port(name, dtype, shape, about))
        self._names.add(name)
        if dtype == "int64":
            self.integers.add(name)
        return name

    def output(self, name: str, value: str, dtype: str, shape: Shape, about: str = "") -> None:
        """Make `value` an output of the graph, (N, *shape), under a name of its own; to be called last."""
        if name in {port.name for port in (*self.inputs, *self.outputs)}:
            raise ValueError(f"outputs: {name!r} is the name of another input or output. Mend: give the layer a name")
        if name in self._names:
            self._rename(name, self._own(name))
        value = self._renamed.get(value, value)
        made_here = any(operation.output == value for operation in self.operations)
        if made_here and not any(port.name == value for port in self.outputs):
            self._rename(value, name)
        else:  # an input, or a value that is an output already
            self.operations.append(Operation("Identity", (value,), name, {}))
        self._names.add(name)
        self.outputs.append(Port(name, dtype, shape, about))

    def constant(self, name: str, array: np.ndarray) -> str:
        """A constant of that name; the same one where there is an equal array of that name."""
        name, array = self._scope + name, np.asarray(array)
        known = self.constants.get(name)
        if known is not None and known.dtype == array.dtype and np.array_equal(known, array):
            return name
        name = self._own(name)
        self.constants[name] = array
        return name

    def add(self, op: str, *inputs: Operand, domain: str = "", **settings: Any) -> str:
        """The only output of an operator; its `settings` are the attributes."""
        names = tuple(self._operand(each) for each in inputs)
        y = self._own(self._scope + op)
        self.operations.append(Operation(op, names, y, settings, domain))
        return y

    def transpose(self, x: str, axes: Sequence[int]) -> str:
        """x with its axes, the batch axis included, in that order."""
        source, before = self._transposed.get(x, (x, tuple(range(len(axes)))))
        both = tuple(before[axis] for axis in axes)
        if both == tuple(range(len(axes))):
            return source
        if (source, both) not in self._transposes:
            y = self.add("Transpose", source, perm=list(both))
            self._transposes[source, both], self._transposed[y] = y, (source, both)
        return self._transposes[source, both]

    def channels_first(self, x: str, rank: int) -> str:
        """(N, …, C) → (N, C, …); `rank` counts all axes."""
        return self.transpose(x, (0, rank - 1, *range(1, rank - 1)))

    def channels_last(self, x: str, rank: int) -> str:
        """(N, C, …) → (N, …, C)."""
        return self.transpose(x, (0, *range(2, rank), 1))

    def before_transposes(self, xs: Sequence[str]) -> tuple[list[str], Axes | None]:
        """What xs were before the transposes that all of them have in common, and the axes of these."""
        found = [self._transposed.get(x, (x, None)) for x in xs]
        axes = {each for _, each in found}
        return ([x for x, _ in found], found[0][1]) if len(axes) == 1 else (list(xs), None)

    def elementwise(self, f: Callable[..., str], *xs: str) -> str:
        """f(*xs) where f is elementwise: computed before the transposes that xs have in common."""
        sources, axes = self.before_transposes(xs)
        return f(*sources) if axes is None else self.transpose(f(*sources), axes)

    def whole_numbers(self, x: str) -> str:
        """x as int64; one of `integers` stays."""
        return x if x in self.integers else self.cast(x, "int64")

    def cast(self, x: str, dtype: str) -> str:
        """x in another type, as NumPy calls it."""
        return self.add("Cast", x, to=TYPES[dtype])

    def needed(self) -> list[Operation]:
        """The operations that the outputs depend on."""
        wanted = {port.name for port in self.outputs}
        kept = []
        for operation in reversed(self.operations):
            if operation.output in wanted:
                wanted.update(operation.inputs)
                kept.append(operation)
        return kept[::-1]

    def _operand(self, given: Operand) -> str:
        if given is None:
            return ""
        if isinstance(given, str):
            return given
        if isinstance(given, int | float):
            return self.constant(f"{given:g}", np.asarray(given, self.dtype))
        return self.constant("constant", given)

    def _own(self, name: str) -> str:
        """That name, numbered where it is taken."""
        name = numbered(name, self._names)
        self._names.add(name)
        return name

    def _rename(self, old: str, new: str) -> None:
        self._renamed = {key: new if name == old else name for key, name in self._renamed.items()} | {old: new}
        for i, each in enumerate(self.operations):
            inputs = tuple(new if name == old else name for name in each.inputs)
            self.operations[i] = replace(each, inputs=inputs, output=new if each.output == old else each.output)
        if old in self.constants:
            self.constants[new] = self.constants.pop(old)
