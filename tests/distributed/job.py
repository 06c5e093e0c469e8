"""What each rank of tests/distributed/test_engines.py runs; `python job.py NAME`."""

import os
import signal
import sys
import time

import numpy as np

import bpnet
from bpnet.distributed import agree, communicator
from bpnet.distributed.agreement import has_agreed
from bpnet.distributed.choosing import leave


def sums(ranks):
    """Every kind of array, every operation; what rank 0 prints is checked there."""
    expected = sum(range(1, ranks.size + 1))
    for spec in ("numpy", "numba", *(["torch:cpu"] if ranks.name == "gloo" else [])):
        backend = bpnet.load(spec)
        for dtype in ("float32", "float64", "int64"):
            vector = backend.asarray(np.full(1000, ranks.rank + 1), dtype)
            ranks.all_reduce(vector[100:])
            found = backend.to_numpy(vector)
            assert (found[100:] == expected).all(), (spec, dtype)
            assert (found[:100] == ranks.rank + 1).all(), (spec, dtype)
    parts = [np.full(5, float(ranks.rank)), np.full(7, 2.0 * ranks.rank)]
    begun = [ranks.begin_all_reduce(part) for part in parts]
    for each in begun:
        each.wait()
    assert [part[0] for part in parts] == [expected - ranks.size, 2 * (expected - ranks.size)]
    one = np.array(float(ranks.rank) + 7)
    ranks.broadcast(one)
    assert one == 7
    drawn = np.random.default_rng(ranks.rank).normal(size=999)
    ranks.all_reduce(drawn)
    bits = ranks.gather(drawn.tobytes().hex())
    assert len(set(bits)) == 1
    ranks.barrier()
    agree(ranks, {"seed": 0})
    assert has_agreed(ranks)
    print(f"{ranks.name}: " + ", ".join(ranks.gather(f"rank {ranks.rank} of {ranks.size} “ä”" * (ranks.rank + 1))))


def hang(ranks):
    """Rank 1 never comes."""
    ranks.barrier()
    if ranks.rank == 1:
        time.sleep(600)
    ranks.all_reduce(np.ones(10))


def killed(ranks):
    """Rank 1 dies."""
    ranks.barrier()
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    ranks.all_reduce(np.ones(10))


def error(ranks):
    """Rank 1 raises an error, and the others wait for it."""
    ranks.barrier()
    if ranks.rank == 1:
        raise KeyError("the reason")
    ranks.all_reduce(np.ones(10))


def disagreement(ranks):
    """All the operations; then it is found that rank 1 has another seed."""
    sums(ranks)
    agree(ranks, {"seed": ranks.rank, "dtype": "float32"})


def own_group():
    """The program has made the process group itself; it is used, and left as it is."""
    import torch.distributed as distributed

    distributed.init_process_group("gloo")
    ranks = communicator("auto")
    vector = np.ones(3)
    ranks.all_reduce(vector)
    leave()
    assert distributed.is_initialized()
    print(vector.tolist())
    distributed.destroy_process_group()


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "own_group":
        own_group()
    elif name == "absent" and os.environ["PMI_RANK"] == "1":
        raise KeyError("before it has asked for the others")
    else:
        found = communicator("auto")
        globals()[name](found)
        leave()
