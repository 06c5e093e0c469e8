"""The processes of MPI, through mpi4py."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.distributed import agreement
from bpnet.distributed.host import as_numpy, by_way_of_host, is_on_host, library_array
from bpnet.distributed.launch import Launch, OtherLibraryError
from bpnet.distributed.patience import timeout
from bpnet.distributed.starting import watched_start
from bpnet.distributed.watch import Watch
from bpnet.training.communicator import ToldElsewhere

INSTALL = 'Mend: pip install ".[mpi]"'

OTHER_LIBRARY = (
    "they belong to different MPI libraries. Mend: the mpiexec of the library that mpi4py was built for "
    "(python -m mpi4py --mpi-lib-version), or pip install mpi4py for yours"
)

FAILED, REFUSED = 1, 2
"""The exit codes of a run that has lost a rank, and of one that cannot begin."""


def over_mpi(launch: Launch) -> OverMPI:
    """All processes of the run. ImportError: mpi4py or an MPI library is not installed.

    OtherLibraryError, of a rank: MPI does not know the processes that `launch` tells of. The others end silently.
    """
    seconds = timeout()
    with watched_start(launch, seconds):
        try:
            from mpi4py import MPI
        except (ImportError, OSError, RuntimeError) as error:
            raise ImportError(
                f"distributed: mpiexec has launched this, but mpi4py cannot be imported ({error}). {INSTALL}"
            ) from error
        _require_all(launch, MPI.COMM_WORLD.Get_size())
        return OverMPI(MPI, seconds)


def _require_all(launch: Launch, seen: int) -> None:
    """Each process of a launcher that its MPI does not know would take itself for the only one, and train alone."""
    if seen == launch.size or (launch.size is None and (seen > 1 or launch.rank == 0)):
        return
    if launch.rank > (1 if launch.size is None else 0):  # where no size is announced, rank 0 may be alone indeed
        time.sleep(agreement.GRACE)
        raise ToldElsewhere(REFUSED)
    processes = "several processes" if launch.size is None else f"{launch.size} processes"
    raise OtherLibraryError(f"distributed: mpiexec has launched {processes}, but mpi4py sees {seen}: {OTHER_LIBRARY}")


class OverMPI:
    """A communicator of its own over all processes."""

    name = "mpi"

    def __init__(self, mpi: Any, seconds: float) -> None:
        self._mpi = mpi
        self._world = mpi.COMM_WORLD.Dup()
        self.rank: int = self._world.Get_rank()
        self.size: int = self._world.Get_size()
        self._messages = Messages(mpi)
        self._watch = Watch(self._messages, seconds, self._lost)

    def all_reduce(self, vector: Array) -> None:
        """The sum over all processes, in place."""
        buffer, done = self._buffer(vector)
        with self._watched("all_reduce"):
            self._world.Allreduce(self._mpi.IN_PLACE, buffer)
        done()

    def begin_all_reduce(self, vector: Array) -> Begun:
        """The same beside other work."""
        buffer, done = self._buffer(vector)
        request = self._world.Iallreduce(self._mpi.IN_PLACE, buffer)

        def wait() -> None:
            with self._watched("all_reduce"):
                request.Wait()
            done()

        return Begun(wait, buffer)

    def broadcast(self, vector: Array) -> None:
        """What rank 0 has, in place."""
        buffer, done = self._buffer(vector)
        with self._watched("broadcast"):
            self._world.Bcast(buffer, root=0)
        done()

    def gather(self, text: str) -> list[str]:
        """The text of each rank, on every rank."""
        with self._watched("gather"):
            found: list[str] = self._world.allgather(text)
        return found

    def barrier(self) -> None:
        """Wait until all have come here."""
        with self._watched("barrier"):
            self._world.Barrier()

    def close(self) -> None:
        """Give the communicators back."""
        self._watch.close()
        self._messages.close()
        self._world.Free()

    def abandon(self, code: int) -> None:
        """End all ranks with this exit code. To end alone would leave the others waiting, and this one for them."""
        sys.stdout.flush()
        sys.stderr.flush()
        threading.Timer(2.0, os._exit, (code,)).start()  # where MPI cannot be called any more, this ends at least one
        self._mpi.COMM_WORLD.Abort(code)

    def _lost(self, message: str | None) -> None:
        if message is not None:
            told = sys.__stderr__ or sys.stderr  # of all ranks but the first the command has put sys.stderr away
            print(f"Error: {message}", file=told, flush=True)
        self.abandon(FAILED)

    @contextmanager
    def _watched(self, operation: str) -> Iterator[None]:
        self._watch.begin(operation)
        try:
            yield
        finally:
            self._watch.done()

    def _buffer(self, vector: Array) -> tuple[Any, Callable[[], None]]:
        """What MPI can read and write, and what brings it back where it is a copy."""
        array = library_array(vector)
        if is_on_host(array):
            return as_numpy(array), _nothing
        if os.environ.get("BPNET_MPI_CUDA") == "1":
            _synchronize(array)  # MPI knows nothing of streams
            return array, _nothing
        return by_way_of_host(array)


class Begun:
    """A reduction that MPI is at. It moves on only while the process is in a call of MPI."""

    def __init__(self, wait: Callable[[], None], buffer: np.ndarray) -> None:
        self.wait = wait
        self._buffer = buffer
        """Lives as long as MPI may write to it."""


class Messages:
    """`watch.Talk` over a communicator of its own."""

    def __init__(self, mpi: Any) -> None:
        self._world, self._status = mpi.COMM_WORLD.Dup(), mpi.Status()
        self.rank: int = self._world.Get_rank()
        self.size: int = self._world.Get_size()
        self._sent: list[Any] = []

    def send(self, rank: int, text: str) -> None:
        """MPI needs the text until it has gone, so it is kept."""
        self._sent.append(self._world.isend(text, dest=rank))

    def received(self) -> list[tuple[int, str]]:
        """What has come since, with who sent it."""
        found = []
        while self._world.iprobe(status=self._status):
            source = self._status.Get_source()
            found.append((source, self._world.recv(source=source)))
        return found

    def close(self) -> None:
        """Give the communicator back."""
        self._world.Free()


def _synchronize(array: Any) -> None:
    if type(array).__module__.partition(".")[0] == "torch":
        import torch

        torch.cuda.current_stream(array.device).synchronize()
    else:
        import cupy

        cupy.cuda.get_current_stream().synchronize()


def _nothing() -> None:
    """The buffer is the vector's memory."""
