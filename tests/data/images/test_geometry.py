"""Each change of an image against another way to the same picture: slices, np.pad, np.rot90, point after point."""

from math import cos, floor, radians, sin

import numpy as np
import pytest

from bpnet.data.images.generator import ImageDataGenerator
from bpnet.data.images.geometry import drawn

RNG = np.random.default_rng(3)
X = RNG.normal(size=(7, 6, 3))
PAD = {"nearest": "edge", "constant": "constant", "reflect": "symmetric", "wrap": "wrap"}
FAR = 6


def changed(x=X, fill_mode="nearest", **parameters):
    generator = ImageDataGenerator(fill_mode=fill_mode, cval=-2.5, dtype="float64")
    return generator.apply_transform(x, parameters)


def beyond(x, fill_mode):
    """The image with FAR more pixels on each side."""
    values = {"constant_values": -2.5} if fill_mode == "constant" else {}
    return np.pad(x, ((FAR, FAR), (FAR, FAR), (0, 0)), PAD[fill_mode], **values)


def test_flips_are_slices():
    np.testing.assert_array_equal(changed(flip_horizontal=True), X[:, ::-1])
    np.testing.assert_array_equal(changed(flip_vertical=True), X[::-1])


@pytest.mark.parametrize("fill_mode", PAD)
@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, 3), (-3, 2), (1, -4)])
def test_a_shift_of_whole_pixels_is_a_slice_of_the_padded_image(fill_mode, down, right):
    expected = beyond(X, fill_mode)[FAR - down : FAR - down + 7, FAR - right : FAR - right + 6]
    np.testing.assert_array_equal(changed(fill_mode=fill_mode, tx=-right, ty=-down), expected)


@pytest.mark.parametrize("fill_mode", PAD)
@pytest.mark.parametrize("size", [5, 6])
@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_quarter_turns_are_rot90(fill_mode, size, turns):
    """Cosine and sine of a right angle are off by 1e-16, and so are the places that are interpolated."""
    x = RNG.normal(size=(size, size, 2))
    np.testing.assert_allclose(changed(x, fill_mode, theta=90 * turns), np.rot90(x, turns), atol=1e-13)


def test_twice_as_large_is_the_middle_with_means_between():
    x = RNG.normal(size=(5, 5, 1))
    larger = changed(x, zx=0.5, zy=0.5)
    np.testing.assert_allclose(larger[::2, ::2], x[1:4, 1:4], atol=1e-14)
    np.testing.assert_allclose(larger[1::2, ::2], (x[1:3, 1:4] + x[2:4, 1:4]) / 2, atol=1e-14)
    wider = changed(x, zx=0.5)
    np.testing.assert_allclose(wider[:, ::2], x[:, 1:4], atol=1e-14)


@pytest.mark.parametrize("fill_mode", PAD)
@pytest.mark.parametrize(
    "parameters",
    [
        {"theta": 25},
        {"shear": 20},
        {"shear": -35, "tx": 0.6},
        {"zx": 1.2, "zy": 0.7},
        {"theta": -40, "tx": 1.3, "ty": -0.4, "shear": 15, "zx": 0.9, "zy": 1.1},
    ],
)
def test_every_point_comes_from_where_the_formula_says(fill_mode, parameters):
    np.testing.assert_allclose(
        changed(fill_mode=fill_mode, **parameters), _point_by_point(X, fill_mode, **parameters), atol=1e-13
    )


def _point_by_point(x, fill_mode, theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0):
    """Zoom, shear, shift and turn each point in turn, then take the mean of the four pixels around it, by area."""
    padded, new = beyond(x, fill_mode), np.empty_like(x)
    middle = complex((x.shape[1] - 1) / 2, (x.shape[0] - 1) / 2)
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            across, down = (column - middle.real) * zx, (row - middle.imag) * zy
            across, down = across - sin(radians(shear)) * down, cos(radians(shear)) * down
            turned = complex(across + tx, down + ty) * complex(cos(radians(theta)), sin(radians(theta))) + middle
            left, top = floor(turned.real), floor(turned.imag)
            a, b = turned.real - left, turned.imag - top
            four = padded[top + FAR : top + FAR + 2, left + FAR : left + FAR + 2]
            upper, lower = (1 - a) * four[0, 0] + a * four[0, 1], (1 - a) * four[1, 0] + a * four[1, 1]
            new[row, column] = (1 - b) * upper + b * lower
    return new


def test_channel_shift_keeps_the_range():
    shifted = changed(channel_shift_intensity=0.7)
    np.testing.assert_allclose(shifted, np.minimum(X + 0.7, X.max()), rtol=1e-15)
    np.testing.assert_allclose(changed(channel_shift_intensity=-0.7), np.maximum(X - 0.7, X.min()), rtol=1e-15)


def test_the_flips_come_last():
    np.testing.assert_array_equal(changed(ty=2, flip_vertical=True), changed(ty=2)[::-1])


# ---- what is drawn


ALL = {
    "rotation_range": 30,
    "width_shift_range": 0.25,
    "height_shift_range": 3.0,
    "shear_range": 10,
    "zoom_range": (0.5, 2.0),
    "channel_shift_range": 0.3,
    "horizontal_flip": True,
    "vertical_flip": True,
}


def transform(u, **settings):
    return drawn(ImageDataGenerator(**settings), (10, 20, 1), np.broadcast_to(u, 11))


def test_the_least_and_the_greatest_of_each_range():
    least, greatest = transform(0.0, **ALL), transform(1.0, **ALL)
    for change, sign, zoom, flip in ((least, -1, 0.5, True), (greatest, 1, 2.0, False)):
        assert (change.theta, change.shear, change.channel_shift_intensity) == (sign * 30, sign * 10, sign * 0.3)
        assert (change.tx, change.ty) == (sign * 0.25 * 20, sign * 3.0)
        assert (change.zx, change.zy) == (zoom, zoom)
        assert change.flip_horizontal == change.flip_vertical == flip


def test_no_option_no_change():
    for u in (0.0, 0.4, 1.0):
        assert transform(u) == transform(0.5)
    assert not transform(0.3).moves


def test_whole_numbers_and_lists_of_shifts():
    """As in Keras: 3 stands for -2 to 2 pixels, a list for its members with either sign."""
    rng = np.random.default_rng(0)
    draws = [
        drawn(ImageDataGenerator(width_shift_range=3, height_shift_range=[0.1, 0.5]), (10, 20, 1), rng.random(11))
        for _ in range(200)
    ]
    assert {change.tx for change in draws} == {-2, -1, 0, 1, 2}
    assert {change.ty for change in draws} == {-5, -1, 1, 5}


def test_an_option_more_leaves_the_others_as_they_were():
    x = RNG.normal(size=(8, 8, 1))
    for seed in range(5):
        both = ImageDataGenerator(horizontal_flip=True, vertical_flip=True, dtype="float64")
        one = ImageDataGenerator(horizontal_flip=True, dtype="float64")
        flipped = one.random_transform(x, seed)
        assert any(np.array_equal(both.random_transform(x, seed), y) for y in (flipped, flipped[::-1]))


def test_height_is_vertical_and_width_horizontal():
    x = np.zeros((9, 9, 1))
    x[4, 4] = 1
    for name, axis in (("height_shift_range", 0), ("width_shift_range", 1)):
        place = np.argwhere(ImageDataGenerator(**{name: [3]}).random_transform(x, seed=1)[..., 0])[0]
        assert abs(place[axis] - 4) == 3
        assert place[1 - axis] == 4


def test_random_transform_repeats_with_a_seed_and_changes_without():
    one, other = (ImageDataGenerator(rotation_range=90) for _ in range(2))
    np.testing.assert_array_equal(one.random_transform(X, seed=4), other.random_transform(X, seed=4))
    assert (one.random_transform(X, seed=5) != one.random_transform(X, seed=4)).any()
    first, second = one.random_transform(X), one.random_transform(X)
    assert (first != second).any()
    np.testing.assert_array_equal(other.random_transform(X), first)
