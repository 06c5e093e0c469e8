"""Networks that cannot be a stack, one after another: those of several inputs or outputs, or of another optimizer."""

from __future__ import annotations

from typing import Any

from bpnet.ensembles.ensemble import Ensemble, obstacle_to_stacks
from bpnet.ensembles.member import twin
from bpnet.ensembles.settings import Settings
from bpnet.models import Model
from bpnet.training.history import History, TrainingDivergedError


def ensemble_of(model: Model, models: int, **settings: Any) -> Ensemble | OneByOne:
    """An Ensemble, where the model can be one."""
    return (Ensemble if obstacle_to_stacks(model) is None else OneByOne)(model, models, **settings)


class OneByOne:
    """What a search needs of an `Ensemble`, by single runs."""

    at_once = 1

    def __init__(self, model: Model, models: int, *, seeds: Any = None, **given: Any) -> None:
        names = "learning_rate", "weight_decay", "l2", "dropout"
        own = Settings.of(models, model.seed, seeds, **{name: given.get(name) for name in names})
        columns: list[list[Any]] = [column or [None] * models for column in (own.weight_decay, own.l2, own.dropout)]
        self._members = [twin(model, *each) for each in zip(own.seeds, *columns, strict=True)]
        for member, rate in zip(self._members, own.learning_rate or [], strict=False):
            member.learning_rate = rate
        self.interrupted = False

    def fit(self, x: Any, y: Any, batch_size: int, epochs: int, verbose: int, **data: Any) -> list[History]:
        """Train each; after Ctrl-C those that are left have no epoch."""
        histories = []
        for member in self._members:
            if self.interrupted:
                histories.append(History(interrupted=True))
                continue
            try:
                history = member.fit(x, y, batch_size, epochs, verbose, **data)
            except TrainingDivergedError as error:
                history = error.history
                history.diverged = True
            self.interrupted = history.interrupted
            histories.append(history)
        return histories

    def member(self, k: int) -> Model:
        """Model k, counted from 0."""
        return self._members[k]
