"""The text of a row kernel: a loop over rows with a loop over columns for each stage, ready to be compiled."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from bpnet_backends.fusion.operands import Operand, same_place
from bpnet_backends.fusion.operations import COLUMNS, MAP, ROW, TOTAL, Operation
from bpnet_backends.fusion.rows import Stage, is_flat, stages

HEADER = """def kernel(arguments, start, stop, chunk):
    a = int64_at(arguments)
"""

JOIN = {
    "add": "{acc} + np.float64({value})",
    "maximum": "({acc} if {acc} >= {value} or {acc} != {acc} else {value})",
    "minimum": "({acc} if {acc} <= {value} or {acc} != {acc} else {value})",
}
FIRST = {"add": "np.float64(0)", "maximum": "np.{of}(-np.inf)", "minimum": "np.{of}(np.inf)"}
"""What a reduction begins with. Sums are kept in float64 until they are stored."""

UNROLLED = 16
"""Up to this many columns the number stands in the text."""

LONG = 0.09
"""Nanoseconds an element from which an operation counts as long."""

Slot = tuple[str, Operand | Operation | int | float]
"""What an argument is: the `address` of an operand, the `partial` result of an operation, a `size` or a `number`."""


class Source:
    """Writes the text; `slots` then says what each argument is. `kept` are the operations whose results are stored."""

    def __init__(self, operations: Sequence[Operation], kept: Collection[Operation]) -> None:
        self.operations = operations
        self.slots: list[Slot] = []
        self._kept = kept
        self._stages = stages(operations)
        self._flat = is_flat(self._stages)
        self._top: list[str] = []
        self._bottom: list[str] = []
        self._names: dict[object, str] = {}
        self._loaded: dict[tuple[int, Operand], str] = {}
        self._done: list[tuple[int, Operation]] = []
        body = self._flat_loop() if self._flat else self._row_loop()
        self.text = HEADER + "".join(f"    {line}\n" for line in [*self._top, *body, *self._bottom])

    @property
    def moved(self) -> int:
        """Bytes that all rows together read and write, each element once."""
        reads = {x for _, x in self._loaded}
        gathers = {op.output for op in self.operations if op.table is not None}
        writes = {op.output for op in self.operations if op in self._kept or op.kind in (COLUMNS, TOTAL)}
        return sum(_bytes(x) for group in (reads, gathers, writes) for x in group)

    # ---- loops

    def _flat_loop(self) -> list[str]:
        (stage,) = self._stages
        times = f" * {self._size(stage.width)}" if stage.width > 1 else ""
        _, within, _ = self._stage(0, stage)
        return [f"for i in range(start{times}, stop{times}):", *_indented(within)]

    def _row_loop(self) -> list[str]:
        lines: list[str] = []
        for number, stage in enumerate(self._stages):
            before, within, after = self._stage(number, stage)
            if stage.width > 1:
                within = [f"for k in range({self._bound(stage)}):", *_indented(within)]
            lines += [*before, *within, *after]
        widths = dict.fromkeys(stage.width for stage in self._stages if stage.width > 1)
        starts = [f"{_row(self._size(width))} = n * {self._size(width)}" for width in widths]
        return ["for n in range(start, stop):", *_indented([*starts, *lines])]

    def _bound(self, stage: Stage) -> str:
        """The number of columns, for a loop.

        As a number in the text it makes the compiler lay the loop out: good for short work and bad for long, since an
        exponential is better computed for eight columns at once.
        """
        is_long = any(op.cost > LONG for op in stage.operations if op.kind == MAP)
        return (
            self._argument(("w", stage.width), ("size", stage.width), "w", "{a}")
            if is_long
            else self._size(stage.width)
        )

    def _stage(self, number: int, stage: Stage) -> tuple[list[str], list[str], list[str]]:
        """The lines before the loop over columns, within it, and after it."""
        before: list[str] = []
        within: list[str] = []
        after: list[str] = []
        for op in stage.operations:
            values = [self._value(number, stage, x, before, within) for x in op.inputs]
            text = re.sub("⟨(.+?):(.+?)⟩", self._constant, op.text.format(*values))
            name = self._name(op, "v")
            if op.table is not None:
                index = self._row_of_table(op.table, text, name, within if stage.width == 1 else before)
                index = f"{index} * {self._size(stage.width)} + k" if stage.width > 1 else index
                text = _truth(f"{self._pointer(op.table)}[{index}]", op.table.dtype)
            if op.kind == MAP:
                within.append(f"{name} = {text}")
                within += self._store(op, name)
            elif op.kind == COLUMNS:
                sums, width = self._partial(op), self._size(op.width)
                self._top += [f"for k in range({width}):", f"    {sums}[k] = np.{op.output.dtype}(0)"]
                place = f"{sums}[k]" if stage.width > 1 else f"{sums}[0]"
                within.append(f"{place} = {place} + {text}")
            elif op.joined == "argmax":
                before += [f"{name}_best = np.{op.inputs[0].dtype}(-np.inf)", f"{name} = np.int64(0)"]
                within += [
                    f"if {text} > {name}_best or ({text} != {text} and {name}_best == {name}_best):",
                    f"    {name}_best, {name} = {text}, {'k' if stage.width > 1 else 'np.int64(0)'}",
                ]
                after += self._store(op, name)
            else:
                joined, of = f"{name}_all", op.output.dtype
                begin = f"{joined} = {FIRST[op.joined].format(of=of)}"
                within.append(f"{joined} = {JOIN[op.joined].format(acc=joined, value=text)}")
                if op.kind == TOTAL:
                    self._top.append(begin)
                    self._bottom.append(f"{self._partial(op)}[0] = np.{of}({joined})")
                else:
                    before.append(begin)
                    after += [f"{name} = np.{of}({joined})", *self._store(op, name)]
            self._done.append((number, op))
        return before, within, after

    def _row_of_table(self, table: Operand, text: str, name: str, lines: list[str]) -> str:
        """The row that an index means; as in NumPy, negative ones count from the end."""
        rows = self._argument(("rows", table.rows), ("size", table.rows), "t", "{a}")
        lines.append(f"{name}_row = {text} if 0 <= {text} < {rows} else {text} % {rows}")
        return f"{name}_row"

    # ---- values

    def _value(self, number: int, stage: Stage, x: Operand, before: list[str], within: list[str]) -> str:
        """The element of `x`: what this kernel made of it last, or what lies in memory."""
        for made_in, op in reversed(self._done):
            if op.kind in (MAP, ROW) and same_place(op.output, x):
                if made_in == number or op.output.width == 1:
                    return self._name(op, "v")
                break
        if (number, x) not in self._loaded:
            name = self._loaded[number, x] = f"x{len(self._loaded)}"
            load = f"{name} = {_truth(f'{self._pointer(x)}[{self._index(x)}]', x.dtype)}"
            if x.is_scalar:
                self._top.append(load)
            elif x.along == 0 and stage.width > 1:
                before.append(load)
            else:
                within.append(load)
        return self._loaded[number, x]

    def _store(self, op: Operation, name: str) -> list[str]:
        if op not in self._kept:
            return []
        value = f"np.uint8(1) if {name} else np.uint8(0)" if op.output.dtype == "bool" else name
        return [f"{self._pointer(op.output)}[{self._index(op.output)}] = {value}"]

    def _index(self, x: Operand) -> str:
        if x.is_scalar:
            return "0"
        if x.is_whole:
            return "i" if self._flat else f"{_row(self._size(x.width))} + k" if x.width > 1 else "n"
        across = "" if x.across == 0 else "n" if x.across == 1 else f"n * {self._size(x.across, 's')}"
        along = "" if x.along == 0 else "k" if x.along == 1 else f"k * {self._size(x.along, 's')}"
        return " + ".join(part for part in (across, along) if part)

    # ---- arguments

    def _argument(self, key: object, slot: Slot, letter: str, text: str) -> str:
        """The name of an argument that is read once, at the top."""
        if key not in self._names:
            self._names[key] = f"{letter}{len(self.slots)}"
            self._top.append(f"{self._names[key]} = {text.format(a=f'a[{len(self.slots)}]')}")
            self.slots.append(slot)
        return self._names[key]

    def _size(self, size: int, letter: str = "w") -> str:
        if letter == "w" and size <= UNROLLED:
            return str(size)
        return self._argument((letter, size), ("size", size), letter, "{a}")

    def _constant(self, found: re.Match[str]) -> str:
        """A number that is no part of the text, so that learning rates and batch sizes share a kernel."""
        slot = ("number", float(found[1]))
        return self._argument((*slot, found[2]), slot, "c", f"np.{found[2]}(float64_at(arguments)[{len(self.slots)}])")

    def _pointer(self, x: Operand) -> str:
        return self._argument((x.address, x.dtype), ("address", x), "p", f"{x.dtype}_at({{a}})")

    def _partial(self, op: Operation) -> str:
        """Where this chunk's sums go: one row of as many as there are chunks."""
        of, size = op.output.dtype, np.dtype(op.output.dtype).itemsize
        width = op.width if op.kind == COLUMNS else 1
        stride = self._size(width * size, "b")
        return self._argument(op, ("partial", op), "q", f"{of}_at({{a}} + chunk * {stride})")

    def _name(self, op: Operation, letter: str) -> str:
        return self._names.setdefault(("value", id(op)), f"{letter}{len(self._names)}")


def _bytes(x: Operand) -> int:
    elements = (x.rows if x.across else 1) * (x.width if x.along else 1)
    return elements * np.dtype(x.dtype).itemsize


def _row(width: str) -> str:
    return f"row_{width}"


def _truth(text: str, dtype: str) -> str:
    return f"{text} != 0" if dtype == "bool" else text


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
