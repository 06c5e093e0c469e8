"""The networks that are timed. All are float32, with a softmax, categorical cross-entropy of integer labels and Adam.

To add one, write a line in `WORKLOADS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

BATCHES = (1, 32, 256, 2_048, 16_384)
"""Batch sizes where none are asked for."""

CHECKED_STEPS = 20
"""The steps after which a contender's loss is compared with the reference."""

CHECKED_FLOP = 2e11
"""A cell whose checked steps would need more than this takes fewer of them, but at least 3."""

FLOAT32 = 4
"""Bytes."""


@dataclass(frozen=True)
class Workload:
    """A chain of dense layers: `sizes` are those of the input, the hidden layers and the output."""

    name: str
    sizes: tuple[int, ...]
    hidden: str = "relu"
    """The activation of the hidden layers: `relu` or `tanh`."""
    batches: tuple[int, ...] = BATCHES
    gpu_only: bool = False
    data: str = "teacher"
    """`teacher`: labels drawn from a linear model. `xor`: two bits, a 1 for the bias, and their exclusive or."""

    def layers(self) -> Iterator[tuple[int, int]]:
        """(inputs, outputs) of each layer."""
        return pairwise(self.sizes)

    @property
    def parameters(self) -> int:
        """Weights and biases, Σ (I·O + O)."""
        return sum(i * o + o for i, o in self.layers())

    def flop(self, batch: int) -> int:
        """Floating-point operations of one step's matrix products on N = `batch` samples.

        2·N·ΣI·O forward, as much for dw = xᵀ dz, and as much for dx = dz wᵀ without the first layer, whose dx nobody
        needs. What is elementwise is left out.
        """
        products = [i * o for i, o in self.layers()]
        return 2 * batch * (3 * sum(products) - products[0])

    def bytes(self, batch: int) -> int:
        """The least traffic of one step between memory and the arithmetic, in bytes of float32.

        With P parameters, P₁ of them in the first layer: read forward (P) and for dx (P - P₁); the gradient written and
        read (2P); Adam's θ, m and v read and written (6P). With N = `batch`: the gathered inputs and every layer's
        outputs written once and read once (2·N·Σ sizes).
        """
        first = self.sizes[0] * self.sizes[1] + self.sizes[1]
        parameters = 10 * self.parameters - first
        return FLOAT32 * (parameters + 2 * batch * sum(self.sizes))

    def checked_steps(self, batch: int) -> int:
        """After how many steps the loss is compared with the reference: 20, or fewer where a step is long."""
        return max(3, min(CHECKED_STEPS, int(CHECKED_FLOP / self.flop(batch))))


WIDTHS = (16, 32, 64, 128, 256, 512, 1_024)
"""Hidden widths of the sweep over 64-W-10."""

WIDTH_BATCH = 32
"""The batch size of that sweep."""


def of_width(width: int) -> Workload:
    """64-`width`-10 with relu."""
    return Workload(f"64-{width}-10", (64, width, 10))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("64-128-10", (64, 128, 10)),
        Workload("784-256-128-10", (784, 256, 128, 10)),
        Workload("784-1024-1024-10", (784, 1_024, 1_024, 10)),
        Workload("xor", (3, 5, 2), hidden="tanh", batches=(4,), data="xor"),
        Workload("4096x4", (4_096, 4_096, 4_096, 4_096, 10), gpu_only=True),
    )
}
"""What `bpnet bench` runs where no workload is asked for."""

KNOWN = WORKLOADS | {workload.name: workload for workload in map(of_width, WIDTHS) if workload.name not in WORKLOADS}
"""Those, and the widths of the sweep."""
