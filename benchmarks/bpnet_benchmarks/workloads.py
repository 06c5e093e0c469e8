"""The networks that are timed. To add one, write a line in `WORKLOADS`."""

from __future__ import annotations

from bpnet_benchmarks.layers import Conv, Dense, Flatten, Pool
from bpnet_benchmarks.workload import Workload, dense_net

WIDTHS = (16, 32, 64, 128, 256, 512, 1_024)
"""Hidden widths of the sweep over 64-W-10."""

WIDTH_BATCH = 32
"""The batch size of that sweep."""


def of_width(width: int) -> Workload:
    """64-`width`-10 with relu."""
    return dense_net(f"64-{width}-10", (64, width, 10))


CNN = (
    Conv(4, 5, activation="tanh"),  # 24 × 24
    Conv(8, 3, activation="tanh"),  # 22 × 22
    Pool(2),  # 11 × 11
    Conv(16, 3),  # 9 × 9
    Pool(2),  # 4 × 4
    Flatten(),  # 256
    Dense(128, "tanh"),
    Dense(10, "softmax"),
)
"""For images of 28 × 28 × 1."""

CNN_WIDE = (
    Conv(32, 3, same=True),  # 32 × 32
    Conv(64, 3, same=True),
    Pool(2),  # 16 × 16
    Flatten(),  # 16,384
    Dense(10, "softmax"),
)
"""For images of 32 × 32 × 3."""

WORKLOADS = {
    workload.name: workload
    for workload in (
        dense_net("64-128-10", (64, 128, 10)),
        dense_net("784-256-128-10", (784, 256, 128, 10)),
        dense_net("784-1024-1024-10", (784, 1_024, 1_024, 10)),
        dense_net("xor", (3, 5, 2), hidden="tanh", batches=(4,), data="xor"),
        Workload("cnn", (28, 28, 1), CNN, batches=(1, 32, 100, 1_000)),
        Workload("cnn-wide", (32, 32, 3), CNN_WIDE, batches=(1, 32, 100)),
        dense_net("4096x4", (4_096, 4_096, 4_096, 4_096, 10), gpu_only=True),
    )
}
"""What `bpnet bench` runs where no workload is asked for."""

KNOWN = WORKLOADS | {workload.name: workload for workload in map(of_width, WIDTHS) if workload.name not in WORKLOADS}
"""Those, and the widths of the sweep."""
