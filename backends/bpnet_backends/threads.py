"""How many threads the CPU backends use: BPNET_THREADS, or all cores where it is unset."""

from __future__ import annotations

import os


def wanted() -> int | None:
    """The number that BPNET_THREADS asks for; None where it is unset. ValueError where it is no whole number from 1."""
    given = os.environ.get("BPNET_THREADS", "")
    if not given:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(
            f"BPNET_THREADS: {given!r} was given, expected a whole number from 1. Mend: unset it for all cores"
        )
    return int(given)


def limit_blas() -> None:
    """Let the BLAS libraries of this process use as many threads as BPNET_THREADS says."""
    number = wanted()
    if number is not None:
        import threadpoolctl

        threadpoolctl.threadpool_limits(number, user_api="blas")
