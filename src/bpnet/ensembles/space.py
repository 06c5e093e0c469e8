"""The candidates of a search: a seeded draw, the same on every machine.

Each setting has a stream of its own, and candidate k takes the k-th number of each: so a search of 1,000 begins with
the candidates of a search of 100, and a setting that is searched besides changes none of the others' values. Candidate
k is of group k mod G, where a group is an architecture with a batch size. Where there are choices only, no candidate is
drawn twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from bpnet.data.random import generator
from bpnet.ensembles.ranges import Range


@dataclass(frozen=True)
class Candidate:
    """What one network is trained with; `group` is its place among the groups, whose settings it has too."""

    number: int
    group: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Space:
    """What is searched: the settings of each group, and a range for each setting within a group."""

    groups: Sequence[Mapping[str, Any]]
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @property
    def size(self) -> int | None:
        """How many candidates differ; None where a setting is not counted."""
        counts = [None if one.values is None else len(one.values) for one in self.ranges.values()]
        return None if None in counts else len(self.groups) * prod(count for count in counts if count is not None)

    @property
    def searched(self) -> list[str]:
        """The settings that differ between candidates."""
        varied = [name for name in self.groups[0] if len({str(group[name]) for group in self.groups}) > 1]
        return varied + [name for name, one in self.ranges.items() if one.values is None or len(one.values) > 1]

    def candidates(self, models: int, seed: int) -> list[Candidate]:
        """So many, or all there are where these are fewer."""
        size = self.size
        if size is not None:
            return [self._counted(number, place) for number, place in enumerate(_places(size, models, seed))]
        draws = {name: generator(seed, "search", name).random(models).tolist() for name in self.ranges}
        return [
            self._candidate(number, number % len(self.groups),
                            {name: one.at(draws[name][number]) for name, one in self.ranges.items()})
            for number in range(models)
        ]  # fmt: skip

    def _counted(self, number: int, place: int) -> Candidate:
        """The candidate at a place in the list of all: the group changes first, the last setting last."""
        place, group = divmod(place, len(self.groups))
        chosen = {}
        for name, one in self.ranges.items():
            assert one.values is not None
            place, which = divmod(place, len(one.values))
            chosen[name] = one.values[which]
        return self._candidate(number, group, chosen)

    def _candidate(self, number: int, group: int, chosen: Mapping[str, Any]) -> Candidate:
        return Candidate(number, group, {**self.groups[group], **chosen})


def _places(size: int, models: int, seed: int) -> Sequence[int]:
    """Different numbers below `size`, in the order of a draw; all in their own order where no more are wanted."""
    if models >= size:
        return range(size)
    draw = generator(seed, "search", "choices")
    found: dict[int, None] = {}
    while len(found) < models:
        found.update(dict.fromkeys(draw.integers(size, size=models - len(found)).tolist()))
    return list(found)
