"""Steps of stacked models: what the calls on arrays whose first axis counts models do to one of the models.

Where a recorded step multiplies stacks of matrices, (K, M, L) (K, L, N), most of its calls do the same for each of the
K models, on memory that lies a fixed distance from that of the model before. Such calls, taken together, are a `Run`:
the calls for model 0, and the distances. What is not like this (counters, gathers of indices that all models share)
stays as it is, before or after. Nothing here asks what a model is: a run is made only where the calls are seen to be
independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from bpnet_backends.fusion.items import Item, items
from bpnet_backends.on_numba.dividing import alone
from bpnet_backends.on_numpy.program import overlap, roots, with_results_in_place
from bpnet_backends.on_numpy.recording import Call, Record, is_alone, root


@dataclass(eq=False)
class Run:
    """Calls that do the same for each of `models` models."""

    models: int
    calls: list[Call] = field(default_factory=list)
    """On all models."""
    single: list[Call] = field(default_factory=list)
    """On the first model."""
    distances: dict[int, int] = field(default_factory=dict)
    """By the identity of memory: bytes from model to model; 0 where all of them read the same."""
    own: dict[int, np.ndarray] = field(default_factory=dict)
    """By its identity, memory that nothing else uses: the part of the first model."""

    @property
    def items(self) -> list[Item]:
        """What is done for one model; where results are copied elsewhere, they are written there at once."""
        return items(with_results_in_place(Record(made=self.own), self.single), alone)


def runs(record: Record, calls: Sequence[Call]) -> list[Run | list[Call]]:
    """The calls in an order that gives the same, those that are alike for all models together."""
    models = _models(calls)
    known = _Singles(models)
    singles = known.of_all(calls) if models > 1 else {}
    parts: list[Run | list[Call]] = []
    for call in calls:
        _place(parts, call, singles.get(id(call)), models)
    for part in parts:
        if isinstance(part, Run):
            part.distances = known.distances()
            others = [other for other in parts if other is not part]
            if not _are_independent(part):
                return [list(calls)]
            part.own = _own(part, record, roots(array for other in others for array in _all_arrays(other)))
    return parts


def _models(calls: Sequence[Call]) -> int:
    """K, where all products are of stacks of K matrices; else 0."""
    sizes = {call.outputs[0].shape[0] if call.outputs[0].ndim == 3 else 0 for call in calls if call.kind == "matmul"}
    return sizes.pop() if len(sizes) == 1 else 0


def _place(parts: list[Run | list[Call]], call: Call, single: Call | None, models: int) -> None:
    """Put the call at the end, or as far forward as brings it together with its like and overtakes nothing."""
    for part in reversed(parts):
        if isinstance(part, Run) and single is not None:
            part.calls.append(call)
            part.single.append(single)
            return
        if isinstance(part, list) and single is None:
            part.append(call)
            return
        if any(_must_wait(call, old) for old in (part.calls if isinstance(part, Run) else part)):
            break
    else:
        if single is None:
            parts.insert(0, [call])
            return
    parts.append([call] if single is None else Run(models, [call], [single]))


def _must_wait(call: Call, old: Call) -> bool:
    """Does one of the two write what the other one uses?"""
    pairs = [(a, b) for a in call.outputs for b in (*old.reads, *old.outputs)]
    pairs += [(a, b) for a in call.reads for b in old.outputs]
    return any(overlap(a, b) for a, b in pairs)


def _are_independent(run: Run) -> bool:
    """Does no model write what another one uses? Memory of models lies apart; what is the same for all is only read."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for single in run.single:
        for array in (*single.reads, *single.outputs):
            spans.setdefault(id(root(array)), []).append(byte_bounds(array))
    for memory in roots(array for single in run.single for array in single.outputs):
        lows, highs = zip(*spans[memory], strict=True)
        if max(highs) - min(lows) > run.distances.get(memory, 0):
            return False
    used, written = (list(_by_owner(arrays)) for arrays in (_all_arrays(run), (call.outputs[0] for call in run.calls)))
    pairs = ((a, b) for a in written for b in used if a is not b and not (is_alone(a) and is_alone(b)))
    return not any(overlap(a, b) for a, b in pairs)


def _own(run: Run, record: Record, elsewhere: set[int]) -> dict[int, np.ndarray]:
    """By its identity, memory that only this run uses: the part of the first model."""
    found = {}
    for array in _all_arrays(run):
        owner = root(array)
        fills = run.distances.get(id(owner), 0) * run.models == owner.nbytes
        if fills and record.is_own(owner) and id(owner) not in elsewhere:
            found[id(owner)] = owner.ravel(order="K")[: owner.size // run.models]
    return found


def _by_owner(arrays: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """The owners of the arrays' memory, each once."""
    return {id(root(array)): root(array) for array in arrays}.values()


def _all_arrays(part: Run | list[Call]) -> Iterator[np.ndarray]:
    for call in part.calls if isinstance(part, Run) else part:
        yield from (*call.reads, *call.outputs)


class _Singles:
    """Calls on the first of `models` models.

    An array may be used in two ways: one with a first axis of K is a number a model, or, where a batch has K samples
    too, a number a sample. What is used in several ways is taken to be the same for all models, and read as a whole.
    """

    def __init__(self, models: int) -> None:
        self._models = models
        self._shared: set[int] = set()
        self._refused: set[int] = set()
        self._distances: dict[int, set[int]] = {}

    def of_all(self, calls: Sequence[Call]) -> dict[int, Call]:
        """For each call, by identity, that is alike for all models, what it does for the first."""
        while True:
            self._distances = {}
            found = {id(call): single for call in calls if (single := self._of(call)) is not None}
            shared = {memory for memory, seen in self._distances.items() if len(seen) > 1}
            work = {id(item.work) for item in items(list(found.values()), alone) if isinstance(item.work, Call)}
            refused = {whole for whole, single in found.items() if id(single) in work}
            if not shared - self._shared and not refused:
                return found
            self._shared |= shared
            self._refused |= refused

    def distances(self) -> dict[int, int]:
        """By the identity of memory: bytes from model to model; none where it is used in several ways."""
        return {memory: min(seen) for memory, seen in self._distances.items() if len(seen) == 1}

    def _of(self, call: Call) -> Call | None:
        """The call for the first model; None where there is none."""
        if id(call) in self._refused or len(call.outputs) != 1:
            return None
        (out,) = call.outputs
        if out.ndim == 0 or out.shape[0] % self._models or id(root(out)) in self._shared:
            return None
        given = self._given(call, out)
        if given is None:
            return None
        kind, inputs, options = given
        # These are done with rows only: a model's own one stays a row.
        in_rows = call.function is np.argmax or (kind == "take" and inputs[0][1] == 0)
        pairs = [*inputs, self._rows(out) if in_rows else self._first(out)]
        used = [(array, distance) for array, distance in pairs if isinstance(array, np.ndarray)]
        if any(distance and id(root(array)) in self._shared for array, distance in used):
            return None
        for array, distance in used:
            self._distances.setdefault(id(root(array)), set()).add(distance)
        arguments: tuple[Any, ...] = tuple(x for x, _ in inputs)
        if kind == "other":
            arguments, options = (arguments, options), {}
        return Call(kind, call.function, arguments, (pairs[-1][0],), options)

    def _given(self, call: Call, out: np.ndarray) -> tuple[str, list[tuple[Any, int]], dict[str, Any]] | None:
        """What the call for the first model is given: its kind, the inputs, each with its distance, and the options."""
        if call.kind in ("elementwise", "where", "copy", "create"):
            spread = [self._broadcast(x, out) for x in call.inputs]
            return None if None in spread else (call.kind, [x for x in spread if x is not None], call.options)
        if call.kind == "matmul":
            alike = all(x.ndim == 3 and x.shape[0] == self._models for x in call.inputs)
            return (call.kind, [self._first(x) for x in call.inputs], call.options) if alike else None
        args, options = call.inputs if call.kind == "other" else (call.inputs, call.options)
        if call.function is np.take:
            return self._taken(args, options)
        if call.function is np.argmax and len(args) == 1 and args[0].ndim == 2 and options.get("axis", 0) in (1, -1):
            return call.kind, [self._rows(args[0])], options
        if call.kind == "reduce" and len(args) == 1:
            (x,) = args
            changed = self._without_first_axis(options, x) if x.ndim and x.shape[0] == out.shape[0] else None
            return None if changed is None else (call.kind, [self._first(x)], changed)
        return None

    def _taken(self, args: Any, options: Any) -> tuple[str, list[tuple[Any, int]], dict[str, Any]] | None:
        """Rows of an array that all share, or of each model's own elements those of the same numbers."""
        if len(args) != 2 or not isinstance(args[1], np.ndarray) or args[1].ndim != 1:
            return None
        table, indices = args
        if options.get("axis", 0) == 0:
            return "take", [(table, 0), self._rows(indices)], {}
        if options == {"axis": 1} and table.shape[0] == self._models and id(root(table)) not in self._shared:
            return "take", [self._first(table), (indices, 0)], {}
        return None

    def _first(self, x: np.ndarray) -> tuple[np.ndarray, int]:
        """The part of the first model, without an axis of models, and the bytes from one to the next."""
        part, distance = self._rows(x)
        return (part[0, ...] if len(part) == 1 else part), distance

    def _rows(self, x: np.ndarray) -> tuple[np.ndarray, int]:
        """The same with all axes."""
        rows = x.shape[0] // self._models
        return x[:rows], x.strides[0] * rows

    def _broadcast(self, x: Any, out: np.ndarray) -> tuple[Any, int] | None:
        """The same of what is spread to the shape of `out`."""
        if not isinstance(x, np.ndarray) or x.ndim < out.ndim:
            return x, 0
        if x.ndim > out.ndim or x.shape[0] not in (1, out.shape[0]):
            return None
        if x.shape[0] == 1:
            return (x[0, ...] if out.shape[0] == self._models else x), 0
        return None if id(root(x)) in self._shared else self._first(x)

    def _without_first_axis(self, options: dict[str, Any], x: np.ndarray) -> dict[str, Any] | None:
        """What a reduction is told when the axis of models is gone; None where it reduces that axis."""
        axis = options.get("axis", 0)
        if axis is None:
            return None
        axes = sorted(i % x.ndim for i in (axis if isinstance(axis, tuple) else (axis,)))
        if 0 in axes:
            return None
        gone = 1 if x.shape[0] == self._models else 0
        left = tuple(i - gone for i in axes)
        return {**options, "axis": left[0] if len(left) == 1 else left}
