"""The parts of sums, one a block of the kernel before, joined in a fixed order by one kernel for all of its sums."""

from __future__ import annotations

from collections.abc import Sequence

from bpnet_backends.on_cuda.geometry import THREADS, WARP, power_of_two
from bpnet_backends.on_cuda.kernel import Kernel, Parameters
from bpnet_backends.on_cuda.source import JOIN, Partial
from bpnet_backends.on_cuda.translation import TYPES


def joining(partials: Sequence[Partial]) -> Kernel:
    """The kernel: sum number y of the grid; a column of threads goes through the parts of a column."""
    parameters = Parameters()
    body = [f"__shared__ double shared[{THREADS}];"]
    for number, partial in enumerate(partials):
        body += [f"if (blockIdx.y == {number}) {{", *(f"    {line}" for line in _one(partial, parameters)), "}"]
    entry, text = parameters.finished(body, THREADS)
    columns = max(-(-partial.width // _lanes(partial)) for partial in partials)
    return Kernel(
        title="joins sums",
        entry=entry,
        text=text,
        grid=(columns, len(partials)),
        block=(THREADS, 1),
        arguments=parameters.arguments,
        reads=parameters.reads,
        outputs=parameters.outputs,
        shape=(sum(len(partial.array) for partial in partials), max(partial.width for partial in partials)),
        bytes_read=sum(partial.array.nbytes for partial in partials),
        bytes_written=sum(partial.op.output.array.nbytes for partial in partials),
        flop=sum(partial.array.size for partial in partials),
    )


def _lanes(partial: Partial) -> int:
    return min(WARP, power_of_two(partial.width))


def _one(partial: Partial, parameters: Parameters) -> list[str]:
    lanes, width, parts = _lanes(partial), partial.width, len(partial.array)
    rows, of, join = THREADS // lanes, TYPES[partial.of], JOIN[partial.op.joined]
    source = parameters.read(partial.array, partial.array.ctypes.data, partial.of)
    out = partial.op.output
    target = parameters.written(out.array, out.address, out.dtype)
    return [
        f"const int64 k = int64(blockIdx.x) * {lanes} + threadIdx.x % {lanes};",
        f"{of} all = {join}::first<{of}>();",
        f"for (int part = threadIdx.x / {lanes}; part < {parts} && k < {width}; part += {rows})",
        f"    all = {join}::join(all, {source}[part * {width}LL + k]);",
        f"all = down_block<{join}, {lanes}, {rows}>(all, ({of}*)shared);",
        f"if (threadIdx.x < {lanes} && k < {width}) {target}[k] = {TYPES[out.dtype]}(all);",
    ]
