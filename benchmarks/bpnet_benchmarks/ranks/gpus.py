"""`python -m bpnet_benchmarks.ranks.gpus`: the cost model for many GPUs. Nothing of this was measured.

An H100 (NVIDIA H100 datasheet: 67 TFLOP/s in float32 without tensor cores, 3.35 TB/s, NVLink 900 GB/s in both
directions together), of which half the FLOP/s and all bandwidth are taken to be reached; eight in a machine, each with
a port of InfiniBand NDR of its own (DGX H100 user guide: 400 Gbit/s). The latencies are those that NCCL itself reckons
with for its protocol LL128 (src/graph/tuning.cc of NCCL 2.18: 14 µs a call, 1.9 µs a hop of NVLink, 8.5 µs of the
network). That a step's kernels take 30 µs to start, replayed as a graph, is a guess.
"""

from __future__ import annotations

from itertools import pairwise

from bpnet_benchmarks.ranks.cost import Link, Work, efficiency, most_ranks, step, two_levels

FLOPS, MEMORY = 67e12 / 2, 3.35e12
STARTS = 30e-6
NVLINK = Link(1.9e-6, 1 / 450e9, start=14e-6)
INFINIBAND = Link(8.5e-6, 1 / 50e9)
EACH = 8
"""GPUs of a machine."""

NETS = {
    "64-128-10": (64, 128, 10),
    "784-1024-1024-10": (784, 1024, 1024, 10),
    "4096-4096×5-10": (4096, *[4096] * 5, 10),
}
BATCHES = (1_024, 16_384, 262_144)
LARGEST = 1_024

over_gpus = two_levels(NVLINK, INFINIBAND, EACH)


def work(sizes: tuple[int, ...]) -> Work:
    """Of a chain of dense layers: 6 FLOP a weight and sample, 2 of them forward; Adam moves 28 bytes a parameter."""
    weights = sum(before * after for before, after in pairwise(sizes))
    parameters = weights + sum(sizes[1:])
    return Work(STARTS, 6 * weights / FLOPS, 28 * parameters / MEMORY, 4 * parameters)


def main() -> None:
    """Print the table of the page."""
    print("| net | gradient | batch | 1 GPU | 8 | 64 | 1,024 | efficiency at 8 | 64 | 1,024 | ≥ 50% up to |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, sizes in NETS.items():
        own = work(sizes)
        for batch in BATCHES:
            counts = (1, 8, 64, LARGEST)
            times = [f"{1e3 * step(own, NVLINK, count, batch, over_gpus):.3g} ms" for count in counts]
            shares = [f"{efficiency(own, NVLINK, count, batch, over_gpus):.1%}" for count in counts[1:]]
            stops = f"{most_ranks(own, NVLINK, batch, over_gpus):,}"
            row = [name, f"{own.size / 1e6:.3g} MB", f"{batch:,}", *times, *shares, stops]
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
