"""The replay of compiled kernels, and the threads that share it: those of Numba.

A kernel is a compiled function (arguments, start, stop, chunk): `arguments` is the address of a table of 64-bit
numbers, addresses of arrays and sizes; it works on the rows from `start` to `stop`, the chunk of that number. Kernels
stand in a table of (function, arguments, rows), regions of them in another one, so that a whole training step is one
call, whatever the number of its operations.

The threads are started once a call. Each goes through all regions: it takes chunks of a region that nobody has taken,
its own ones first, and goes on when all of them are done, whoever has done them. A thread that wakes up late holds no
other one up between regions: they take its chunks.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from llvmlite import binding
from numba import get_num_threads

from bpnet_backends import threads
from bpnet_backends.on_numba.compiling import address_of_function
from bpnet_backends.on_numba.one_thread import begin, end, pools
from bpnet_backends.on_numba.words import ask_c, atomic_add, atomic_load, call_c, call_kernel, int64_at, pause

Kernel = tuple[int, int, int]
"""Function, arguments, rows."""

FIRST, STOP, CHUNKS, DONE, TAKEN = range(5)
"""What a region's row in the table holds: its kernels; into how many chunks their rows are divided; the addresses of
two kinds of counters, one of the chunks that are done, and one for each chunk, of those who wanted to take it."""

REGION = 5

REGIONS, NUMBER, KERNELS, COUNTERS, COUNTED, POOLS, POOLED, THREADS, YIELD = range(9)
NUMBERS, BYTES, TEAM, SHARE, GET, PUT = range(9, 15)
"""What the plan of a replay holds: the table of regions and its length; the table of kernels; the counters and how many
there are; the table of BLAS libraries and its length; the number of threads; what lets other programs run; and for
Numba the address of the threads' numbers, the bytes of one, the function that starts them, what each shall do, and the
functions that tell and set how many threads the calling one may start: starting few of them lowers that."""

SPINS = 2000
"""How often a thread looks whether it can go on, before it lets others run."""


def take_part(plan: int, thread: int) -> None:
    """One thread's way through all regions."""
    p = int64_at(plan)
    kernels, threads = int64_at(p[KERNELS]), p[THREADS]
    for i in range(p[NUMBER]):
        region = int64_at(p[REGIONS] + 8 * REGION * i)
        chunks, done, taken = region[CHUNKS], region[DONE], region[TAKEN]
        if atomic_load(done) < chunks:
            rows = kernels[region[FIRST] * 3 + 2]
            for k in range(chunks):
                chunk = (k + thread * chunks // threads) % chunks
                if atomic_add(taken + 8 * chunk, 1) == 0:
                    low, high = rows * chunk // chunks, rows * (chunk + 1) // chunks
                    for kernel in range(region[FIRST], region[STOP]):
                        last = high if chunks > 1 else kernels[kernel * 3 + 2]
                        call_kernel(kernels[kernel * 3], kernels[kernel * 3 + 1], low, last, chunk)
                    atomic_add(done, 1)
            spins = 0
            while atomic_load(done) < chunks:
                pause()
                spins += 1
                if spins % SPINS == 0:
                    call_c(p[YIELD])


def share(numbers: int, counts: int, steps: int, plan: int) -> None:
    """What Numba's threads call: take part as each of the threads whose numbers these are."""
    own = int64_at(int64_at(numbers)[0])
    for i in range(int64_at(counts)[0]):
        take_part(plan, own[i])


def replay(plan: int) -> None:
    """Run all regions, with other threads where there are some."""
    p = int64_at(plan)
    counters = int64_at(p[COUNTERS])
    for i in range(p[COUNTED]):
        counters[i] = 0
    begin(p[POOLS], p[POOLED])
    if p[THREADS] == 1:
        take_part(plan, 0)
    else:
        before = ask_c(p[GET])
        call_c(p[TEAM], p[SHARE], plan + 8 * NUMBERS, plan + 8 * THREADS, plan + 8 * BYTES, plan, 0, 1, p[THREADS])
        call_c(p[PUT], before)
    end(p[POOLS], p[POOLED])


@dataclass(frozen=True)
class Replay:
    """A call of `replay`, with the memory that it needs."""

    function: Callable[[int], None]
    plan: int
    memory: tuple[np.ndarray, ...]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> None:
        """All regions, for one thread of Python at a time: they share the memory."""
        with self.lock:
            self.function(self.plan)


def available() -> int:
    """How many threads there are: Numba's, or BPNET_THREADS, which Numba knows for the thread that set it alone."""
    own: int = get_num_threads()
    return min(own, threads.wanted() or own)


def bound(kernels: Sequence[Kernel], regions: Sequence[tuple[int, int, int]]) -> Replay:
    """The call that replays `regions`, each (first kernel, one past its last, chunks)."""
    function, own = address_of_function(replay), address_of_function(share)
    most = max(chunks for *_, chunks in regions)
    number = min(available(), most)  # which starts them: their functions are known from then on
    names = ("numba_parallel_for", "get_num_threads", "set_num_threads")
    team, get, put = (binding.address_of_symbol(name) or 0 for name in names)
    if 0 in (team, get, put):
        raise RuntimeError(f"this version of Numba lacks one of {names}. Mend: install a tested one, numba<0.69")
    counters = np.zeros(sum(1 + chunks for *_, chunks in regions), np.int64)
    rows, at = [], counters.ctypes.data
    for first, stop, chunks in regions:
        rows.append((first, stop, chunks, at, at + 8))
        at += 8 * (1 + chunks)
    numbers, blas = np.arange(number, dtype=np.int64), pools()
    tables = np.array(rows, np.int64), np.array(kernels, np.int64), counters, numbers, blas
    of_regions, of_kernels, of_counters, of_numbers, of_blas = (table.ctypes.data for table in tables)
    plan = {REGIONS: of_regions, NUMBER: len(rows), KERNELS: of_kernels, COUNTERS: of_counters, COUNTED: counters.size}
    plan |= {POOLS: of_blas, POOLED: len(blas), THREADS: number, YIELD: _yield()}
    plan |= {NUMBERS: of_numbers, BYTES: 8, TEAM: team, SHARE: own, GET: get, PUT: put}
    table = np.array([plan[field] for field in sorted(plan)], np.int64)
    run = ctypes.CFUNCTYPE(None, ctypes.c_int64)(function)
    return Replay(run, table.ctypes.data, (*tables, table))


def _yield() -> int:
    """The address of the system's function that lets other threads run."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value or 0
