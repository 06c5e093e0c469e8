"""Which processes a run is shared with."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from bpnet.distributed import agreement
from bpnet.distributed.launch import OtherLibraryError, launched, turn
from bpnet.training.communicator import Communicator, ToldElsewhere

REFUSED = 2
"""The exit code where a process cannot begin."""

_joined: list[Communicator] = []
"""The one communicator of this process, once it is made."""


def communicator(which: str | Communicator | None = "auto") -> Communicator | None:
    """The processes that this one was launched with, `which` itself, or None where the process is alone.

    `auto` takes a process group of torch.distributed that the program has made, else what torchrun or mpiexec has
    launched; where it is one process, no engine is imported. None is one process whatever the launcher says.
    ValueError: `which` is none of these, a launcher's variable is wrong, or mpiexec is not of mpi4py's MPI library.
    ImportError: the engine is not installed.
    LostPeerError: the other processes were not met in time.
    """
    if which is None:
        return None
    if isinstance(which, Communicator):
        return which if which.size > 1 else None
    if which != "auto":
        raise ValueError(
            f"distributed: {which!r} was given, expected 'auto', None or an object with the members of Communicator. "
            "Mend: distributed='auto'"
        )
    if not _joined:
        found = _told_once(_join)
        if found is None:
            return None
        _joined.append(found)
        _end_all_on_errors(found)
    return _joined[0] if _joined[0].size > 1 else None


def joined() -> Communicator | None:
    """The communicator of this process, if it was asked for one and is not alone."""
    return _joined[0] if _joined else None


def leave() -> None:
    """Close the communicator of this process, if there is one."""
    while _joined:
        _joined.pop().close()


def _told_once(join: Callable[[], Communicator | None]) -> Communicator | None:
    """What `join` gives. What it raises is told by rank 0, and by the first rank of a machine that it is alone with."""
    try:
        return join()
    except OtherLibraryError:
        raise
    except (ValueError, ImportError) as error:
        when = turn()
        if when is None:
            raise ToldElsewhere(REFUSED) from error
        time.sleep(when * agreement.GRACE)
        raise


def _end_all_on_errors(found: Any) -> None:
    """An error that ends this process ends the others too: MPI would have them wait for it, and it for them."""
    if not hasattr(found, "abandon"):
        return
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        if found in _joined:
            found.abandon(1)

    sys.excepthook = hook


def _join() -> Communicator | None:
    group: Any = sys.modules.get("torch.distributed")
    if group is not None and group.is_available() and group.is_initialized():
        from bpnet.distributed.over_torch import torch_distributed

        return torch_distributed(None)
    launch = launched()
    if launch is None:
        return None
    if launch.engine == "torch":
        from bpnet.distributed.over_torch import torch_distributed

        return torch_distributed(launch)
    from bpnet.distributed.over_mpi import over_mpi

    return over_mpi(launch)
