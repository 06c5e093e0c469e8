"""What a contender is: `Contender` says whether it can run and prepares a `Run`, which trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from bpnet_benchmarks.problem import Problem
from bpnet_benchmarks.workload import Workload


class Run(ABC):
    """A network in a library, at its first weights, with its data where the library wants it."""

    steps_per_call = 1
    """Training steps that one call of `step` makes."""

    @abstractmethod
    def step(self) -> None:
        """Train on the next batch: gather it by its indices, forward, backward, update. Need not wait for the end."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until all that was asked for is done."""

    @abstractmethod
    def weights(self) -> list[np.ndarray]:
        """w, b, w, b, …, w of shape (I, O) or (K, K, C, F)."""

    def fit(self, epochs: int) -> None:
        """Train for `epochs` epochs with the library's own loop: shuffling, accuracy, a progress bar."""
        raise NotImplementedError(f"{type(self).__name__} has no fit")

    def laid_out(self, x: np.ndarray) -> np.ndarray:
        """The samples as the library's users have them before they predict: images (N, H, W, C) unless it is said."""
        return x

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The class probabilities (N, K) of x, which is `laid_out`, from the host's memory to the host's memory."""
        raise NotImplementedError(f"{type(self).__name__} has no predict")


class Contender(ABC):
    """A library, or a way of using it."""

    name: str
    on_gpu = False
    modes: Sequence[str] = ("step", "predict", "start")
    """What it can be timed at; see `bpnet_benchmarks.job.MODES`."""
    is_judged = True
    """Its weights are compared with the reference's."""
    slack = 1.0
    """How many times further from the reference its loss may be than that of IEEE float32."""
    fit_is_steps = False
    """Its `fit` makes the very steps that `step` makes, so what `fit` takes on top of them can be told."""
    no_images: str | None = None
    """Why it is not timed on nets for images; None where it is."""

    @abstractmethod
    def why_not(self) -> str | None:
        """Why it cannot run on this machine; None where it can. Imports the library."""

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """The versions of what it runs on, by name."""

    @abstractmethod
    def prepare(self, problem: Problem) -> Run:
        """A run at the problem's first weights."""

    def unfit(self, workload: Workload, mode: str) -> str | None:
        """Why it is not timed on `workload` in `mode`; None where it is."""
        if mode not in self.modes:
            return f"it is not timed in mode {mode!r}"
        if workload.gpu_only and not self.on_gpu:
            return f"{workload.name} is for GPUs"
        return self.no_images if workload.has_images else None


TF32_SLACK = 5.0
"""For products whose factors are rounded to 10 bits: 5e-4 relative, where float32 has 6e-8."""


def reason(attempt: Callable[[], object]) -> str | None:
    """What `attempt` raises because something is not installed or not there; None where it succeeds."""
    try:
        attempt()
    except (ImportError, RuntimeError) as error:
        return str(error)
    return None
