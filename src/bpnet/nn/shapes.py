"""Checks of layers' settings and of the shapes that come in, with errors that name the layer."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

from bpnet.nn.graph import Shape
from bpnet.nn.window import Pair, Window


def whole(name: str, given: object, least: int = 1) -> int:
    """`given`, if it is a whole number from `least`."""
    if isinstance(given, bool) or not isinstance(given, Integral) or given < least:
        raise ValueError(f"{name}: {given!r} was given, expected a whole number from {least}")
    return int(given)


def sample_shape(given: Sequence[int] | None, input_dim: int | None = None) -> Shape | None:
    """`input_shape`, or (input_dim,), if either is given; both only where they agree."""
    if given is None:
        return None if input_dim is None else (whole("input_dim", input_dim),)
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"input_shape: {given!r} was given, expected a shape without the batch axis: (64,)")
    shape = tuple(given)
    if input_dim is not None and shape != (input_dim,):
        raise ValueError(f"input_shape: {shape} was given, and input_dim {input_dim}. Mend: one of the two")
    return shape


def own_axis(axis: object) -> int:
    """`axis`, if it is one that belongs to a sample."""
    if isinstance(axis, bool) or not isinstance(axis, int) or axis == 0:
        raise ValueError(f"axis: {axis!r} was given, expected a whole number other than 0, the batch axis")
    return axis


def one_input(layer: str, inputs: Sequence[Shape]) -> Shape:
    """The shape of the only input."""
    if len(inputs) != 1:
        raise ValueError(f"layer {layer!r}: {len(inputs)} inputs came, expected one")
    return inputs[0]


def one_image(layer: str, inputs: Sequence[Shape]) -> tuple[int, int, int]:
    """Height, width and channels of the only input."""
    shape = one_input(layer, inputs)
    if len(shape) != 3:
        raise ValueError(
            f"layer {layer!r}: samples of shape {shape} came, expected images (height, width, channels). "
            "Mend: Reshape((height, width, 1)) for grey images without a channel axis; Flatten goes after convolutions"
        )
    return shape[0], shape[1], shape[2]


def places(layer: str, at: Window) -> Pair:
    """The window's places; ValueError where it is larger than the padded image."""
    if min(at.places) < 1:
        raise ValueError(
            f"layer {layer!r}: a window of {at.size} with dilation {at.dilation} is larger than its image, {at.image}. "
            "Mend: padding='same', a smaller window, or fewer layers that shrink the image; if the images have their "
            "channels first, begin with Permute((2, 3, 1))"
        )
    return at.places
