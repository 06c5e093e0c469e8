"""The values of a row kernel: what is loaded, what stays in registers from stage to stage, and what is stored."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bpnet_backends.fusion.operands import Operand, overlap, same_place
from bpnet_backends.fusion.operations import MAP, ROW, Operation
from bpnet_backends.fusion.rows import Stage
from bpnet_backends.on_cuda.geometry import IN_REGISTERS, Geometry
from bpnet_backends.on_cuda.kernel import Parameters
from bpnet_backends.on_cuda.translation import TYPES


def is_overwritten(op: Operation, operations: Sequence[Operation]) -> bool:
    """Does one of the operations read from memory where this one writes?"""
    return any(overlap(x, op.output) for other in operations for x in other.inputs)


class Values:
    """The names of values, and the lines that load, keep and store them. `kept` are stored for others to read."""

    def __init__(self, stages: Sequence[Stage], kept: Collection[Operation], geometry: Geometry, *, flat: bool) -> None:
        self.parameters = Parameters()
        self.types: dict[str, str] = {}
        """Of the names in a formula."""
        self.top: list[str] = []
        """Lines before the first row."""
        self.done: list[tuple[int, Operation]] = []
        """The operations whose lines are written, each with the number of its stage."""
        self.read: set[Operand] = set()
        self.written: set[Operand] = set()
        self._stages = stages
        self._operations = [op for stage in stages for op in stage.operations]
        self._kept = kept
        self._geometry = geometry
        self._flat = flat
        self._names: dict[Operation, str] = {}
        self._constants: dict[tuple[float, str], str] = {}
        self._loaded: dict[tuple[int, Operand], str] = {}
        self._through_memory = geometry.columns(max(stage.width for stage in stages)) > IN_REGISTERS

    def value(self, place: int, stage: Stage, x: Operand, before: list[str], within: list[str]) -> str:
        """The element of `x`: what this kernel made of it last, or what lies in memory."""
        for made_in, op in reversed(self.done):
            if op.kind in (MAP, ROW) and same_place(op.output, x):
                if made_in == place or op.output.width == 1:
                    return self.name(op)
                if not self._through_memory:
                    if (place, x) not in self._loaded:
                        self._loaded[place, x] = self.name(op)
                        of = TYPES[op.output.dtype]
                        within.append(f"const {of} {self.name(op)} = {self.name(op)}_kept[j];")
                    return self._loaded[place, x]
                break
        if (place, x) not in self._loaded:
            name = self._loaded[place, x] = f"x{len(self._loaded)}"
            self.types[name] = x.dtype
            self.read.add(x)
            element = f"{self.parameters.read(x.array, x.address, x.dtype)}[{self.place(x)}]"
            of = TYPES[x.dtype]
            if x.is_scalar:
                self.top.append(f"const {of} {name} = {element};")
            elif self._flat or (stage.width > 1 and x.along != 0):
                within.append(f"const {of} {name} = {element};")
            else:
                lines = before if stage.width > 1 else within
                lines.append(f"const {of} {name} = here ? {element} : {of}(0);")
        return self._loaded[place, x]

    def carried(self, place: int, op: Operation, before: list[str]) -> list[str]:
        """Keep the value for later stages."""
        if op.output.width == 1 or self._through_memory or not self._is_needed_after(place, op):
            return []
        visits = self._geometry.columns(op.width)
        before.append(f"{TYPES[op.output.dtype]} {self.name(op)}_kept[{visits}];")
        return [f"{self.name(op)}_kept[j] = {self.name(op)};"]

    def _is_needed_after(self, place: int, op: Operation) -> bool:
        later = [other for stage in self._stages[place + 1 :] for other in stage.operations]
        return any(same_place(op.output, x) for other in later for x in other.inputs)

    def store(self, op: Operation, name: str, stage: Stage) -> list[str]:
        """Write the value to memory, if anybody reads it there: once a row where there is one value a row."""
        stage_of = next(i for i, found in enumerate(self._stages) if op in found.operations)
        carried = self._through_memory and op.output.width > 1 and self._is_needed_after(stage_of, op)
        if op not in self._kept and not carried:
            return []
        self.written.add(op.output)
        target = self.parameters.written(op.output.array, op.output.address, op.output.dtype)
        line = f"{target}[{self.place(op.output)}] = {name};"
        if self._flat or stage.width > 1:
            return [line]
        waits = self._geometry.lanes > 1 and is_overwritten(op, self._operations)
        return [*(["__syncthreads();"] if waits else []), f"if (here && lane == 0) {line}"]

    def place(self, x: Operand) -> str:
        """The distance of element (n, k) from the first."""
        if x.is_scalar:
            return "0"
        if x.is_whole:
            return "i" if self._flat else f"n * {x.width} + k" if x.width > 1 else "n"
        across = "" if x.across == 0 else "n" if x.across == 1 else f"n * {x.across}"
        along = "" if x.along == 0 else "k" if x.along == 1 else f"k * {x.along}"
        return " + ".join(part for part in (across, along) if part)

    def constant(self, found: re.Match[str]) -> str:
        """A number of a formula, converted to its type once."""
        key = float(found[1]), found[2]
        if key not in self._constants:
            name = self._constants[key] = f"number_{len(self._constants)}"
            self.types[name] = found[2]
            self.top.append(f"const {TYPES[found[2]]} {name} = {self.parameters.number(*key)};")
        return self._constants[key]

    def name(self, op: Operation) -> str:
        """What the operation's result is called."""
        if op not in self._names:
            self._names[op] = f"v{len(self._names)}"
            self.types[self._names[op]] = op.output.dtype
        return self._names[op]
