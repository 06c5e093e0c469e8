"""What training asks of the processes that it shares a run with: `Communicator`. Nothing here knows an engine."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bpnet.backend import Array


class Pending(Protocol):
    """A reduction that was begun."""

    def wait(self) -> None:
        """Return when the vector holds the sum. LostPeerError: a process has not come to it in time."""


@runtime_checkable
class Communicator(Protocol):
    """Processes, the ranks 0 … size - 1, that run one program side by side and call these in the same order.

    LostPeerError, from any of them: a process has died, or has not come to the call within the time-out.
    """

    name: str
    """`gloo`, `nccl` or `mpi`."""
    rank: int
    size: int

    def all_reduce(self, vector: Array) -> None:
        """The sum over all processes, in place; the same bits on each. Contiguous, of any backend, or NumPy's."""

    def begin_all_reduce(self, vector: Array) -> Pending:
        """The same beside other work; nothing may touch `vector` until the wait is over."""

    def broadcast(self, vector: Array) -> None:
        """What rank 0 has, in place."""

    def gather(self, text: str) -> list[str]:
        """The text of each rank, on every rank."""

    def barrier(self) -> None:
        """Wait until all have come here."""

    def close(self) -> None:
        """Give back what it holds; nothing can be called afterwards."""


class LostPeerError(RuntimeError):
    """Another process of the run has died, or did not come to an operation in time."""


class ToldElsewhere(SystemExit):
    """The run is over here, silently: rank 0, or the rank that it concerns, tells why. `code` is the exit code."""
