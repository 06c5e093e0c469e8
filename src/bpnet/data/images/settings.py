"""What an image generator is told, with the names of Keras, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpnet.backend import DTYPES
from bpnet.constructor import Written
from bpnet.data.arrays import flag
from bpnet.names import look_up
from bpnet.nn.checks import require_number

FILL_MODES = {"nearest": "nearest", "constant": "grid-constant", "reflect": "reflect", "wrap": "grid-wrap"}
"""SciPy's names for aaaa|abcd|dddd, kkkk|abcd|kkkk with k = cval, dcba|abcd|dcba and abcd|abcd|abcd."""

FLAGS = (
    "featurewise_center",
    "samplewise_center",
    "featurewise_std_normalization",
    "samplewise_std_normalization",
    "zca_whitening",
    "horizontal_flip",
    "vertical_flip",
)


@dataclass(kw_only=True, eq=False, repr=False)
class Settings(Written):
    """Which random changes an image meets, and how it is standardised after them. By default nothing is done.

    `rotation_range`: degrees, to both sides. `width_shift_range`, `height_shift_range`: to both sides, below 1 a share
    of the size, from 1 pixels; a whole number n stands for less than n whole pixels, and a list for what is chosen
    from, with either sign. `shear_range`: degrees.
    `zoom_range`: z for factors from 1-z to 1+z, or a pair of factors; above 1 the picture becomes smaller, and height
    and width have each their own. `channel_shift_range`: what is added to all values, to both sides; the image keeps
    its least and greatest value. Flips happen half of the time. What comes in from beyond the edge follows `fill_mode`.

    Then, in this order: `preprocessing_function` (an image to an image of the same shape), `rescale` (a factor),
    sample-wise (with the image's own mean and standard deviation), feature-wise (with those of each channel over all
    images that `fit` saw), `zca_whitening`.
    """

    featurewise_center: bool = False
    samplewise_center: bool = False
    featurewise_std_normalization: bool = False
    samplewise_std_normalization: bool = False
    zca_whitening: bool = False
    zca_epsilon: float = 1e-6
    rotation_range: float = 0.0
    width_shift_range: float | Sequence[float] = 0.0
    height_shift_range: float | Sequence[float] = 0.0
    shear_range: float = 0.0
    zoom_range: float | Sequence[float] = 0.0
    channel_shift_range: float = 0.0
    fill_mode: str = "nearest"
    cval: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rescale: float | None = None
    preprocessing_function: Callable[[np.ndarray], Any] | None = None
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name in FLAGS:
            flag(name, getattr(self, name))
        require_number("zca_epsilon", self.zca_epsilon, above=0)
        _require_range("rotation_range", self.rotation_range, 180, "degrees to both sides")
        _require_range("shear_range", self.shear_range, 89, "degrees to both sides")
        require_number("channel_shift_range", self.channel_shift_range, least=0)
        require_number("cval", self.cval)
        for name in ("width_shift_range", "height_shift_range"):
            _require_shifts(name, getattr(self, name))
        self.zoom_range = _zoom(self.zoom_range)
        look_up("fill_mode", self.fill_mode, FILL_MODES)
        if self.rescale is not None:
            require_number("rescale", self.rescale)
        if self.rescale == 0:
            raise ValueError("rescale: 0 was given, expected a factor other than 0. Mend: None for none")
        if self.preprocessing_function is not None and not callable(self.preprocessing_function):
            raise ValueError(
                f"preprocessing_function: {self.preprocessing_function!r} was given, expected a function of an image"
            )
        look_up("dtype", self.dtype, dict.fromkeys(DTYPES))

    def as_given(self, name: str, default: Any) -> Any:
        """What the constructor takes; a zoom that changes nothing is none."""
        value = super().as_given(name, default)
        return default if name == "zoom_range" and value == (1.0, 1.0) else value

    @property
    def needs_statistics(self) -> str | None:
        """The first option that needs `fit`, if there is one."""
        needing = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")
        return next((name for name in needing if getattr(self, name)), None)


def _require_range(name: str, value: object, most: float, meaning: str) -> None:
    require_number(name, value, least=0)
    if value > most:  # type: ignore[operator]
        raise ValueError(f"{name}: {value!r} was given, expected from 0 to {most}, {meaning}")


def _require_shifts(name: str, value: float | Sequence[float]) -> None:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str):
        require_number(name, value, least=0)
        if isinstance(value, int) and value == 1:
            raise ValueError(
                f"{name}: 1 was given, which is less than 1 whole pixel and moves nothing. "
                "Mend: 1.0 for up to a pixel, a number below 1 for a share of the size"
            )
        return
    if len(value) == 0:
        raise ValueError(f"{name}: an empty list was given, expected the shifts to choose from")
    for shift in value:
        require_number(name, shift)


def _zoom(value: float | Sequence[float]) -> tuple[float, float]:
    """The least and the greatest factor."""
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        if len(value) != 2:
            raise ValueError(f"zoom_range: {value!r} was given, expected a number, or a pair (least, greatest factor)")
        for factor in value:
            require_number("zoom_range", factor, above=0)
        if value[0] > value[1]:
            raise ValueError(f"zoom_range: {value!r} was given, expected the least factor first")
        return float(value[0]), float(value[1])
    require_number("zoom_range", value, least=0, below=1)
    return 1.0 - float(value), 1.0 + float(value)
