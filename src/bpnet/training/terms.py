"""What each output of a model is held to: its loss, the loss's weight in the total, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpnet.names import look_up
from bpnet.nn.checks import require_number
from bpnet.nn.losses import Loss
from bpnet.nn.losses import loss as loss_named
from bpnet.nn.metrics import Metric
from bpnet.nn.metrics import metric as metric_named


@dataclass(frozen=True)
class Term:
    """One output's share in what is minimized, w L, and what is watched of it."""

    output: str
    """The name of the output."""
    loss: Loss
    weight: float
    metrics: Sequence[Metric]

    def target_type(self, dtype: str) -> str:
        """What y is on the device, where other numbers are `dtype`."""
        return "int64" if self.loss.targets == "labels" else dtype


def terms(outputs: Sequence[str], loss: Any, loss_weights: Any = None, metrics: Any = None) -> tuple[Term, ...]:
    """A term for each output, from what `compile` was given: one thing for all, a list, or a dictionary by name.

    ValueError: an unknown output, one without a loss, or figures that would have one name in the history.
    """
    if loss is None:
        raise ValueError("loss: none was given, expected a name or an object: loss='mse'")
    if isinstance(metrics, str | Metric):
        raise ValueError(f"metrics: {metrics!r} was given, expected a list: [{metrics!r}]")
    if isinstance(metrics, list | tuple) and not any(isinstance(item, list | tuple) for item in metrics):
        metrics = dict.fromkeys(outputs, metrics)
    found = []
    for name, which, weight, watched in zip(
        outputs,
        _of_each("loss", loss, outputs),
        _of_each("loss_weights", loss_weights, outputs, missing=1.0),
        _of_each("metrics", metrics, outputs, missing=()),
        strict=True,
    ):
        require_number(f"loss_weights: that of {name!r}", weight, least=0)
        chosen = loss_named(which)
        of_output = [watched] if isinstance(watched, str | Metric) else watched
        found.append(Term(name, chosen, float(weight), [metric_named(metric, chosen) for metric in of_output]))
    _require_one_reduction(found)
    _require_own_names(found)
    return tuple(found)


def loss_names(terms: Sequence[Term]) -> list[str]:
    """What the loss of each output is called in the history; nothing where the one output's loss is the loss."""
    return [f"{term.output}_loss" for term in terms] if len(terms) > 1 else []


def named_metrics(terms: Sequence[Term]) -> list[tuple[str, Metric]]:
    """All metrics with their names in the history, output by output; of one output, their own names."""
    several = len(terms) > 1
    return [(f"{t.output}_{metric.name}" if several else metric.name, metric) for t in terms for metric in t.metrics]


def _of_each(argument: str, given: Any, outputs: Sequence[str], missing: Any = None) -> list[Any]:
    """What was given for each output, in their order; `missing` where nothing was, if that is allowed."""
    if isinstance(given, list | tuple):
        if len(given) != len(outputs):
            names = ", ".join(map(repr, outputs))
            raise ValueError(f"{argument}: {len(given)} were given, expected one for each of the outputs {names}")
        return list(given)
    if not isinstance(given, Mapping):
        return [missing if given is None else given] * len(outputs)
    for name in given:
        look_up(f"{argument}: the output", name, dict.fromkeys(outputs))
    for name in outputs:
        if missing is None and name not in given:
            raise ValueError(f"{argument}: none was given for the output {name!r}; its loss_weights may be 0")
    return [given.get(name, missing) for name in outputs]


def _require_one_reduction(terms: Sequence[Term]) -> None:
    """ValueError where some losses are means over samples and others sums: their total would have no unit."""
    reductions = {term.loss.reduction: term.output for term in terms}
    if len(reductions) > 1:
        found = " and ".join(f"{reduction!r} for {output!r}" for reduction, output in reductions.items())
        raise ValueError(f"loss: the reductions are {found}, expected one for all. Mend: loss_weights scale a loss")


def _require_own_names(terms: Sequence[Term]) -> None:
    """ValueError where two figures of the history would have one name."""
    names = ["loss", *loss_names(terms), *(name for name, _ in named_metrics(terms))]
    names += [f"val_{name}" for name in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"metrics: two figures would be called {twice[0]!r}. Mend: other names for outputs or metrics")
