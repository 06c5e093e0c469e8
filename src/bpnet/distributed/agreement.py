"""Before the first step: do all ranks have the same in hand, and has one of them failed already?"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from bpnet.training.communicator import Communicator, ToldElsewhere
from bpnet.version import __version__

GRACE = 2.0
"""Seconds that a silent rank leaves to the one that tells: the launcher ends all ranks as soon as one has ended."""

VERSIONS = ("bpnet", "numpy", "python")
MENDS = dict.fromkeys(VERSIONS, "install the same versions on every machine") | {
    "data": "give every rank the whole data set, the same file or arrays",
    "validation data": "give every rank the same validation data",
    "epochs done": "give every rank the same folder of checkpoints",
    "seed": "the same seed on every rank",
    "backend": "the same backend on every rank: as many processes on a machine as it has GPUs, or BPNET_BACKEND=numba",
}
OTHERWISE = "the same program, arguments and settings on every rank"

_agreed: WeakSet[Any] = WeakSet()


class DisagreementError(ValueError):
    """The ranks of a run have not the same in hand."""


class RankError(RuntimeError):
    """One or more ranks have failed before the start; rank 0 tells it for them."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
        """The exit code."""


def agree(communicator: Communicator, facts: Mapping[str, Any]) -> None:
    """All ranks go on where their facts, and their versions of bpnet, NumPy and Python, are equal.

    `facts` has JSON values by names for people, causes before what follows from them: the seed before the first
    weights. Otherwise rank 0 raises DisagreementError, or RankError where another rank has failed before this point
    (`fail_together`), and the other ranks end silently with ToldElsewhere.
    """
    _settle(communicator, {"facts": {**versions(), **facts}})
    _agreed.add(communicator)


def has_agreed(communicator: Communicator) -> bool:
    """Has `agree` been passed? Then the other ranks no longer wait for word of a failure."""
    return communicator in _agreed


def fail_together(communicator: Communicator, message: str, code: int) -> None:
    """In place of `agree`, on a rank that cannot begin: RankError on rank 0, ToldElsewhere on the others."""
    _settle(communicator, {"error": message, "code": code})


def versions() -> dict[str, str]:
    """What decides how a run is computed."""
    return dict(zip(VERSIONS, (__version__, np.__version__, platform.python_version()), strict=True))


def _settle(communicator: Communicator, own: Mapping[str, Any]) -> None:
    said = [json.loads(text) for text in communicator.gather(json.dumps(own))]
    failed = [rank for rank, each in enumerate(said) if "error" in each]
    problem: Exception | None = None
    code = 1
    if failed:
        code = max(said[rank]["code"] for rank in failed)
        problem = RankError(_told(failed, [said[rank]["error"] for rank in failed], communicator.size), code)
    elif differing := _differing([each["facts"] for each in said]):
        problem = DisagreementError(f"distributed: the ranks do not agree: {differing}")
        code = 2
    if problem is None:
        return
    if communicator.rank == 0:
        raise problem
    time.sleep(GRACE)
    raise ToldElsewhere(code)


def _told(ranks: Sequence[int], errors: Sequence[str], size: int) -> str:
    """Each error once, with the ranks that have it; without them where all have the same."""
    groups = _groups(ranks, errors)
    if len(ranks) == size and len(groups) == 1:
        return errors[0]
    return "; ".join(f"{_ranks(members)}: {error}" for error, members in groups.items())


def _differing(facts: Sequence[Mapping[str, Any]]) -> str:
    """What differs, with the values and the ranks that have them; "" where nothing does."""
    parts: list[str] = []
    mends: dict[str, None] = {}
    for name in dict.fromkeys(name for each in facts for name in each):
        values = [json.dumps(each.get(name), sort_keys=True) for each in facts]
        if len(groups := _groups(range(len(facts)), values)) > 1:
            shown = ", ".join(f"{_short(value)} on {_ranks(members)}" for value, members in groups.items())
            parts.append(f"{name}: {shown}")
            mends[MENDS.get(name, OTHERWISE)] = None
    return f"{'; '.join(parts)}. Mend: {', '.join(mends)}" if parts else ""


def _groups(ranks: Sequence[int] | range, values: Sequence[str]) -> dict[str, list[int]]:
    """The ranks by their value."""
    found: dict[str, list[int]] = {}
    for rank, value in zip(ranks, values, strict=True):
        found.setdefault(value, []).append(rank)
    return found


def _ranks(members: Sequence[int]) -> str:
    shown = ", ".join(map(str, members[:8])) + (f" and {len(members) - 8} others" if len(members) > 8 else "")
    return f"{'rank' if len(members) == 1 else 'ranks'} {shown}"


def _short(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:80]}…"
