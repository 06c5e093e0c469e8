"""What the processes of a run, the ranks 0 … N - 1, share out and agree on; all ranks call each function."""

from __future__ import annotations

from dataclasses import dataclass

from bpnet.backend import Array, Backend
from bpnet.training.communicator import Communicator
from bpnet.training.totals import Totals


@dataclass(frozen=True)
class Share:
    """A rank's samples of a batch of `samples`: from `start` up to `stop`, which may be none."""

    samples: int
    start: int
    stop: int

    @classmethod
    def of(cls, communicator: Communicator, samples: int) -> Share:
        """Rows [r·b // N, (r + 1)·b // N) of b: the shares follow one another, and differ by one sample at most."""
        rank, size = communicator.rank, communicator.size
        return cls(samples, rank * samples // size, (rank + 1) * samples // size)

    @staticmethod
    def largest(communicator: Communicator, samples: int) -> int:
        """How many samples the largest share of a batch of b has, the same on all ranks: b / N rounded up."""
        return -(-samples // communicator.size)

    @property
    def is_empty(self) -> bool:
        """Are there more ranks than samples, and none for this one?"""
        return self.start == self.stop

    @property
    def rows(self) -> slice:
        """What the rank computes with; where it has no sample, one of another rank's, which then counts nothing."""
        return slice(self.start, max(self.stop, self.start + 1))

    @property
    def computed(self) -> int:
        """How many these are."""
        return max(self.stop - self.start, 1)


def add_up(communicator: Communicator, totals: Totals) -> None:
    """Let the totals of each rank be the sums over all; of their finite batches, the fewest."""
    own, finite = totals.values(), float(totals.first_bad_batch() - 1)
    each = [finite if rank == communicator.rank else 0.0 for rank in range(communicator.size)]
    summed = _sums(communicator, totals.backend, [*own, *each])
    totals.take(summed[: len(own)])
    totals.finite_batches[...] = min(summed[len(own) :])


def any_of(communicator: Communicator, backend: Backend, flags: list[bool]) -> list[bool]:
    """For each of the flags: is it set on one of the ranks?"""
    return [total > 0 for total in _sums(communicator, backend, [float(flag) for flag in flags])]


def fewest(communicator: Communicator | None, number: int | None) -> int | None:
    """The smallest number on any rank; all have one, or none has."""
    if communicator is None or number is None:
        return number
    return min(int(each) for each in communicator.gather(str(number)))


def averaged(communicator: Communicator, vectors: list[Array]) -> None:
    """Let each vector, contiguous, be its mean over the ranks."""
    for vector in vectors:
        communicator.all_reduce(vector)
        vector[...] = vector / communicator.size


def _sums(communicator: Communicator, backend: Backend, numbers: list[float]) -> list[float]:
    vector = backend.asarray(numbers, "float64")
    communicator.all_reduce(vector)
    return [float(number) for number in backend.to_numpy(vector)]
