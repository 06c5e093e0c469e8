"""`ImageDataGenerator`: a set of images from which no two epochs are alike, with the names and meanings of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bpnet.data import arrays
from bpnet.data.images import checks
from bpnet.data.images.flow import ImageFlow
from bpnet.data.images.geometry import DRAWS, Transform, drawn
from bpnet.data.images.settings import Settings
from bpnet.data.images.statistics import Statistics, measured, require_whitenable, samplewise
from bpnet.data.random import generator
from bpnet.names import look_up
from bpnet.nn.checks import require_number


@dataclass(kw_only=True, eq=False, repr=False)
class ImageDataGenerator(Settings):
    """Changes images at random and standardises them, as `Settings` says, whose fields are its arguments.

    `model.fit(generator.flow(x, y), …)` trains on them; where a feature-wise option or `zca_whitening` is on,
    `generator.fit(x)` comes first.
    """

    statistics: Statistics | None = field(init=False, default=None)
    """What `fit` has measured."""
    _calls: int = field(init=False, default=0)

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Measure what feature-wise standardisation and whitening need, on images (N, height, width, channels).

        They are measured where they are used: on images that are rescaled and sample-wise standardised, if that is
        asked for. With `augment` each image is changed at random `rounds` times first; the seed is 0 if none is given.
        """
        x = checks.images("x", x)
        rounds = arrays.whole_number("rounds", rounds)
        seed = arrays.whole_number("seed", 0 if seed is None else seed, least=0)
        checks.shifts_fit(self, x.shape[1:])
        if self.zca_whitening:
            require_whitenable(x.shape)
        prepared = np.empty((len(x) * (rounds if augment else 1), *x.shape[1:]), self.dtype)
        for number in range(len(prepared)):
            turn, row = divmod(number, len(x))
            image = self._typed(x[row])
            if augment:
                image = self._changed(image, generator(seed, "fit", turn, row))
            prepared[number] = self._prepared(image)
        self.statistics = measured(prepared, self)

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        sample_weight: Any = None,
    ) -> ImageFlow:
        """Batches of the images x (N, height, width, channels), changed and standardised, with y, for `model.fit`.

        The seed (0 if none is given), the epoch and the number of an image in x decide how it is changed, whatever the
        batches and the machine.
        """
        x = checks.images("x", x)
        checks.shifts_fit(self, x.shape[1:])
        self._require_statistics(x.shape[1:])
        if y is not None:
            arrays.same_rows("y", y := arrays.numeric("y", y), len(x))
        return ImageFlow(
            self.random_image,
            x,
            y,
            arrays.sample_weights(sample_weight, len(x)),
            arrays.whole_number("batch_size", batch_size),
            arrays.flag("shuffle", shuffle),
            arrays.whole_number("seed", 0 if seed is None else seed, least=0),
            self.dtype,
        )

    def standardize(self, x: Any) -> np.ndarray:
        """An image or a set of images, without random changes: what the network should see when it is measured."""
        if np.ndim(x) == 4:
            x = checks.images("x", x)
            self._require_statistics(x.shape[1:])
            return np.stack([self._standardised(self._typed(image)) for image in x])
        x = checks.image("x", x)
        self._require_statistics(x.shape)
        return self._standardised(self._typed(x))

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """One image, changed at random and not standardised; without a seed, differently at each call."""
        x = self._typed(checks.image("x", x))
        checks.shifts_fit(self, x.shape)
        if seed is None:
            self._calls += 1
            return self._changed(x, generator(0, "call", self._calls)).copy()
        return self._changed(x, generator(arrays.whole_number("seed", seed, least=0), "image")).copy()

    def apply_transform(self, x: Any, transform_parameters: Mapping[str, Any]) -> np.ndarray:
        """One image with a change of the caller's: theta, tx, ty, shear, zx, zy, channel_shift_intensity and flips."""
        known = asdict(Transform())
        for name, value in transform_parameters.items():
            look_up("transform_parameters", name, known)
            if not isinstance(value, bool):
                require_number(f"transform_parameters {name}", value)
        x = self._typed(checks.image("x", x))
        return Transform(**transform_parameters).apply(x, self.fill_mode, self.cval).copy()

    def random_image(self, x: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """One image, changed and standardised."""
        return self._standardised(self._changed(self._typed(x), draw))

    def _typed(self, x: np.ndarray) -> np.ndarray:
        return x.astype(self.dtype)

    def _changed(self, x: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        return drawn(self, x.shape, draw.random(DRAWS)).apply(x, self.fill_mode, self.cval)

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        """All that needs no statistics."""
        if self.preprocessing_function is not None:
            given, x = x.shape, np.asarray(self.preprocessing_function(x), self.dtype)
            if x.shape != given:
                raise ValueError(
                    f"preprocessing_function: an image of shape {x.shape} came back, expected {given} as it went in"
                )
        if self.rescale is not None:
            x = x * x.dtype.type(self.rescale)
        return samplewise(x, self)

    def _standardised(self, x: np.ndarray) -> np.ndarray:
        x = self._prepared(x)
        return x if self.statistics is None else self.statistics.standardise(x, self)

    def _require_statistics(self, shape: tuple[int, ...]) -> None:
        """ValueError unless `fit` has seen such images, where that is needed."""
        option = self.needs_statistics
        if option is None:
            return
        if self.statistics is None:
            raise ValueError(f"{option}: the generator has not seen the images yet. Mend: call fit(x) first")
        known = self.statistics.shape
        if shape[-1] != known[-1] or (self.zca_whitening and shape != known):
            raise ValueError(f"{option}: images of shape {shape} came, expected {known}, what fit has seen")
