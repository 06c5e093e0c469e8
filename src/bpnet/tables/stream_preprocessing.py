"""The preprocessing of a table that is read by blocks: kinds and medians from a sample, all else from all rows.

A target that is learned through its logarithm has the mean and deviation of the sample.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bpnet.tables import target as targets
from bpnet.tables.columns import Column, Moments, category_column, number_column
from bpnet.tables.error import TableError
from bpnet.tables.frames import needed
from bpnet.tables.kinds import MOSTLY, Values, few_words, is_text, numbers_in, values_as, values_of
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.statistics import Gathered, Pass
from bpnet.tables.survey import Survey, survey


def preprocessing_of(found: Pass, name: str, task: str | None) -> Preprocessing:
    """From what the pass found."""
    goal, own = _target(found, name, task), None
    kept: list[Column] = []
    notes: list[str] = []
    values = {other: values_of(other, found.sample[other]) for other in found.columns if other != name}
    for other, of_sample in values.items():
        column, note = _column(other, of_sample, found.columns[other], found.rows)
        notes += [said for said in (of_sample.note if of_sample.kind != "unknown" else "", note) if said]
        kept += [column] if column is not None else []
    if not kept:
        raise TableError("table: no column is left to predict from, expected at least one. " + "; ".join(notes))
    if goal.task == "regression":
        own = _moments(name, "number", found.columns[name])
        goal = targets.fit(goal, goal.numbers(found.sample[name]))
        goal = replace(goal, mean=own.mean, std=own.std) if own is not None else goal
    spread: Survey = survey(goal, found.sample[name], values, kept)
    if spread.quantiles and own is not None:
        ends = [own.low, own.high, *(goal.numbers(found.held_out[name]) if len(found.held_out) else [])]
        spread = replace(spread, quantiles=[float(min(ends)), *spread.quantiles[1:-1], float(max(ends))])
    missing = {
        other: found.rows - _known(found.columns[other], found.rows, values[other]) + _missing(other, found.held_out)
        for other in values
    }
    counts = training_counts(found, goal)
    if counts and len(found.held_out):
        held_out = np.bincount(goal.labels(found.held_out[name]), minlength=len(counts))
        counts = [mine + int(other) for mine, other in zip(counts, held_out, strict=True)]
    spread = replace(spread, rows=found.rows + len(found.held_out), missing=missing, counts=counts or spread.counts)
    return Preprocessing(tuple(kept), goal, tuple(notes), spread)


def training_counts(found: Pass, goal: targets.Target) -> list[int]:
    """The rows for training of each class; none for a regression, or where there are too many different values."""
    if goal.task == "regression" or found.target_values is None:
        return []
    labels, times = goal.labels(_different(found, goal.name)), list(found.target_values.values())
    return [int(count) for count in np.bincount(labels, weights=times, minlength=len(goal.classes))]


def _target(found: Pass, name: str, task: str | None) -> targets.Target:
    """Its task and classes; few different values are counted in all rows, many are judged by the sample."""
    if found.target_missing:
        raise TableError(
            f"target {name!r}: it is missing in {found.target_missing:,} rows, expected one in each. "
            "Mend: fill or remove these rows"
        )
    if found.target_values is None:
        return targets.infer(name, found.sample[name], task)
    _, pa = needed()
    times = _at_most(targets.ENOUGH * len(found.target_values), list(found.target_values.values()))
    return targets.infer(name, _different(found, name).take(pa.array(np.repeat(np.arange(len(times)), times))), task)


def _different(found: Pass, name: str) -> Any:
    """The target's different values as a column of Arrow."""
    _, pa = needed()
    kind = found.sample[name].type
    kind = pa.string() if is_text(kind) else kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.chunked_array([pa.array(list(found.target_values or ()), kind)])


def _at_most(rows: int, times: list[int]) -> np.ndarray:
    """Each value once and so often again that the rows are `rows`, or all of them: as many as the rules ask about."""
    more = np.maximum(np.asarray(times) - 1, 0)
    up_to = np.minimum(np.cumsum(more), rows - len(times))
    return np.asarray(1 + np.diff(up_to, prepend=0))


def _column(name: str, sample: Values, gathered: Gathered, rows: int) -> tuple[Column | None, str]:
    if sample.kind == "unknown":
        return None, f"{sample.note}, which is not read; it is left out"
    if gathered.too_many:
        return None, f"column {name!r} has too many different texts to be categories; it is left out"
    if gathered.counts and sample.kind not in ("number", "boolean"):
        if set(gathered.counts) == {None}:
            return None, f"column {name!r} has missing values only; it is left out"
        return category_column(name, gathered.counts)
    moments = _moments(name, sample.kind, gathered)
    if moments is None:
        return None, f"column {name!r} has missing values only; it is left out"
    known = sample.values[~np.isnan(sample.values)]
    median = float(np.median(known)) if len(known) else moments.mean
    return number_column(name, sample.kind or "number", moments, rows, median)


def _moments(name: str, kind: str, gathered: Gathered) -> Moments | None:
    """Of numbers; those that were written as text are read off the counts."""
    if gathered.moments is not None or not gathered.counts:
        return gathered.moments
    _, pa = needed()
    text, times = (
        pa.chunked_array([pa.array(list(gathered.counts), pa.string())]),
        np.array([*gathered.counts.values()]),
    )
    is_number = numbers_in(text)
    mostly = times[is_number].sum() >= MOSTLY * times[~np.asarray(text.is_null())].sum()
    different = (few_words(name, text, is_number) if mostly else values_as(name, text, kind)).values
    known, again = ~np.isnan(different), Gathered()
    again.add_numbers(different[known], times[known])
    return again.moments


def _missing(name: str, held_out: Any) -> int:
    return int(values_of(name, held_out[name]).missing.sum()) if len(held_out) else 0


def _known(gathered: Gathered, rows: int, sample: Values) -> Any:
    """How many values are not missing."""
    if gathered.moments is not None:
        return gathered.moments.count
    if gathered.counts:
        return rows - gathered.counts.get(None, 0)
    return 0 if sample.kind == "" else rows
