"""What an epoch adds up, on the device, and reads once at its end."""

from __future__ import annotations

from collections.abc import Sequence

from bpnet.backend import Array, Backend
from bpnet.nn.metrics import Metric
from bpnet.nn.op import zeros


class Totals:
    """The weighted sum of batch losses, the number of batches until one was not finite, and the metrics' sums."""

    def __init__(self, backend: Backend, metrics: Sequence[Metric]) -> None:
        self.backend = backend
        self.metrics = metrics
        self.loss = zeros(backend, (), "float64")
        self.samples = 0
        self.finite_batches = zeros(backend, (), "float64")
        self.sums = [zeros(backend, (metric.size,), "float64") for metric in metrics]

    def clear(self) -> None:
        """Begin an epoch."""
        for total in (self.loss, self.finite_batches, *self.sums):
            total[...] = 0.0

    def add(self, loss: Array, samples: int, sums: Sequence[Array]) -> None:
        """Take a batch in: its loss (0-d), its size and its metrics' sums. Nothing waits for the device."""
        xp = self.backend.xp
        self.loss[...] = self.loss + samples * xp.astype(loss, xp.float64)
        self.finite_batches[...] = self.finite_batches + xp.astype(xp.isfinite(self.loss), xp.float64)
        for total, part in zip(self.sums, sums, strict=True):
            total[...] = total + part

    def read(self, samples: int) -> dict[str, float]:
        """The mean loss over `samples` samples, and the metrics. Waits for the device."""
        logs = {"loss": float(self.backend.to_numpy(self.loss)) / samples}
        for metric, total in zip(self.metrics, self.sums, strict=True):
            logs[metric.name] = metric.result([float(part) for part in self.backend.to_numpy(total)])
        return logs

    def first_bad_batch(self) -> int:
        """The number, from 1, of the first batch after which the summed loss was not finite. Waits for the device."""
        return int(self.backend.to_numpy(self.finite_batches)) + 1
