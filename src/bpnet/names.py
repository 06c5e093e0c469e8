"""Look a name up; where it is unknown, say which known one is nearest."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def look_up(kind: str, name: object, known: Mapping[str, T]) -> T:
    """`known[name]`, or a ValueError that names `kind`, the nearest known name and all the others."""
    if isinstance(name, str) and name in known:
        return known[name]
    if isinstance(name, type):
        raise ValueError(f"{kind}: the class {name.__name__} was given, expected an object of it: {name.__name__}()")
    near = get_close_matches(str(name).lower(), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{kind}: {name!r} is unknown.{hint} Known: {', '.join(known)}.")
