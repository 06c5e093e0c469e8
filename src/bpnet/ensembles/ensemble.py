"""`Ensemble`: K networks of one architecture that are trained at once, each as it would be alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from bpnet.callbacks.progress import can_be_drawn_on
from bpnet.data import arrays, samples
from bpnet.ensembles.at_once import evenly, fitting, measured
from bpnet.ensembles.folds import rows_of
from bpnet.ensembles.member import fill, twin
from bpnet.ensembles.numbers import Numbers
from bpnet.ensembles.settings import Settings
from bpnet.ensembles.stack import Stack, StackRun, put
from bpnet.models import Model
from bpnet.nn.dropout import Dropout
from bpnet.nn.optimizers import ElementwiseOptimizer
from bpnet.nn.stacked import asks_in_turn
from bpnet.training.history import History
from bpnet.training.interrupt import InterruptAfterStep
from bpnet.training.out_of_memory import explained, is_out_of_memory, let_go
from bpnet.training.stacked import StackedMeasurement
from bpnet.training.stacked_objective import is_mean_of_samples


class Ensemble:
    """K networks of one architecture, trained at once on one data set; each as its own single run would be.

    `model` is a compiled model of one input and one output: the architecture, optimizer, loss, metrics, backend and
    float type of all. `models` is K. Each of `seeds` (by default the model's own, and those that follow it),
    `learning_rate` (a schedule keeps its factor), `weight_decay`, `l2` and `dropout` (of all Dropout layers) is one
    value for all models or K values; None leaves them as `model` has them. `l2` counts for every layer that can have a
    `kernel_regularizer`, whether the template gives it one or not. The numbers of `model` itself do not count, and stay
    as they are. `ensemble[k]` is `member(k)`, and iteration goes over all members.

    On the device are `at_once` models as one stack: on a CPU by default as many as its cache holds, since a step goes
    through all their weights. When a stack has been trained through all epochs, the next one takes its place.

    >>> import numpy as np
    >>> from bpnet import Dense, Sequential
    >>> model = Sequential([Dense(1, input_dim=1)])
    >>> model.compile("sgd", "mse")
    >>> ensemble = Ensemble(model, 3, learning_rate=[0.1, 0.01, 0.001])
    >>> x = np.linspace(-1, 1, 64)[:, np.newaxis]
    >>> histories = ensemble.fit(x, 3 * x + 1, epochs=20, verbose=0)
    >>> [history.diverged for history in histories]
    [False, False, False]
    >>> losses = [figures["loss"] for figures in ensemble.evaluate(x, 3 * x + 1)]
    >>> losses[0] < losses[1] < losses[2]
    True
    """

    def __init__(
        self,
        model: Model,
        models: int | None = None,
        *,
        seeds: Any = None,
        learning_rate: Any = None,
        weight_decay: Any = None,
        l2: Any = None,
        dropout: Any = None,
        at_once: int | None = None,
    ) -> None:
        self.model = _checked(model)
        given = {"learning_rate": learning_rate, "weight_decay": weight_decay, "l2": l2, "dropout": dropout}
        self.settings = Settings.of(models, model.seed, seeds, **given)
        _require_places(model, dropout, l2)
        optimizer = twin(model, model.seed, None, None, None).bind()[1]
        own = [model.backend.to_numpy(vector) for vector in optimizer.vectors()]
        self._numbers = Numbers.first(model.network, own, self.settings.seeds)
        if at_once is None:
            most = fitting(model.backend, self._numbers, in_turn=_works_in_turn(model))
        else:
            most = arrays.whole_number("at_once", at_once)
        self.at_once = min(len(self), most)
        self.epochs_seen = [0] * len(self)
        self.histories: list[History] = []
        self.interrupted = False
        """Has Ctrl-C ended the last `fit`?"""

    def __repr__(self) -> str:
        own = vars(self)
        told = own["settings"].told() if "settings" in own else []
        return f"Ensemble({', '.join(told)}; each as {own.get('model')!r})"

    def __len__(self) -> int:
        return len(self.settings)

    def __getitem__(self, k: int) -> Model:
        return self.member(k)

    def __iter__(self) -> Iterator[Model]:
        return map(self.member, range(len(self)))

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        *,
        folds: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        validation_batch_size: int | None = None,
    ) -> list[History]:
        """Train all models on x and y, as `Model.fit`; return a history for each, which are also `self.histories`.

        `folds` has for each model the rows of x that it learns from; by default all. A model whose loss or weights are
        no longer finite keeps the last good ones, as a single one does; where that one raises TrainingDivergedError,
        here the history says `diverged`, without figures of that epoch, and the others go on. Ctrl-C ends training
        after the epoch at hand; the histories of models that lack epochs say `interrupted`.
        """
        size = arrays.whole_number("batch_size", batch_size, default=32)
        epochs = arrays.whole_number("epochs", epochs)
        shuffle = arrays.flag("shuffle", shuffle)
        size_then = arrays.whole_number("validation_batch_size", validation_batch_size, default=measured(self.at_once))
        like = self.model.expected(x)
        if folds is not None and validation_split:
            raise ValueError(
                "validation_split: it was given with folds, which say which rows are learned from. "
                "Mend: validation_data=(x, y), or leave it out"
            )
        data = samples.checked(like, x, y, sample_weight)
        held_out = None if validation_data is None else samples.validation(like, validation_data)
        if validation_split and held_out is None:
            data, held_out = samples.held_out(data, validation_split)
        data = samples.weighed(data, class_weight, like)
        rows = rows_of(folds, len(self), len(data))
        self.histories = [History() for _ in range(len(self))]
        on_device = put(self.model, data), None if held_out is None else put(self.model, held_out)
        runs: dict[tuple[int, int], StackRun] = {}
        waiting = list(range(len(self)))
        with self._bar(epochs, verbose) as bar, InterruptAfterStep() as interrupt, explained("fit", self.model.backend):
            while waiting and not interrupt.requested:
                alike = [k for k in waiting if len(rows[k]) == len(rows[waiting[0]])]
                members = alike[: evenly(len(alike), self.at_once)]
                own, first = [rows[k] for k in members], [self.epochs_seen[k] for k in members]
                histories = [History() for _ in members]
                kind = len(members), len(own[0])
                try:
                    if kind not in runs:
                        stack = Stack(self.model, len(members), self.settings)
                        runs[kind] = StackRun(stack, *on_device, kind[1], size, size_then)
                    train = runs[kind].run
                    begun = train(self._numbers, members, own, first, epochs, shuffle, interrupt, histories, bar)
                except Exception as error:
                    if not is_out_of_memory(error) or len(members) == 1:
                        raise
                    runs.clear()
                    let_go(error)
                    self.at_once = len(members) // 2
                    continue
                for k, history, number in zip(members, histories, begun, strict=True):
                    self.histories[k] = history
                    self.epochs_seen[k] += number
                waiting = sorted(set(waiting) - set(members))
        for history in self.histories:
            history.interrupted = len(history.epoch) < epochs and not history.diverged
        self.interrupted = interrupt.requested
        return self.histories

    def predict(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """The outputs of all models for x: (K, samples, …)."""
        size = arrays.whole_number("batch_size", batch_size, default=measured(self.at_once))
        data = samples.inputs(self.model.expected(x).inputs, x)[0][1]
        found = []
        for stack, members in self._in_turn():
            network, backend = stack.network, self.model.backend
            parts = []
            for start in range(0, len(data), size):
                part = backend.asarray(data[start : start + size], self.model.dtype)
                of_each = backend.xp.broadcast_to(part, (len(members), *part.shape))
                parts.append(backend.to_numpy(network.forward(of_each, train=False, graph=network.graph)[0]))
            found.append(np.concatenate(parts, axis=1))
        return np.concatenate(found)

    def evaluate(
        self, x: Any, y: Any, batch_size: int | None = None, sample_weight: Any = None
    ) -> list[dict[str, float]]:
        """The loss, penalty included, and the metrics of each model on x and y."""
        size = arrays.whole_number("batch_size", batch_size, default=measured(self.at_once))
        data = put(self.model, samples.checked(self.model.expected(x), x, y, sample_weight))
        found: list[dict[str, float]] = []
        measures: dict[int, StackedMeasurement] = {}
        for stack, _ in self._in_turn():
            if id(stack) not in measures:
                measures[id(stack)] = StackedMeasurement(stack.objective, *data, size)
            found += measures[id(stack)]()
        return found

    def member(self, k: int) -> Model:
        """Model k, counted from 0, as a model of its own: with its weights, moments and random streams it trains on."""
        if not isinstance(k, int | np.integer) or not -len(self) <= k < len(self):
            raise IndexError(f"k: {k!r} was given, expected a whole number from 0 to {len(self) - 1}")
        given = self.settings
        own = [None if column is None else column[k] for column in (given.weight_decay, given.l2, given.dropout)]
        model = twin(self.model, given.seeds[k], *own)
        fill(model, [array[k] for array in self._numbers.arrays()])
        if given.learning_rate is not None:
            model.learning_rate = given.learning_rate[k]
        model.epochs_seen = self.epochs_seen[k]
        model.history = self.histories[k] if self.histories else None
        return model

    # ---- within

    def _in_turn(self) -> Iterator[tuple[Stack, range]]:
        """Stacks of all models in their order, each with its numbers; one of them after another is the same object."""
        made: dict[int, Stack] = {}
        size = evenly(len(self), self.at_once)
        for start in range(0, len(self), size):
            members = range(start, min(start + size, len(self)))
            if len(members) not in made:
                made[len(members)] = Stack(self.model, len(members), self.settings)
            made[len(members)].take_up(self._numbers, members)
            yield made[len(members)], members

    def _bar(self, epochs: int, verbose: int | str) -> Any:
        shown = bool(verbose) and can_be_drawn_on(sys.stderr)
        form = "epochs of models |{bar}| {n_fmt}/{total_fmt}, {remaining} left"
        return tqdm(total=epochs * len(self), file=sys.stderr, dynamic_ncols=True, disable=not shown, bar_format=form)


def _checked(model: Any) -> Model:
    """The template; TypeError or ValueError says what it lacks."""
    if not isinstance(model, Model):
        raise TypeError(f"model: {type(model).__name__} was given, expected a compiled Model or Sequential")
    if not model.is_compiled:
        raise ValueError("model: it is not compiled. Mend: call model.compile(optimizer='adam', loss=…) first")
    if (obstacle := obstacle_to_stacks(model)) is not None:
        raise ValueError(f"model: {obstacle}")
    return model


def obstacle_to_stacks(model: Model) -> str | None:
    """Why models like this one cannot be one stack, and the mend; None where they can."""
    graph = model.network.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return (
            f"it has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, expected one of each. "
            "Mend: train such models one after another"
        )
    if not isinstance(model.optimizer, ElementwiseOptimizer):
        return (
            f"its optimizer {type(model.optimizer).__name__} is not one formula for every weight. "
            "Mend: one like Adam or SGD, or train the models one after another"
        )
    return None


def _works_in_turn(model: Model) -> bool:
    """Is a layer or a metric asked for one model of a stack after another?"""
    metrics = [metric for term in model.terms for metric in term.metrics]
    return asks_in_turn(model.network) or not all(is_mean_of_samples(metric) for metric in metrics)


def _require_places(model: Model, dropout: Any, l2: Any) -> None:
    """ValueError: a setting that no layer has a place for."""
    layers = model.network.graph.layers
    if dropout is not None and not any(type(layer) is Dropout for layer in layers):
        raise ValueError("dropout: the model has no Dropout layer to give it to. Mend: add Dropout(0.0) where it drops")
    if l2 is not None and not any(hasattr(layer, "kernel_regularizer") for layer in layers):
        raise ValueError("l2: the model has no layer that can have a kernel_regularizer, as Dense. Mend: leave l2 out")
