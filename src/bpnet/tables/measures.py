"""How good predictions are, in the target's own unit."""

from __future__ import annotations

from typing import Any

import numpy as np


def of_numbers(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """R² = 1 - Σ(t - p)² / Σ(t - t̄)² (NaN where all t are equal), RMSE and MAE in the target's unit."""
    errors, spread = truth - predicted, truth - truth.mean()
    total = float((spread * spread).sum())
    return {
        "r2": 1.0 - float((errors * errors).sum()) / total if total else float("nan"),
        "rmse": float(np.sqrt((errors * errors).mean())),
        "mae": float(np.abs(errors).mean()),
    }


def of_classes(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Accuracy; balanced: the mean over the classes that occur; log loss; mean F1; ROC AUC of two classes; confusion.

    All as scikit-learn has them; in the log loss a probability is at least the epsilon of its float type.
    `confusion_matrix[i][j]` counts the rows of class i that were taken for class j.
    """
    from sklearn import metrics

    classes = probabilities.shape[1]
    said = probabilities.argmax(axis=1)
    confusion = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(confusion, (labels, said), 1)
    right, truly, taken = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    here, there = truly > 0, (truly > 0) | (taken > 0)
    own = probabilities[np.arange(len(labels)), labels]
    own = np.maximum(own, np.finfo(own.dtype).eps).astype(np.float64)
    found: dict[str, Any] = {
        "accuracy": float(right.sum() / len(labels)),
        "balanced_accuracy": float((right[here] / truly[here]).mean()),
        "log_loss": float(-np.log(own).mean()),
        "f1_macro": float((2 * right[there] / (truly + taken)[there]).mean()),
    }
    if classes == 2:
        found["roc_auc"] = float(metrics.roc_auc_score(labels, probabilities[:, 1])) if here.all() else float("nan")
    return found | {"confusion_matrix": confusion.tolist()}
