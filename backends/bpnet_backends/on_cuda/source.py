"""The text of a row kernel in CUDA C++: the stages of a row, one after another, by the threads that share the row.

In a stage of several columns each thread visits its own; in one of width 1 all threads of a row compute the same, and
the first of them stores it. What a later stage needs stays in the thread's registers, or goes through memory where the
rows are long: the same thread writes and reads it. So threads wait for one another only where a row is reduced, and
where a value of a row is overwritten that others may still have to read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from math import prod

import numpy as np

from bpnet_backends.fusion.operands import Operand
from bpnet_backends.fusion.operations import COLUMNS, MAP, ROW, TOTAL, Operation
from bpnet_backends.fusion.rows import Stage, is_flat, stages
from bpnet_backends.on_cuda import geometry
from bpnet_backends.on_cuda.kernel import Kernel
from bpnet_backends.on_cuda.translation import TYPES, number, translated
from bpnet_backends.on_cuda.values import Values, is_overwritten
from bpnet_backends.on_numpy.reserved import reserved
from bpnet_backends.parts import merged

JOIN = {"add": "Add", "maximum": "Maximum", "minimum": "Minimum"}
"""What `mathematics.cuh` calls the ways to reduce."""

MOST_INDEX = 1 << 30
"""Up to this many elements an int counts them."""


class Partial:
    """The parts of a sum, one a block, and where the sum belongs."""

    def __init__(self, op: Operation, parts: int) -> None:
        self.op = op
        self.width = op.width if op.kind == COLUMNS else 1
        self.of = summed_in(op)
        self.array = reserved((parts, self.width), self.of)


def summed_in(op: Operation) -> str:
    """The type that a reduction keeps: sums are kept in float64 until they are stored."""
    return "float64" if op.joined == "add" else op.output.dtype


class Source:
    """Writes a kernel for the operations; `kept` are those whose results somebody else reads."""

    def __init__(self, operations: Sequence[Operation], kept: Collection[Operation]) -> None:
        self.partials: list[Partial] = []
        self._operations = operations
        self._stages = stages(operations, reductions_apart=False)
        self._bottom: list[str] = []
        self._table_bytes = 0
        self._rows = operations[0].rows
        self._width = max(stage.width for stage in self._stages)
        self._flat = is_flat(self._stages)
        self._geometry = self._divided()
        self._values = Values(self._stages, kept, self._geometry, flat=self._flat)
        self._index = "int" if self._largest() < MOST_INDEX else "int64"
        body = self._flat_loop() if self._flat else self._row_loop()
        self.kernel = self._kernel([*self._shared(), *self._values.top, *body, *self._bottom])

    # ---- sizes

    def _divided(self) -> geometry.Geometry:
        kinds = {op.kind for op in self._operations}
        summed = not kinds.isdisjoint((COLUMNS, TOTAL))
        if self._flat:
            return geometry.flat(self._rows * self._width, summed=summed)
        return geometry.of_rows(
            self._rows,
            self._width,
            reduces=ROW in kinds,
            summed=summed,
            divisible=not any(is_overwritten(op, self._operations) for op in self._operations if op.width == 1),
        )

    def _largest(self) -> int:
        """The largest number that an index may become."""
        operands = [x for op in self._operations for x in (*op.inputs, op.output)]
        reach = [abs(x.across) * x.rows + abs(x.along) * x.width for x in operands]
        return max(self._rows * self._width, *reach) + self._geometry.step * self._geometry.down

    # ---- loops

    def _flat_loop(self) -> list[str]:
        (stage,) = self._stages
        threads, blocks, size = self._geometry.threads, self._geometry.down, self._rows * self._width
        _, within, _ = self._stage(0, stage)
        first = f"{self._index}(blockIdx.x) * {threads} + threadIdx.x"
        if threads * blocks >= size:
            return [f"const {self._index} i = {first};", f"if (i < {size}) {{", *_indented(within), "}"]
        return [f"for ({self._index} i = {first}; i < {size}; i += {threads * blocks}) {{", *_indented(within), "}"]

    def _row_loop(self) -> list[str]:
        lanes, height, down, index = self._geometry.lanes, self._geometry.rows, self._geometry.down, self._index
        self._values.top.append(f"const {index} lane = {index}(blockIdx.y) * {lanes} + threadIdx.x;")
        lines: list[str] = []
        for place, stage in enumerate(self._stages):
            before, within, after = self._stage(place, stage)
            if stage.width > 1:
                within = self._columns_loop(stage, within)
            lines += [*before, *within, *after]
        start = [f"const {index} n = first + threadIdx.y;", f"const bool here = n < {self._rows};"]
        first = f"{index} first = {index}(blockIdx.x) * {height}"
        return [f"for ({first}; first < {self._rows}; first += {height * down}) {{", *_indented([*start, *lines]), "}"]

    def _columns_loop(self, stage: Stage, within: Sequence[str]) -> list[str]:
        visits = self._geometry.columns(stage.width)
        unrolled = ["#pragma unroll"] if 1 < visits <= geometry.IN_REGISTERS else []
        return [
            *unrolled,
            f"for (int j = 0; j < {visits}; ++j) {{",
            f"    const {self._index} k = lane + j * {self._geometry.step};",
            f"    if (here && k < {stage.width}) {{",
            *_indented(_indented(within)),
            "    }",
            "}",
        ]

    # ---- operations

    def _stage(self, place: int, stage: Stage) -> tuple[list[str], list[str], list[str]]:
        """The lines before the loop over columns, within it, and after it."""
        before: list[str] = []
        within: list[str] = []
        after: list[str] = []
        for op in stage.operations:
            values = [self._values.value(place, stage, x, before, within) for x in op.inputs]
            text = re.sub("⟨(.+?):(.+?)⟩", self._values.constant, op.text.format(*values))
            name = self._values.name(op)
            text = translated(text, self._values.types).text
            if op.table is not None:
                text = self._gathered(op.table, text, name, stage, before if stage.width > 1 else within)
            if op.kind == MAP:
                within.append(f"const {TYPES[op.output.dtype]} {name} = {text};")
                within += self._values.carried(place, op, before)
                within += self._values.store(op, name, stage)
            elif op.kind == ROW:
                self._row(op, name, text, stage, before, within, after)
            else:
                self._sum(op, name, text, stage, within)
            self._values.done.append((place, op))
        return before, within, after

    def _gathered(self, table: Operand, text: str, name: str, stage: Stage, lines: list[str]) -> str:
        """An element of the row that an index means."""
        lines.append(f"const int64 row_{name} = row_of({text}, {table.rows}LL);")
        self._table_bytes += self._rows * stage.width * np.dtype(table.dtype).itemsize
        column = f" * {table.width} + k" if table.width > 1 else ""
        return f"{self._values.parameters.read(table.array, table.address, table.dtype)}[row_{name}{column}]"

    def _row(
        self,
        op: Operation,
        name: str,
        text: str,
        stage: Stage,
        before: list[str],
        within: list[str],
        after: list[str],
    ) -> None:
        lanes, of = self._geometry.lanes, TYPES[op.output.dtype]
        if op.joined == "argmax":
            placed, join = f"Placed<{TYPES[op.inputs[0].dtype]}>", "First_maximum"
            before.append(f"{placed} {name}_all({number(-np.inf, op.inputs[0].dtype)}, 0);")
            within.append(f"{name}_all = First_maximum::join({name}_all, {placed}({text}, k));")
            result = f"over_group<{join}, {lanes}>({name}_all, ({placed}*)shared).place"
        else:
            join, kept = JOIN[op.joined], TYPES[summed_in(op)]
            before.append(f"{kept} {name}_all = {join}::first<{kept}>();")
            within.append(f"{name}_all = {join}::join({name}_all, {kept}({text}));")
            result = f"over_group<{join}, {lanes}>({name}_all, ({kept}*)shared)"
        after.append(f"const {of} {name} = {of}({result});")
        after += self._values.store(op, name, Stage(1))

    def _sum(self, op: Operation, name: str, text: str, stage: Stage, within: list[str]) -> None:
        """A sum over rows: each thread's own, then the block's, then one of all blocks."""
        join, kept = JOIN[op.joined], TYPES[summed_in(op)]
        one = stage.width == 1
        visits = 1 if one or op.kind == TOTAL else self._geometry.columns(stage.width)
        by_columns = op.kind == COLUMNS and not one
        self._values.top.append(f"{kept} {name}_all[{visits}];")
        self._values.top.append(f"for (int j = 0; j < {visits}; ++j) {name}_all[j] = {join}::first<{kept}>();")
        place = f"{name}_all[{'j' if by_columns else 0}]"
        added = f"{place} = {join}::join({place}, {kept}({text}));"
        within.append(added if not one or self._flat else f"if (here && lane == 0) {added}")
        shared = f"({kept}*)shared"
        if not by_columns:
            whole = f"over_group<{join}, {self._geometry.threads}>({name}_all[0], {shared})"
            self._bottom.append(f"const {kept} {name} = {whole};")
            self._bottom += self._result(op, name, "threadIdx.x == 0 && threadIdx.y == 0", "")
            return
        lanes, height = self._geometry.lanes, self._geometry.rows
        step, index = self._geometry.step, self._index
        self._bottom += [
            *(["#pragma unroll"] if 1 < visits <= geometry.IN_REGISTERS else []),
            f"for (int j = 0; j < {visits}; ++j) {{",
            f"    const {kept} {name} = down_block<{join}, {lanes}, {height}>({name}_all[j], {shared});",
            f"    const {index} k = lane + j * {step};",
            *_indented(self._result(op, name, f"threadIdx.y == 0 && k < {stage.width}", "k")),
            "}",
        ]

    def _result(self, op: Operation, name: str, condition: str, column: str) -> list[str]:
        """Store a block's sum: where it belongs, or with those of the other blocks."""
        divided = self._geometry
        parts = divided.down * (divided.across if op.kind == TOTAL else 1)
        if parts == 1:
            self._values.written.add(op.output)
            target = self._values.parameters.written(op.output.array, op.output.address, op.output.dtype)
            place = column or "0"
            if op.kind == COLUMNS and divided.across > 1 and not column:
                condition += " && blockIdx.y == 0"
            return [f"if ({condition}) {target}[{place}] = {TYPES[op.output.dtype]}({name});"]
        partial = Partial(op, parts)
        self.partials.append(partial)
        target = self._values.parameters.written(partial.array, partial.array.ctypes.data, partial.of)
        block = "blockIdx.x * gridDim.y + blockIdx.y" if op.kind == TOTAL else "blockIdx.x"
        if op.kind == COLUMNS and not column and divided.across > 1:
            condition += " && blockIdx.y == 0"
        place = f"({block}) * {partial.width}LL + {column}" if column else block
        return [f"if ({condition}) {target}[{place}] = {name};"]

    # ---- the whole

    def _shared(self) -> list[str]:
        words = max([2 * geometry.WARP] + [self._geometry.threads for op in self._operations if op.kind == COLUMNS])
        needed = any(op.kind != MAP for op in self._operations)
        return [f"__shared__ double shared[{words}];"] if needed else []

    def _kernel(self, body: Sequence[str]) -> Kernel:
        divided = self._geometry
        entry, text = self._values.parameters.finished(body, divided.threads)
        return Kernel(
            title=title(self._operations),
            entry=entry,
            text=text,
            grid=(divided.down, divided.across),
            block=(divided.lanes, divided.rows),
            arguments=self._values.parameters.arguments,
            reads=self._values.parameters.reads,
            outputs=self._values.parameters.outputs,
            shape=(self._rows, self._width),
            bytes_read=sum(map(_size, self._values.read)) + self._table_bytes,
            bytes_written=sum(map(_size, self._values.written)),
            flop=sum(op.flop for op in self._operations),
        )


def title(operations: Sequence[Operation]) -> str:
    """What a kernel of these operations is called."""
    return merged([op.name for op in operations])


def _size(x: Operand) -> int:
    """Bytes of its elements, each counted once."""
    return prod([x.rows if x.across else 1, x.width if x.along else 1, np.dtype(x.dtype).itemsize])


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
