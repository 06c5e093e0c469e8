"""Ranks that are threads of one process: a communicator that needs no launcher, for tests."""

import threading

import numpy as np

from bpnet.distributed.host import as_numpy, library_array
from bpnet.training.communicator import LostPeerError

SECONDS = 60.0


class Ranks:
    """What the threads share: a place each, and a barrier."""

    def __init__(self, size, seconds=SECONDS):
        self.size = size
        self.places = [None] * size
        self.barrier = threading.Barrier(size, timeout=seconds)


class Done:
    def wait(self):
        pass


class OverThreads:
    """The sum is taken in the order of the ranks, so that all of them have the same bits."""

    name = "threads"

    def __init__(self, ranks, rank):
        self._ranks, self.rank, self.size = ranks, rank, ranks.size
        self.calls = []

    def all_reduce(self, vector):
        buffer = as_numpy(library_array(vector))
        parts = self._exchange("all_reduce", buffer.copy())
        total = parts[0].copy()
        for part in parts[1:]:
            total += part
        buffer[...] = total

    def begin_all_reduce(self, vector):
        self.all_reduce(vector)
        return Done()

    def broadcast(self, vector):
        buffer = as_numpy(library_array(vector))
        buffer[...] = self._exchange("broadcast", buffer.copy())[0]

    def gather(self, text):
        return self._exchange("gather", text)

    def barrier(self):
        self._exchange("barrier", None)

    def close(self):
        pass

    def _exchange(self, operation, thing):
        """What every rank has brought, the same operation and the same shapes on all."""
        shape = np.shape(thing) if isinstance(thing, np.ndarray) else None
        self.calls.append((operation, shape))
        self._meet()
        self._ranks.places[self.rank] = (operation, shape, thing)
        self._meet()
        found = list(self._ranks.places)
        assert len({each[:2] for each in found}) == 1, f"the ranks are not at the same place: {found}"
        return [each[2] for each in found]

    def _meet(self):
        try:
            self._ranks.barrier.wait()
        except threading.BrokenBarrierError:
            raise LostPeerError(f"rank {self.rank} of {self.size} has lost another rank") from None


def on_ranks(size, function, seconds=SECONDS):
    """[function(communicator) of rank 0, …], each in a thread. The first error of a rank, by its number, is raised."""
    ranks, results, errors = Ranks(size, seconds), [None] * size, [None] * size

    def work(rank):
        try:
            results[rank] = function(OverThreads(ranks, rank))
        except BaseException as error:
            errors[rank] = error
            ranks.barrier.abort()

    threads = [threading.Thread(target=work, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * seconds)
        assert not thread.is_alive(), "a rank hangs"
    first = [error for error in errors if error is not None and not isinstance(error, LostPeerError)]
    for error in [*first, *errors]:
        if error is not None:
            raise error
    return results
