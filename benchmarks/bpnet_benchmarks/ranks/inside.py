"""The first process of a network namespace: `inside SOCKET RANK RATE COMMAND…` makes its device and is the command."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys

from bpnet_benchmarks.ranks.network import FIRST_HOST, PACKET, PREFIX

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

SETTINGS = {
    "net/ipv4/tcp_congestion_control": "reno",
    "net/ipv4/tcp_slow_start_after_idle": "0",
    "net/ipv6/conf/all/disable_ipv6": "1",
}
"""A known congestion control, which does not begin anew after each pause between two steps."""


def main() -> None:
    """Bring the interface up, hand its device to the process that relays, and go on as the command."""
    import fcntl  # of Unix alone

    link, rank, rate = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22s", b"net0", IFF_TUN | IFF_NO_PI, b""))
    for name, value in SETTINGS.items():
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(value)
    for command in (
        "ip link set lo up",
        f"ip address add {PREFIX}.{rank + FIRST_HOST}/24 dev net0",
        f"ip link set net0 mtu {PACKET} up",
        f"tc qdisc add dev net0 root tbf rate {rate}bit burst {PACKET + 1000} latency 2s",
    ):
        subprocess.run(command.split(), check=True)
    with socket.socket(fileno=link) as own:
        socket.send_fds(own, [b"device"], [device])
    os.close(device)
    os.execvp(sys.argv[4], sys.argv[4:])


if __name__ == "__main__":
    main()
