"""What a model measures on data: the whole of them on the device, or brought there batch by batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bpnet.data.random import in_turn
from bpnet.data.samples import Samples
from bpnet.nn.optimizers import BoundOptimizer
from bpnet.training.communicator import Communicator
from bpnet.training.evaluate import Measurement
from bpnet.training.kept import KeptRuns
from bpnet.training.objective import Objective
from bpnet.training.step import Batch, DeviceData


class Measured:
    """`measurement`, for `fit` and `evaluate`."""

    _kept: KeptRuns

    @abstractmethod
    def bind(self) -> tuple[Objective, BoundOptimizer]:
        """The objective and the optimizer at work."""

    @abstractmethod
    def put(self, data: Samples, dtype: str | None = None) -> Batch:
        """Host to device."""

    @contextmanager
    def measurement(
        self,
        data: Samples,
        batch_size: int,
        put: Batch | None = None,
        name: str = "batch_size",
        together: tuple[Communicator, int] | None = None,
    ) -> Iterator[Any]:
        """What measures on `data`, which `put` has on the device; else they are brought there batch by batch.

        `name` is what the batch size is called in errors. `together`: as `Measurement` has it, `data` being a part.
        """
        first = put or self.put(data.part(slice(batch_size)))
        rows = int(first[0][0].shape[0])
        objective, _ = self.bind()

        def make() -> Measurement:
            return Measurement(objective, first, in_turn(len(data), rows), batch_size, name, together)

        whose = together and (id(together[0]), together[1])
        with self._kept.run(("measurement", len(data), batch_size, name, whose), first, make) as run:
            in_place = [True]  # the first batch, the first time
            yield run if rows == len(data) else lambda: run(self._in_order(data, batch_size, run.data, in_place))

    def _in_order(self, data: Samples, size: int, buffers: DeviceData, in_place: list[bool]) -> Callable[[], None]:
        """What brings the batches of `data` into `buffers`, one after another; the first is there if `in_place`."""
        starts = iter(range(0, len(data), size))

        def bring() -> None:
            start = next(starts)
            if in_place:
                in_place.pop()
            else:
                buffers.take_in(self.put(data.part(slice(start, start + size))))

        return bring
