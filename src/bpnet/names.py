"""Names: looking one up, where an unknown one is told the nearest, and giving each thing one of its own."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
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


def numbered(name: str, taken: Container[str]) -> str:
    """`name`, or the first of `name_1`, `name_2`, … that is not taken."""
    number, free = 0, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def distinct(kind: str, names: Sequence[str], given: Sequence[bool]) -> list[str]:
    """The names, each its own: those that the user has given stay, others are numbered where they are taken.

    ValueError where the user has given one twice; `kind` says of what.
    """
    taken: set[str] = set()
    for name, stays in zip(names, given, strict=True):
        if stays and name in taken:
            raise ValueError(f"name: two {kind} are called {name!r}; give each its own")
        taken |= {name} if stays else set()
    found = []
    for name, stays in zip(names, given, strict=True):
        found.append(name if stays else numbered(name, taken))
        taken.add(found[-1])
    return found
