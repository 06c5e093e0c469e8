"""What every recipe takes and gives, and the list of them.

A recipe is a module with `run(options)` and, where it trains a network, `problem(options)`: the compiled model and its
data, which `bpnet gradcheck` uses too, or `checked(options)` where there is one. `bpnet profile` takes a step of it on
BATCH_SIZE samples, or on all where the recipe has none. The first line of its docstring says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from bpnet.backend import Backend
from bpnet.callbacks.checkpoint import ModelCheckpoint
from bpnet.models import Model
from bpnet.names import look_up
from bpnet.training.history import History

RECIPES = (
    "digits",
    "residual",
    "perceptron",
    "xor",
    "xor-deep",
    "xor-softmax",
    "xor-any-depth",
    "two-layer",
    "digits-by-hand",
    "regression",
    "linear-svm",
    "logistic",
    "gates",
    "averages",
    "cnn",
    "cnn-augmented",
)


NOTHING = "nothing is trained here"
"""Why a recipe that only computes refuses the options of training."""


@dataclass(frozen=True)
class Options:
    """How to run a recipe; None leaves the choice to it."""

    backend: str | Backend | None = None
    dtype: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0
    verbose: int | str = 0
    sizes: tuple[int, ...] | None = None
    data: str | None = None
    checkpoints: Path | None = None
    """The folder for them; without one there are none."""
    checkpoint_every: int | None = None
    """Epochs; without a number, as often as takes a twentieth of the time."""
    resume: bool | None = None
    distributed: str | None = None
    """"auto": together with the other processes that torchrun or mpiexec has launched."""

    def refuse(self, **why: str) -> None:
        """ValueError if an option was given that the recipe has no use for."""
        for name, reason in why.items():
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: {getattr(self, name)!r} was given, but {reason}")


class Problem(NamedTuple):
    """A compiled model and the data it learns from: arrays, or a flow of images and None."""

    model: Model
    x: Any
    y: Any

    def fit(self, options: Options, **settings: Any) -> History:
        """Train as loudly as `options` says, with checkpoints where it names a folder for them.

        Ctrl-C before the first epoch has ended is passed on.
        """
        folder, every = options.checkpoints, options.checkpoint_every
        if folder is not None:
            share = 0.05 if every is None else None
            settings["callbacks"] = [ModelCheckpoint(folder, save_best=False, every=every or 1, share=share)]
            settings["resume"] = folder if options.resume else None
        how: Any = {"verbose": options.verbose, "distributed": options.distributed}
        history = self.model.fit(self.x, self.y, **how, **settings)
        if not history.epoch:
            raise KeyboardInterrupt
        return history


@dataclass(frozen=True)
class Measured:
    """A figure that a run ends with, and the bounds that it should keep."""

    name: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def holds(self) -> bool:
        """True where the value is within its bounds."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        text = f"{self.name}: {self.value:.4g}"
        for word, bound in (("at least", self.least), ("at most", self.most)):
            if bound is not None:
                text += f" (reference: {word} {bound:g}: {'held' if self.holds else 'NOT held'})"
        return text


Draw = Callable[[Any], None]
"""Draws on an empty matplotlib figure."""


@dataclass
class Outcome:
    """What a run gives: figures, text, and pictures by file name."""

    measured: list[Measured]
    model: Model | None = None
    text: str = ""
    pictures: Mapping[str, Draw] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """True where every figure is within its bounds."""
        return all(figure.holds for figure in self.measured)


def recipe(name: str) -> Any:
    """The module of that recipe; it is imported only now."""
    module = look_up("recipe", name, {known: known.replace("-", "_") for known in RECIPES})
    return import_module(f"bpnet.recipes.{module}")
