"""What a model does on some rows, against what it should: figures, and what one gets without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Regression:
    """`true` and `predicted` (N,) in the units of `target`."""

    target: str
    true: np.ndarray
    predicted: np.ndarray

    def __len__(self) -> int:
        return len(self.true)

    @cached_property
    def figures(self) -> dict[str, float]:
        """R² = 1 - Σ(y - p)² / Σ(y - ȳ)², NaN where all y are the same; √mean(y - p)²; mean and median of |y - p|."""
        error = self.predicted - self.true
        spread = float(np.sum((self.true - self.true.mean()) ** 2))
        return {
            "R²": 1 - float(np.sum(error**2)) / spread if spread else float("nan"),
            "root mean squared error": float(np.sqrt(np.mean(error**2))),
            "mean absolute error": float(np.mean(np.abs(error))),
            "median absolute error": float(np.median(np.abs(error))),
        }

    @property
    def residuals(self) -> dict[str, float]:
        """Mean, standard deviation and quantiles of predicted - true."""
        error = self.predicted - self.true
        shares = {"least": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "most": 1.0}
        quantiles = np.quantile(error, list(shares.values()))
        spread = {"mean": float(error.mean()), "standard deviation": float(error.std())}
        return {**spread, **dict(zip(shares, map(float, quantiles), strict=True))}

    def baseline(self, mean: float) -> Regression:
        """What the mean of the training rows would do."""
        return Regression(self.target, self.true, np.full(len(self), mean))


@dataclass(frozen=True)
class Classification:
    """`true` (N,), the number of each row's class, and `probabilities` (N, K) of the K `classes`."""

    target: str
    classes: Sequence[str]
    true: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.true)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The number of the likeliest class (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def counts(self) -> np.ndarray:
        """(K, K): rows of class i that were taken for class j."""
        counts = np.zeros((len(self.classes), len(self.classes)), dtype=int)
        np.add.at(counts, (self.true, self.predicted), 1)
        return counts

    @cached_property
    def figures(self) -> dict[str, float]:
        """Share of right rows; its mean over the classes; mean -log p(true); of two classes ROC's area."""
        likelihood = self.probabilities[np.arange(len(self)), self.true]
        present = self.counts.sum(axis=1) > 0
        recall = np.diag(self.counts)[present] / self.counts.sum(axis=1)[present]
        found = {
            "accuracy": float(np.mean(self.predicted == self.true)),
            "balanced accuracy": float(recall.mean()),
            "log loss": float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean()),
        }
        if len(self.classes) == 2:
            found["area under the ROC curve"] = self._area()
        return found

    def each_class(self) -> list[tuple[str, int, float, float]]:
        """Name, rows, precision and recall; NaN where nothing was predicted so, or no row is so."""
        with np.errstate(invalid="ignore"):
            right = np.diag(self.counts)
            precision, recall = right / self.counts.sum(axis=0), right / self.counts.sum(axis=1)
        rows = self.counts.sum(axis=1)
        return [(name, int(rows[k]), float(precision[k]), float(recall[k])) for k, name in enumerate(self.classes)]

    def mistakes(self, most: int = 10) -> list[tuple[str, str, int]]:
        """The most frequent: true class, what it was taken for, rows."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = zip(*np.unravel_index(order, wrong.shape), strict=True)
        return [(self.classes[i], self.classes[j], int(wrong[i, j])) for i, j in pairs if wrong[i, j]]

    def baseline(self, shares: Sequence[float]) -> Classification:
        """What the shares of the classes in the training rows would do: always the most frequent one."""
        return Classification(self.target, self.classes, self.true, np.tile(np.asarray(shares), (len(self), 1)))

    def _area(self) -> float:
        """The share of pairs of a row of each class that p orders rightly; NaN where a class has no rows."""
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(self.true, self.probabilities[:, 1])) if len(set(self.true)) == 2 else float("nan")


Outcome = Regression | Classification


def in_words(figures: Mapping[str, float]) -> dict[str, str]:
    """Each to four digits; what cannot be said is a dash."""
    return {name: number(value) for name, value in figures.items()}


def number(value: float) -> str:
    """Four digits, thousands with commas; a dash for NaN."""
    if value != value:
        return "-"
    if 1000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.4g}"
