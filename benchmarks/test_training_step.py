"""One training step (gather, forward, backward, Adam) of each net against the batch size, on every backend."""

import pytest

from bpnet_benchmarks.contenders.on_bpnet import ALL, NUMBA_MKL
from bpnet_benchmarks.problem import problem
from bpnet_benchmarks.workloads import WORKLOADS

BATCHES = [1, 32, 256, 2_048, 16_384, 65_536]
SLOWEST = 2.0
"""Seconds that a step on the CPU may take, at FLOPS; longer ones are left out."""
FLOPS = 20e9

CASES = [
    pytest.param(contender, workload, batch, id=f"{contender.name}-{workload.name}-{batch}")
    for contender in ALL
    if contender is not NUMBA_MKL  # one process has one BLAS
    for workload in WORKLOADS.values()
    for batch in (workload.batches if workload.has_images else BATCHES)
    if contender.on_gpu or not (workload.gpu_only or workload.flop(batch) > SLOWEST * FLOPS)
]


@pytest.mark.benchmark(max_time=0.5, min_rounds=3)
@pytest.mark.parametrize(("contender", "workload", "batch"), CASES)
def test_step(benchmark, contender, workload, batch):
    """The captured step, waited for; float32."""
    why_not = contender.why_not()
    if why_not is not None:
        pytest.skip(f"{contender.name}: {why_not}")
    run = contender.prepare(problem(workload, batch))

    def step():
        run.step()
        run.synchronize()

    step()
    benchmark.extra_info |= {"net": workload.name, "samples_per_step": batch, "flop": workload.flop(batch)}
    benchmark(step)
