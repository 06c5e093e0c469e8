"""A network of so many machines on this one: network namespaces of Linux, with a delay and a limit of bandwidth.

Each rank runs in a network namespace of its own, which `unshare` makes without a name, so that it is gone with its last
process. Its only interface is a TUN device. The limit of bandwidth is the kernel's (`tc … tbf`, on all that a machine
sends). The delay is ours: this process reads each packet, holds it back for so long, and hands it to its receiver,
because `netem` is not built into every kernel. On a machine with few cores this takes some of their time.
"""

from __future__ import annotations

import heapq
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bpnet_benchmarks.processes import ChildFailedError, environment

PREFIX = "10.77.0"
PACKET = 32_000
"""Bytes, at most: large ones, because each costs this process some microseconds."""

FIRST_HOST = 1


@dataclass(frozen=True)
class Network:
    """What it is to be like."""

    delay: float
    """Seconds that a packet takes."""
    rate: float
    """Bits a second that each machine can send."""


def run(command: Sequence[str], ranks: int, network: Network, limit: float = 300.0, threads: int = 1) -> str:
    """Run the command on every rank, launched as torchrun launches it; what rank 0 prints.

    ChildFailedError: a rank failed, or it took too long. OSError: this system has no such namespaces.
    """
    ours, processes = [], []
    try:
        for rank in range(ranks):
            own, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                inside = [sys.executable, "-m", "bpnet_benchmarks.ranks.inside", str(theirs.fileno()), str(rank)]
                processes.append(
                    subprocess.Popen(
                        ["unshare", "--user", "--map-root-user", "--net", *inside, f"{network.rate:.0f}", *command],
                        env={**environment(threads), **launched(rank, ranks)},
                        stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL,
                        stderr=subprocess.PIPE,
                        text=True,
                        pass_fds=[theirs.fileno()],
                    )
                )
            ours.append(own)
        devices = [_device(own, process) for own, process in zip(ours, processes, strict=True)]
        try:
            _relay(devices, network.delay, processes, time.monotonic() + limit)
        finally:
            for device in devices:
                os.close(device)
        codes = [process.poll() for process in processes]
        for process in processes:
            process.kill()  # where one has failed, the others wait for it
        (out, error), *others = [process.communicate() for process in processes]
        if any(codes):
            told = "".join([error, *(each for _, each in others)])[-2000:]
            raise ChildFailedError(f"the ranks ended with {codes}, None is still at work: {told}")
        return out
    finally:
        for process in processes:
            process.kill()  # its namespace and its device go with it
            process.wait()
        for own in ours:
            own.close()


def launched(rank: int, ranks: int) -> Mapping[str, str]:
    """What torchrun sets; rank 0 is the first host."""
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "LOCAL_RANK": "0",
        "LOCAL_WORLD_SIZE": "1",
        "MASTER_ADDR": f"{PREFIX}.{FIRST_HOST}",
        "MASTER_PORT": "29400",
        "GLOO_SOCKET_IFNAME": "net0",
    }


def _device(own: socket.socket, process: subprocess.Popen[str]) -> int:
    """The TUN device that a rank has made."""
    _, found, _, _ = socket.recv_fds(own, 16, 1)
    if not found:
        errors = process.communicate()[1].strip()
        raise OSError(f"network: no namespace with a TUN device could be made: {errors[-500:]}")
    os.set_blocking(found[0], False)
    return found[0]


def _relay(devices: Sequence[int], delay: float, processes: Sequence[subprocess.Popen[str]], until: float) -> None:
    """Hand packets on, each `delay` after it came, until all processes have ended or one has failed."""
    held: list[tuple[float, int, int, bytes]] = []
    count, checked = 0, 0.0
    while True:
        now = time.monotonic()
        if now - checked > 0.05:
            checked = now
            codes = [process.poll() for process in processes]
            if all(code is not None for code in codes) or any(codes):
                return
            if now > until:
                raise ChildFailedError("it did not end in time")
        while held and held[0][0] <= now:
            _, _, receiver, packet = heapq.heappop(held)
            with suppress(OSError):  # lost, as a network may: TCP sends it again
                os.write(devices[receiver], packet)
        wait = min(0.05, held[0][0] - time.monotonic()) if held else 0.05
        ready, _, _ = select.select(devices, [], [], max(0.0, wait))
        now = time.monotonic()
        for device in ready:
            with suppress(BlockingIOError):
                packet = os.read(device, PACKET + 100)
                receiver = packet[19] - FIRST_HOST  # the last byte of the destination of IPv4
                if packet[0] >> 4 == 4 and 0 <= receiver < len(devices):
                    count += 1
                    heapq.heappush(held, (now + delay, count, receiver, packet))
