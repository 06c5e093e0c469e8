"""The processes of torch.distributed: gloo for arrays in the host's memory, NCCL for those on NVIDIA GPUs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import numpy as np

from bpnet.backend import Array
from bpnet.distributed.host import as_numpy, by_way_of_host, is_on_host, library_array
from bpnet.distributed.launch import Launch
from bpnet.distributed.meeting import in_short, not_met, require_reachable, store_of
from bpnet.distributed.patience import timeout
from bpnet.training.communicator import LostPeerError, ToldElsewhere

INSTALL = 'Mend: pip install ".[torch]"'

ANSWER = 2.0
"""Seconds that the other ranks have to say that they have lost one too."""


def torch_distributed(launch: Launch | None) -> OverTorch:
    """The process group that is there, or the one that `launch` describes.

    ImportError: PyTorch is not installed. LostPeerError: the other processes were not met in time. ValueError: the
    group that is there is for arrays on GPUs only.
    """
    if launch is not None:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # or each try to meet the others is warned of at length
    try:
        import torch.distributed as distributed
    except (ImportError, OSError) as error:
        raise ImportError(
            f"distributed: torchrun has launched this, but PyTorch cannot be imported ({error}). {INSTALL}"
        ) from error
    if distributed.is_initialized():
        return OverTorch(distributed, own=False)
    assert launch is not None
    assert launch.size is not None
    import torch

    seconds = timeout()
    if launch.rank:
        require_reachable(launch, seconds)
    engines = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"
    try:
        store = store_of(distributed, launch, timedelta(seconds=seconds))
        distributed.init_process_group(
            engines, store=store, rank=launch.rank, world_size=launch.size, timeout=timedelta(seconds=seconds)
        )
    except (RuntimeError, ValueError) as error:
        raise not_met(launch, seconds, error) from error
    return OverTorch(distributed, own=True)


class OverTorch:
    """The default process group."""

    def __init__(self, distributed: Any, *, own: bool) -> None:
        import torch

        self._torch, self._distributed, self._own = torch, distributed, own
        self.rank: int = distributed.get_rank()
        self.size: int = distributed.get_world_size()
        config = str(distributed.get_backend_config())
        if "cpu:" not in config:
            raise ValueError(
                f"distributed: the program's process group, {config}, takes no arrays in the host's memory, expected "
                "one that does. Mend: init_process_group('cpu:gloo,cuda:nccl')"
            )
        self._has_nccl = "nccl" in config
        self.name = "nccl" if self._has_nccl else "gloo"
        self._timeout = timeout()

    def all_reduce(self, vector: Array) -> None:
        """The sum over all processes, in place."""
        tensor, done, stream = self._tensor(vector)
        with stream:
            self._call("all_reduce", lambda: self._distributed.all_reduce(tensor))
        done()

    def begin_all_reduce(self, vector: Array) -> Begun:
        """The same beside other work."""
        tensor, done, stream = self._tensor(vector)
        with stream:
            work = self._call("all_reduce", lambda: self._distributed.all_reduce(tensor, async_op=True))
        return Begun(self, work, done, stream)

    def broadcast(self, vector: Array) -> None:
        """What rank 0 has, in place."""
        tensor, done, stream = self._tensor(vector)
        with stream:
            self._call("broadcast", lambda: self._distributed.broadcast(tensor, src=0))
        done()

    def gather(self, text: str) -> list[str]:
        """The text of each rank, on every rank."""
        data = text.encode()
        lengths = np.zeros(self.size, "int64")
        lengths[self.rank] = len(data)
        self.all_reduce(lengths)
        ends = np.cumsum(lengths)
        every = np.zeros(max(1, int(ends[-1])), "uint8")
        begin = int(ends[self.rank]) - len(data)
        every[begin : begin + len(data)] = np.frombuffer(data, "uint8")
        self.all_reduce(every)  # each place is written by one rank
        return [bytes(every[end - length : end]).decode() for end, length in zip(ends, lengths, strict=True)]

    def barrier(self) -> None:
        """Wait until all have come here."""
        self.all_reduce(np.zeros(1))

    def close(self) -> None:
        """Leave the process group, unless the program had made it itself."""
        if self._own and self._distributed.is_initialized():
            self._distributed.destroy_process_group()

    def abandon(self, code: int) -> None:
        """Nothing to do: torchrun ends the other ranks when this one has ended with an error."""

    def _tensor(self, vector: Array) -> tuple[Any, Callable[[], None], Any]:
        """A tensor on the vector's memory or a copy of it, what brings the copy back, and the stream to work on."""
        torch, array = self._torch, library_array(vector)
        if isinstance(array, torch.Tensor):
            if array.device.type == "cpu" or self._has_nccl:
                return array, _nothing, nullcontext()
        elif is_on_host(array):
            return torch.from_numpy(as_numpy(array)), _nothing, nullcontext()
        elif self._has_nccl:  # CuPy
            stream = _cupy_stream(torch, array.device.id)
            return torch.from_dlpack(array), _nothing, torch.cuda.stream(stream)
        copy, write_back = by_way_of_host(array)
        return torch.from_numpy(copy), write_back, nullcontext()

    def _call(self, name: str, operation: Callable[[], Any]) -> Any:
        try:
            return operation()
        except RuntimeError as error:
            raise self.lost(name, error) from error

    def lost(self, name: str, error: Exception) -> BaseException:
        """LostPeerError on one of the ranks that are left, ToldElsewhere on the others.

        Where a rank has died, torchrun ends the others meanwhile, and tells how it died.
        """
        waiting = self._waiting()
        if any(rank < self.rank for rank in waiting):
            return ToldElsewhere(1)
        missing = [f"no word of rank {rank}" for rank in range(self.size) if rank not in (self.rank, *waiting)]
        limit = f" (BPNET_TIMEOUT={self._timeout:g})" if self._own else ""
        return LostPeerError(
            f"{name}: rank {self.rank} of {self.size} has lost another rank, or waited too long for it{limit}: "
            f"{', '.join([*missing, in_short(error)])}. Mend: see why it ended or hangs, or give it more time with "
            "BPNET_TIMEOUT=SECONDS"
        )

    def _waiting(self) -> list[int]:
        """The other ranks that have lost one too: they say so in the store at which all have met."""
        others = [rank for rank in range(self.size) if rank != self.rank]
        found: list[int] = []
        until = time.monotonic() + ANSWER
        try:
            store = self._distributed.distributed_c10d._get_default_store()
            store.set(f"bpnet-lost-{self.rank}", "1")
            while time.monotonic() < until and len(found) < len(others):
                time.sleep(ANSWER / 20)
                found = [rank for rank in others if store.check([f"bpnet-lost-{rank}"])]
        except RuntimeError:
            time.sleep(max(0.0, until - time.monotonic()))  # the store has died too: what is known is told
        return found


class Begun:
    """A reduction that torch.distributed is at."""

    def __init__(self, home: OverTorch, work: Any, done: Callable[[], None], stream: Any) -> None:
        self._home, self._work, self._done, self._stream = home, work, done, stream

    def wait(self) -> None:
        """Return when the vector holds the sum; on a GPU, what is asked of it next comes after the sum."""
        try:
            with self._stream:
                self._work.wait()
        except RuntimeError as error:
            raise self._home.lost("all_reduce", error) from error
        self._done()


def _cupy_stream(torch: Any, gpu: int) -> Any:
    """The stream that CuPy works on, which NCCL is to follow; the GPU becomes PyTorch's current one too."""
    import cupy

    if torch.cuda.current_device() != gpu:  # who leaves a stream goes back to the GPU of the stream before
        torch.cuda.set_device(gpu)
    pointer = cupy.cuda.get_current_stream().ptr
    # For 0, the default stream, ExternalStream would make a new one, which waits for nothing that CuPy does.
    return torch.cuda.ExternalStream(pointer, device=gpu) if pointer else torch.cuda.default_stream(gpu)


def _nothing() -> None:
    """The tensor's memory is the vector's."""
