"""Which candidate is best: by a figure on rows that none of them learned from, at the best of its epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from bpnet.ensembles.space import Candidate
from bpnet.models import Model
from bpnet.names import look_up
from bpnet.training.history import History
from bpnet.training.terms import named_metrics

HELD_OUT = "val_"


@dataclass(frozen=True)
class Ranking:
    """The figure that ranks, as the history of held-out rows calls it without `val_`."""

    figure: str
    larger: bool

    def value(self, figure: float) -> float:
        """Something that is smaller the better `figure` is."""
        if not isfinite(figure):
            return inf
        return -figure if self.larger else figure


def ranking(model: Model, rank_by: str | None, name: str = "rank_by") -> Ranking:
    """By that figure of the model; by default its first metric that says which way is better, else its loss.

    The loss has the penalty of L2 in it, so it is no judge between different ones.
    """
    figures: dict[str, bool | None] = {"loss": False}
    figures |= {called: metric.larger_is_better for called, metric in named_metrics(model.terms)}
    if rank_by is None:
        rank_by = next(
            (called for called, larger in figures.items() if called != "loss" and larger is not None), "loss"
        )
    rank_by = rank_by.removeprefix(HELD_OUT)
    larger = look_up(name, rank_by, figures)
    if larger is None:
        raise ValueError(
            f"{name}: the metric {rank_by!r} does not say whether larger is better. Mend: larger_is_better = True or "
            "False in its class, or another figure"
        )
    return Ranking(rank_by, larger)


@dataclass(frozen=True)
class Trial:
    """What became of a candidate. Of several folds the figures are means, at the epoch whose mean is best."""

    candidate: Candidate
    figure: float
    """The one that ranks; not a number where no epoch ended well."""
    figures: Mapping[str, float]
    """All that were measured on held-out rows at that epoch."""
    folds: tuple[float, ...]
    """The figure that ranks, of each fold."""
    epoch: int
    """The best one, from 1; 0 where there is none."""
    epochs: int
    """How many were trained."""
    diverged: bool


def trial_of(candidate: Candidate, histories: Sequence[History], by: Ranking) -> Trial:
    """From a history for each fold."""
    epochs = min(len(history.epoch) for history in histories)
    names = [name for name in histories[0].history if name.startswith(HELD_OUT)] if epochs else []
    each = {
        name: np.array([history.history[name][:epochs] for history in histories], dtype=np.float64) for name in names
    }
    diverged = any(history.diverged for history in histories)
    if not epochs:
        return Trial(candidate, nan, {}, (), 0, 0, diverged)
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that has left the floats is told below
        means = {name.removeprefix(HELD_OUT): curves.mean(axis=0) for name, curves in each.items()}
    losses = np.array([history.history["loss"][:epochs] for history in histories], dtype=np.float64)
    diverged = diverged or not all(np.isfinite(curves).all() for curves in (losses, *each.values()))
    order = [(by.value(float(figure)), by.value(inf) if not isfinite(loss) else float(loss), epoch)
             for epoch, (figure, loss) in enumerate(zip(means[by.figure], means["loss"], strict=True))]  # fmt: skip
    *_, best = min(order)
    found = {name: float(curve[best]) for name, curve in means.items()}
    folds = tuple(float(one) for one in each[HELD_OUT + by.figure][:, best])
    if not isfinite(found[by.figure]):
        return Trial(candidate, nan, found, folds, 0, epochs, True)
    return Trial(candidate, found[by.figure], found, folds, best + 1, epochs, diverged)


def ranked(trials: Sequence[Trial], by: Ranking) -> list[Trial]:
    """The best first; those that diverged last; among equals the smaller loss, then the earlier candidate."""
    return sorted(
        trials,
        key=lambda trial: (
            trial.diverged,
            by.value(trial.figure),
            trial.figures.get("loss", inf) if isfinite(trial.figures.get("loss", inf)) else inf,
            trial.candidate.number,
        ),
    )
