"""How the processes that torchrun has launched find each other."""

from __future__ import annotations

import os
import re
import socket
import time
from datetime import timedelta
from typing import Any

from bpnet.distributed.launch import Launch, restarts
from bpnet.training.communicator import LostPeerError

AGAIN = 0.2
"""Seconds from one try to reach the others to the next one."""


def store_of(distributed: Any, launch: Launch, patience: timedelta) -> Any:
    """Where the processes read each other's addresses: torchrun's store, or rank 0's where there is none.

    torchrun may use one store for all its restarts, and the addresses of processes that have died are in it still: so
    each restart has names of its own there.
    """
    assert launch.address is not None
    host, _, port = launch.address.rpartition(":")
    is_there = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    is_master = launch.rank == 0 and not is_there
    store = distributed.TCPStore(host, int(port), launch.size, is_master, patience, multi_tenant=True)
    return distributed.PrefixStore(f"bpnet-{restarts()}", store)


def require_reachable(launch: Launch, seconds: float) -> None:
    """LostPeerError where nobody listens at the address within so many seconds. PyTorch would say so at length."""
    assert launch.address is not None
    host, _, port = launch.address.rpartition(":")
    until = time.monotonic() + seconds
    while True:
        left = until - time.monotonic()
        try:
            socket.create_connection((host, int(port)), timeout=max(left, 0.1)).close()
            return
        except OSError as error:
            if left <= AGAIN:
                raise not_met(launch, seconds, error) from error
        time.sleep(AGAIN)


def not_met(launch: Launch, seconds: float, error: Exception) -> LostPeerError:
    """What is told where the processes have not come together."""
    return LostPeerError(
        f"rank {launch.rank} of {launch.size} did not meet the others at MASTER_ADDR:MASTER_PORT {launch.address} "
        f"within {seconds:g} s (BPNET_TIMEOUT): {in_short(error)}. Mend: is that address right, can it be reached from "
        f"here, and are all {launch.size} processes started?"
    )


def in_short(error: BaseException) -> str:
    """Its first sentence, without the place in gloo's source; of NCCL's what comes last, which says what is wrong."""
    _, last, reason = str(error).rpartition("Last error:")
    if last and reason.strip():
        return reason.strip().splitlines()[0]
    line = re.sub(r"^\[\S+:\d+\] ", "", (str(error).splitlines() or [type(error).__name__])[0])
    return line.split(". ")[0].rstrip(".")
