"""Training all candidates of a search, a stack at a time, and the best one of them for good."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from math import isfinite, nan
from typing import Any, NamedTuple, Protocol

from tqdm import tqdm

from bpnet.callbacks.progress import can_be_drawn_on, describe
from bpnet.constructor import text
from bpnet.ensembles.at_once import stack_of
from bpnet.ensembles.ensemble import Ensemble
from bpnet.ensembles.one_by_one import OneByOne, ensemble_of
from bpnet.ensembles.ranking import Ranking, Trial, ranked, trial_of
from bpnet.ensembles.space import Candidate, Space
from bpnet.models import Model
from bpnet.nn.dropout import Dropout
from bpnet.training.history import History

TOGETHER, WEIGHTS = 64, 600_000
"""Candidates of an Ensemble, at most, and their parameters: after each the bar moves, and the best is looked for."""


class Problem(NamedTuple):
    """A compiled model, what it learns from and what it is measured on; `validation` is (x, y) or (x, y, weight)."""

    model: Model
    x: Any
    y: Any
    weight: Any
    validation: tuple[Any, ...] | None
    batch_size: int

    def fit(self, candidates: Sequence[Candidate], epochs: int) -> tuple[Ensemble | OneByOne, list[History]]:
        """The networks of these candidates, trained."""
        given: dict[str, Any] = {}
        for name, argument in ARGUMENTS.items():
            if name in candidates[0].settings:
                given[argument] = [candidate.settings[name] for candidate in candidates]
        ensemble = ensemble_of(self.model, len(candidates), **given)
        histories = ensemble.fit(
            self.x, self.y, self.batch_size, epochs, 0, validation_data=self.validation, sample_weight=self.weight
        )
        return ensemble, histories


ARGUMENTS = {
    "learning_rate": "learning_rate",
    "l2": "l2",
    "weight_decay": "weight_decay",
    "dropout": "dropout",
    "seed": "seeds",
}
"""What a setting is called by `Ensemble`."""


class Source(Protocol):
    """Where the problems of a search come from."""

    folds: int
    """1 without cross-validation."""

    def problem(self, group: int, fold: int) -> Problem:
        """What the candidates of a group are trained on."""

    def whole(self, group: int) -> Problem:
        """All rows, those that judge among them."""


@dataclass(repr=False)
class Found:
    """What a search found: `trials`, the best first, and `model`, the network of the best one, trained."""

    space: Space
    by: Ranking
    asked: int
    """The candidates that were to be trained."""
    epochs: int
    folds: int
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0.0
    """What the candidates took."""
    interrupted: bool = False
    again: bool = False
    """Was the best one trained once more, by itself?"""
    history: History = field(default_factory=History)
    """Of `model`."""
    model: Any = None

    def __repr__(self) -> str:
        best = ""
        if self.trials:
            settings = ", ".join(f"{name}={text(value)}" for name, value in self.best.candidate.settings.items())
            best = f"; the best has {self.by.figure} {self.best.figure:.4g} with {settings}"
        return f"Found({len(self.trials):,} candidates{best})"

    @property
    def best(self) -> Trial:
        """The first."""
        return self.trials[0]

    @property
    def diverged(self) -> int:
        """How many candidates' losses were no longer finite."""
        return sum(trial.diverged for trial in self.trials)

    @property
    def per_minute(self) -> float:
        """Candidates, each of them trained on all folds."""
        return 60 * len(self.trials) / self.seconds


class Search:
    """The candidates and the problems of a search; ValueError, before anything is trained, where one cannot be."""

    def __init__(
        self,
        space: Space,
        source: Source,
        models: int,
        epochs: int,
        rank: Callable[[Model], Ranking],
        seed: int,
        refit: bool = False,
        dropout: str = "dropout",
    ) -> None:
        """`refit`: the best one learns at last from the rows that judged, too; `dropout` is what errors call that."""
        self.space, self.source, self.epochs = space, source, epochs
        self.refit = refit or source.folds > 1
        self.candidates = space.candidates(models, seed)
        self._problems = {(group, 0): source.problem(group, 0) for group in range(len(space.groups))}
        for problem in self._problems.values():
            _require_layers(space, problem.model, dropout)
            self.by = rank(problem.model)
        self._stack: Sequence[Candidate] = ()
        self._place = 0
        """The candidates that were on the device with the best one, and its place among them."""

    def run(self, verbose: int | str = "auto") -> Found:
        """Train all candidates, and the best of them for the epochs that were best for it.

        Ctrl-C ends it with what has been trained so far; KeyboardInterrupt where that is nothing. RuntimeError: the
        losses of all candidates diverged, or the figure that ranks is of none a finite number.
        """
        found = Found(self.space, self.by, len(self.candidates), self.epochs, self.source.folds)
        start = time.perf_counter()
        with _bar(len(self.candidates), verbose) as bar:
            try:
                for part in self._parts():
                    self._train(part, found)
                    if found.interrupted:
                        break
                    bar.update(len(part))
                    bar.set_postfix_str(describe({f"best {found.by.figure}": found.best.figure}))
            except KeyboardInterrupt:  # between two stacks
                found.interrupted = True
        found.seconds = time.perf_counter() - start
        if not found.trials:
            raise KeyboardInterrupt
        if found.best.diverged and isfinite(found.best.figures.get("loss", nan)) and not isfinite(found.best.figure):
            raise RuntimeError(
                f"{self.by.figure}: it is no finite number on the rows that judge, though the loss is, so it ranks no "
                "candidate. Mend: more rows to judge by, of targets that differ, or rank by loss"
            )
        if found.best.diverged:
            raise RuntimeError(
                f"the losses of all {len(found.trials)} candidates became NaN or infinite. Mend: lower learning rates"
            )
        if found.model is None or self.refit:
            self._train_best(found)
        return found

    def _train_best(self, found: Found) -> None:
        """The best one once more, to its best epoch: in the same stack, so to the same bits, or from all rows alone."""
        group, together, place = found.best.candidate.group, self._stack, self._place
        if self.refit:
            problem, together, place = self.source.whole(group), [found.best.candidate], 0
        else:
            problem = self._problems[group, 0]
        ensemble, histories = problem.fit(together, found.best.epoch)
        found.model, found.history, found.again = ensemble.member(place), histories[place], True
        found.interrupted |= ensemble.interrupted

    def _parts(self) -> Iterator[list[Candidate]]:
        """Candidates of one group; the groups take turns, so that a search broken off has seen all."""
        waiting = []
        for group in range(len(self.space.groups)):
            of_group = [one for one in self.candidates if one.group == group]
            count = self._problems[group, 0].model.network.layout.size
            size = min(TOGETHER, max(4, WEIGHTS // max(1, count)))
            waiting.append([of_group[start : start + size] for start in range(0, len(of_group), size)])
        for turn in zip_longest(*waiting):
            yield from (part for part in turn if part)

    def _train(self, part: Sequence[Candidate], found: Found) -> None:
        """These candidates on each fold; what Ctrl-C has left of them counts if it has an epoch on each."""
        histories: list[list[History]] = []
        for fold in range(self.source.folds):
            key = part[0].group, fold
            if key not in self._problems:
                self._problems[key] = self.source.problem(*key)
            ensemble, told = self._problems[key].fit(part, self.epochs)
            histories.append(told)
            if ensemble.interrupted:
                found.interrupted = True
                break
        if len(histories) == self.source.folds:
            self._take(part, histories, ensemble, found)

    def _take(
        self, part: Sequence[Candidate], histories: list[list[History]], ensemble: Ensemble | OneByOne, found: Found
    ) -> None:
        """Rank what has been trained; the best network is kept where it is what its last epoch left."""
        trials = [trial_of(*one, found.by) for one in zip(part, zip(*histories, strict=True), strict=True)]
        before = found.trials[0] if found.trials else None
        found.trials = ranked([*found.trials, *(one for one in trials if one.epochs or one.diverged)], found.by)
        if not found.trials or found.best is before:
            return
        place = next(place for place, one in enumerate(trials) if one is found.best)
        is_last = found.best.epoch == found.best.epochs and not found.best.diverged
        found.model = ensemble.member(place) if is_last else None
        found.history = histories[0][place]
        together = stack_of(place, len(part), ensemble.at_once)
        self._place, self._stack = place - together.start, part[together.start : together.stop]


def _require_layers(space: Space, model: Model, name: str) -> None:
    """ValueError where a setting is searched for which the network has no layer."""
    if "dropout" in space.ranges and not any(type(layer) is Dropout for layer in model.network.graph.layers):
        raise ValueError(f"{name}: it was given, but the network has no Dropout layer. Mend: leave it out, or add one")


def _bar(candidates: int, verbose: int | str) -> Any:
    """Over all candidates; nothing where it cannot be drawn or is not wanted."""
    shown = bool(verbose) and can_be_drawn_on(sys.stderr)
    form = "candidates |{bar}| {n_fmt}/{total_fmt}, {remaining} left{postfix}"
    return tqdm(total=candidates, file=sys.stderr, dynamic_ncols=True, disable=not shown, bar_format=form)
