"""What an epoch adds up, on the device, and reads once at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from bpnet.backend import Array, Backend
from bpnet.nn.metrics import Metric
from bpnet.nn.op import zeros


class Totals:
    """Sums over batches: losses, weights, each metric's, and the number of batches before the loss was not finite.

    `metrics` come with their names in the history, as do the losses of several outputs, `parts` of the loss.
    """

    def __init__(self, backend: Backend, metrics: Sequence[tuple[str, Metric]], parts: Sequence[str] = ()) -> None:
        self.backend = backend
        self.metrics = metrics
        self.losses = {name: zeros(backend, (), "float64") for name in ("loss", *parts)}
        self.weight = zeros(backend, (), "float64")
        self.finite_batches = zeros(backend, (), "float64")
        self.sums = [[zeros(backend, (), "float64") for _ in range(metric.size)] for _, metric in metrics]

    def figures(self, held_out: bool) -> dict[str, bool | None]:
        """The names of what is read, with whether larger is better; then those of the same of held-out data."""
        found: dict[str, bool | None] = dict.fromkeys(self.losses, False)
        found |= {name: metric.larger_is_better for name, metric in self.metrics}
        return found | ({f"val_{name}": larger for name, larger in found.items()} if held_out else {})

    def clear(self) -> None:
        """Begin an epoch."""
        for total in self._all():
            total[...] = 0.0

    def values(self) -> list[float]:
        """All of them, for `take`. Waits for the device."""
        return [self._host(total) for total in self._all()]

    def take(self, values: Sequence[float]) -> None:
        """Go on from these. ValueError: there are more or fewer."""
        if len(values) != (most := sum(1 for _ in self._all())):
            raise ValueError(
                f"resume: the checkpoint has {len(values)} sums of the epoch that was begun, expected {most}. "
                "Mend: an earlier checkpoint, or fit without resume"
            )
        for total, value in zip(self._all(), values, strict=True):
            total[...] = value

    def add(
        self,
        losses: Sequence[Sequence[tuple[Array | float, float]]],
        weight: Array | None,
        sums: Sequence[Sequence[Array]],
    ) -> None:
        """Take a batch in: for each of `losses` the sum of what comes (0-d) times its share; its weights, its metrics'
        sums. Waits for nothing.
        """
        xp = self.backend.xp
        for total, terms in zip(self.losses.values(), losses, strict=True):
            for loss, share in terms:
                if not isinstance(loss, float):
                    total[...] = total + share * xp.astype(loss, xp.float64)
        finite = xp.isfinite(self.losses["loss"])
        self.finite_batches[...] = self.finite_batches + xp.astype(finite, xp.float64)
        if sums and weight is not None:
            self.weight[...] = self.weight + xp.sum(xp.astype(weight, xp.float64))
        for total, part in zip(chain.from_iterable(self.sums), chain.from_iterable(sums), strict=True):
            total[...] = total + part

    def read(self, divisor: float, samples: int, weighted: bool) -> dict[str, float]:
        """The summed losses over `divisor`, and the metrics of `samples` samples. Waits for the device."""
        logs = {name: self._host(total) / divisor for name, total in self.losses.items()}
        weight = self._host(self.weight) if weighted else float(samples)
        for (name, metric), totals in zip(self.metrics, self.sums, strict=True):
            logs[name] = metric.result([self._host(total) for total in totals], weight)
        return logs

    def first_bad_batch(self) -> int:
        """The number, from 1, of the first batch after which the summed loss was not finite. Waits for the device."""
        return int(self._host(self.finite_batches)) + 1

    def _all(self) -> Iterator[Array]:
        return chain(self.losses.values(), [self.weight, self.finite_batches], *self.sums)

    def _host(self, scalar: Array) -> float:
        return float(self.backend.to_numpy(scalar))
