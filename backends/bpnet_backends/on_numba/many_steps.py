"""Many steps of stacked models in one call: a thread makes all steps of a model before it takes the next one.

What a step does besides, for all models together, is to count: it moves a cursor and finds the numbers of the batch.
Each model does this for itself, on a copy of the cursor, and when all models are done it is done once more, for the
steps to come. So threads meet once a call, not once a step, and a model's weights stay in the cache from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bpnet_backends.fusion.items import Item
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.models import TIMES, Stacked, StackedKernels, again
from bpnet_backends.on_numba.regions import Region
from bpnet_backends.on_numba.stacks import Run
from bpnet_backends.on_numba.team import Kernel, bound
from bpnet_backends.on_numpy.program import roots
from bpnet_backends.on_numpy.recording import Call, Record, is_alone, root

MOST_COPIED = 1 << 12
"""Bytes that each model may begin with a copy of."""


@dataclass(frozen=True)
class ManySteps:
    """So many steps."""

    call: Callable[[], Any]
    times: Sequence[tuple[np.ndarray, int]]
    """The tables that hold the number of steps, and where in them."""
    memory: Sequence[np.ndarray] = field(repr=False)

    def __call__(self, times: int) -> None:
        """Make them. For one thread of Python at a time, as training is."""
        for table, place in self.times:
            table[place] = times
        self.call()


def many_steps(
    record: Record,
    calls: Sequence[Call],
    parts: Sequence[Run | list[Call]],
    beside: Sequence[tuple[Kernel, int]],
    address_of: Callable[[np.ndarray], int],
) -> ManySteps | None:
    """How many steps are made together; None where the step is not that of stacked models and little besides.

    `beside` are the kernels that are not of stacked models, each with its chunks.
    """
    stacked = [part for part in parts if isinstance(part, Run)]
    if len(stacked) != 1 or any(chunks > 1 for _, chunks in beside):
        return None
    (run,), others = stacked, [call for part in parts if isinstance(part, list) for call in part]
    written = {id(root(out)): root(out) for call in others for out in call.outputs}
    private = [owner for owner in written.values() if not record.is_own(owner)]
    made = roots(out for call in run.calls for out in call.outputs)
    if (
        made & (roots(array for call in others for array in call.reads) | set(written))
        or not all(is_alone(owner) and owner.flags.c_contiguous and owner.nbytes % 8 == 0 for owner in private)
        or sum(owner.nbytes for owner in written.values()) > MOST_COPIED
    ):
        return None
    own = run.own | {memory: owner for memory, owner in written.items() if record.is_own(owner)}
    single = {id(call): one for call, one in zip(run.calls, run.single, strict=True)}
    whole = replace(run, calls=list(calls), single=[single.get(id(call), call) for call in calls], own=own)
    work = Stacked(whole)
    if any(isinstance(item.work, Call) for item in work.items):
        return None
    kernels = StackedKernels(work, address_of, private)
    models = kernels.all()
    listed = np.array([kernel for kernel, _ in beside], np.int64).reshape(-1, 3)
    table = np.array([1, listed.ctypes.data, len(listed)], np.int64)
    counting = address_of_function(again), table.ctypes.data, 1
    call = bound([models, counting], [(0, 1, Region([Item(work)]).chunks), (1, 2, 1)])
    return ManySteps(call, [(kernels.tables[0], TIMES), (table, 0)], [*kernels.alive, listed, table])
