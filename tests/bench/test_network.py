"""The simulated network between namespaces of this machine: its delay and its limit of bandwidth are there."""

import subprocess
import sys
import time
from pathlib import Path
from shutil import which

import pytest

from bpnet_benchmarks.processes import ChildFailedError
from bpnet_benchmarks.ranks.network import Network, run

PING = """
import os, socket, time
if os.environ["RANK"] == "0":
    server = socket.create_server((os.environ["MASTER_ADDR"], 29400))
    own, _ = server.accept()
    began = time.perf_counter(); own.sendall(b"x"); own.recv(1); trip = time.perf_counter() - began
    own.sendall(b"x"); own.recv(1)
    began = time.perf_counter(); own.sendall(bytes(500_000)); own.recv(1)
    print(trip, time.perf_counter() - began)
else:
    while True:
        try:
            own = socket.create_connection((os.environ["MASTER_ADDR"], 29400), timeout=10)
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    for size in (1, 1, 500_000):
        while size:
            size -= len(own.recv(size))
        own.sendall(b"x")
"""


def _possible():
    """Are there namespaces, TUN devices and the kernel's limit of bandwidth for us?"""
    if which("unshare") is None or which("tc") is None or not Path("/dev/net/tun").exists():
        return False
    made = "ip tuntap add mode tun net0 && tc qdisc add dev net0 root tbf rate 1mbit burst 32000 latency 1s"
    command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", made]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _possible(), reason="no network namespaces with TUN devices and tc's tbf here")


def test_a_round_trip_takes_two_delays_and_bytes_take_their_time():
    trip, sending = map(float, run([sys.executable, "-c", PING], 2, Network(delay=0.02, rate=40e6), 30).split())
    assert 0.04 <= trip < 0.2  # 2 · 20 ms; the rest is what a busy machine may add
    assert 0.1 <= sending < 0.6  # 500,000 bytes less a burst, at 5 MB a second


def test_a_rank_that_fails_ends_all():
    began = time.perf_counter()
    with pytest.raises(ChildFailedError, match=r"\[None, 3\]"):
        run(["sh", "-c", 'test "$RANK" = 0 && exec sleep 61.3; exit 3'], 2, Network(0.0, 1e9), 30)
    assert time.perf_counter() - began < 15
    assert not subprocess.run(["pgrep", "-f", "sleep 61.3$"], capture_output=True, text=True, check=False).stdout
