"""What is known of a set of images (N, H, W, C) as a whole: the mean and standard deviation of each channel, and ZCA.

With m the mean and Σ = U diag(λ) Uᵀ the covariance of the images as rows of H·W·C values, ZCA whitening is

    x ↦ (x - m) W,  W = U diag(1/√(λ + ε)) Uᵀ,

after which the covariance is the identity where λ ≫ ε. Of all such maps it is the one that changes the images least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnet.data.images.settings import Settings

EPSILON = 1e-6
"""Is added to a standard deviation that something is divided by, as in Keras."""

MOST_VALUES = 8192
"""Of an image that is whitened: W has the square of it."""

ROWS = 1024


@dataclass(frozen=True)
class Statistics:
    """The shape of the images (H, W, C), mean (C,) and standard deviation (C,) of their channels, and ZCA's m and W."""

    shape: tuple[int, ...]
    mean: np.ndarray
    std: np.ndarray
    whitening: tuple[np.ndarray, np.ndarray] | None

    def standardise(self, x: np.ndarray, settings: Settings) -> np.ndarray:
        """One image (H, W, C), feature-wise and then whitened, as far as the settings ask for it."""
        x = _featurewise(x, self.mean, self.std, settings)
        if self.whitening is None:
            return x
        m, w = self.whitening
        # W is symmetric. Not a BLAS product: beside a training step its threads would fight with those of the step.
        white: np.ndarray = np.einsum("ij,j->i", w, x.reshape(-1) - m)
        return white.reshape(x.shape)


def measured(x: np.ndarray, settings: Settings) -> Statistics:
    """The statistics of images that have been through all that comes before."""
    mean = x.mean(axis=(0, 1, 2), dtype=np.float64).astype(x.dtype)
    std = x.std(axis=(0, 1, 2), dtype=np.float64).astype(x.dtype)
    whitening = _zca(_featurewise(x, mean, std, settings), settings.zca_epsilon) if settings.zca_whitening else None
    return Statistics(x.shape[1:], mean, std, whitening)


def require_whitenable(shape: tuple[int, ...]) -> None:
    """ValueError where images (N, H, W, C) are too few or too large for a covariance."""
    values = int(np.prod(shape[1:]))
    if values > MOST_VALUES or shape[0] < 2:
        raise ValueError(
            f"zca_whitening: {shape[0]} images of {values:,} values came, expected two or more, of at most "
            f"{MOST_VALUES:,} values. Mend: more or smaller images, or feature-wise standardisation alone"
        )


def samplewise(x: np.ndarray, settings: Settings) -> np.ndarray:
    """One image with its own mean and standard deviation."""
    if settings.samplewise_center:
        x = x - x.mean()
    return x / (x.std() + x.dtype.type(EPSILON)) if settings.samplewise_std_normalization else x


def _featurewise(x: np.ndarray, mean: np.ndarray, std: np.ndarray, settings: Settings) -> np.ndarray:
    if settings.featurewise_center:
        x = x - mean
    return x / (std + x.dtype.type(EPSILON)) if settings.featurewise_std_normalization else x


def _zca(x: np.ndarray, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """m and W of images, in their type."""
    rows = x.reshape(len(x), -1)
    m = rows.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS] - m
        covariance += part.T @ part / len(rows)
    values, u = np.linalg.eigh(covariance)
    w = (u / np.sqrt(np.maximum(values, 0.0) + epsilon)) @ u.T
    return m.astype(x.dtype), w.astype(x.dtype)
