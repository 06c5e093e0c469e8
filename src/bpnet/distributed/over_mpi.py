"""The processes of MPI, through mpi4py."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.distributed.host import as_numpy, by_way_of_host, is_on_host, library_array

INSTALL = 'Mend: pip install ".[mpi]"'


def over_mpi() -> OverMPI:
    """All processes of the run. ImportError: mpi4py or an MPI library is not installed."""
    try:
        from mpi4py import MPI
    except (ImportError, OSError, RuntimeError) as error:
        raise ImportError(
            f"distributed: MPI has launched this, but mpi4py cannot be imported ({error}). {INSTALL}"
        ) from error
    return OverMPI(MPI)


class OverMPI:
    """A communicator of its own over all processes."""

    name = "mpi"

    def __init__(self, mpi: Any) -> None:
        self._mpi = mpi
        self._world = mpi.COMM_WORLD.Dup()
        self.rank: int = self._world.Get_rank()
        self.size: int = self._world.Get_size()

    def all_reduce(self, vector: Array) -> None:
        """The sum over all processes, in place."""
        buffer, done = self._buffer(vector)
        self._world.Allreduce(self._mpi.IN_PLACE, buffer)
        done()

    def begin_all_reduce(self, vector: Array) -> Begun:
        """The same beside other work."""
        buffer, done = self._buffer(vector)
        return Begun(self._world.Iallreduce(self._mpi.IN_PLACE, buffer), buffer, done)

    def broadcast(self, vector: Array) -> None:
        """What rank 0 has, in place."""
        buffer, done = self._buffer(vector)
        self._world.Bcast(buffer, root=0)
        done()

    def gather(self, text: str) -> list[str]:
        """The text of each rank, on every rank."""
        found: list[str] = self._world.allgather(text)
        return found

    def barrier(self) -> None:
        """Wait until all have come here."""
        self._world.Barrier()

    def close(self) -> None:
        """Give the communicator back."""
        self._world.Free()

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

    def __init__(self, request: Any, buffer: np.ndarray, done: Callable[[], None]) -> None:
        self._request, self._buffer, self._done = request, buffer, done

    def wait(self) -> None:
        """Return when the vector holds the sum."""
        self._request.Wait()
        self._done()


def _synchronize(array: Any) -> None:
    if type(array).__module__.partition(".")[0] == "torch":
        import torch

        torch.cuda.current_stream(array.device).synchronize()
    else:
        import cupy

        cupy.cuda.get_current_stream().synchronize()


def _nothing() -> None:
    """The buffer is the vector's memory."""
