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
    goal = _target(found, name, task)
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
    missing = {other: found.rows - _known(found.columns[other], found.rows, values[other]) for other in values}
    spread = replace(spread, rows=found.rows, missing=missing)
    if goal.task == "regression" and own is not None:
        spread = replace(spread, quantiles=[own.low, *spread.quantiles[1:-1], own.high])
    elif goal.task != "regression" and found.target_values is not None:
        labels, times = goal.labels(_different(found, name)), list(found.target_values.values())
        counts = np.bincount(labels, weights=times, minlength=len(goal.classes))
        spread = replace(spread, counts=[int(count) for count in counts])
    return Preprocessing(tuple(kept), goal, tuple(notes), spread)


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


def _known(gathered: Gathered, rows: int, sample: Values) -> Any:
    """How many values are not missing."""
    if gathered.moments is not None:
        return gathered.moments.count
    if gathered.counts:
        return rows - gathered.counts.get(None, 0)
    return 0 if sample.kind == "" else rows
