"""Convolution of images, channels last: each place of the window is a row of a matrix product.

Forward:   z[n, i, j, f] = Σ_abc x̂[n, s·i + d·a, s·j + d·b, c] w[a, b, c, f] + b[f],  x̂ the padded x,  y = f(z).
           With P the patches of x̂, a row a place and a column a tap and channel, that is z = P w + b.
Backward:  dz = dy ⊙ f'(z),  dw = Pᵀ dz,  db = Σ dz over places,  dP = dz wᵀ, and dx is what dP sends back: the
           gradient of each element of a patch is added to the element of x that it was taken from.
Shapes:    x (N, H, W, C), w (K, L, C / groups, F), b (F,), y and z (N, H', W', F).

In `groups`, output channel f sees the input channels of its group alone. Patches are made anew for backward: kept,
they would be as large as K·L inputs. What is called convolution here is cross-correlation, as everywhere in the field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.activations import ActivationFunction
from bpnet.nn.activations import activation as activation_named
from bpnet.nn.graph import Shape
from bpnet.nn.initializers import Initializer, initializer
from bpnet.nn.layer import Layer
from bpnet.nn.op import affine, affine_input_grad, op
from bpnet.nn.parameters import Parameter
from bpnet.nn.regularizers import Regularizer, regularizer
from bpnet.nn.shapes import one_image, one_input, places, sample_shape, whole
from bpnet.nn.window import Pair, Window, padded, padding_named, pair, scattered, window


@op
def conv2d(be: Backend, x: Array, w: Array, b: Array | None, at: Window, groups: int) -> Array:
    """z = P w + b, a group at a time;  x (N, H, W, C), w (K, L, C / groups, F) → z (N, H', W', F)."""
    parts = []
    for channels, filters in _groups(x.shape[-1], w.shape[-1], groups):
        p = _patches(be, x[..., channels], at)
        z = affine(be, p, _matrix(be, w[..., filters]), None if b is None else b[filters])
        parts.append(be.xp.reshape(z, (x.shape[0], *at.places, z.shape[-1])))
    return parts[0] if groups == 1 else be.xp.concat(parts, axis=-1)


@op
def conv2d_grads(be: Backend, x: Array, dz: Array, dw: Array, db: Array | None, at: Window, groups: int) -> None:
    """dw = Pᵀ dz and db = Σ dz, written into the network's gradient."""
    for channels, filters in _groups(x.shape[-1], dw.shape[-1], groups):
        p, rows = _patches(be, x[..., channels], at), _rows(be, dz[..., filters])
        part = be.xp.matrix_transpose(p) @ rows
        dw[..., filters] = be.xp.reshape(part, (*dw.shape[:-1], part.shape[-1]))
        if db is not None:
            db[filters] = be.xp.sum(rows, axis=0)


@op
def conv2d_input_grad(be: Backend, dz: Array, w: Array, at: Window, groups: int) -> Array:
    """dP = dz wᵀ, each element added to the one of x that it was taken from;  dx (N, H, W, C)."""
    parts = []
    for _, filters in _groups(w.shape[2] * groups, w.shape[-1], groups):
        dp = affine_input_grad(be, _rows(be, dz[..., filters]), _matrix(be, w[..., filters]))
        taps = be.xp.reshape(dp, (dz.shape[0], *at.places, *w.shape[:3]))
        parts.append(scattered(be, _one_of(taps), taps, at))
    return parts[0] if groups == 1 else be.xp.concat(parts, axis=-1)


def _one_of(taps: Array) -> Callable[[Pair], Array]:
    """The part of one tap, (N, H', W', C), of all of them, (N, H', W', K, L, C)."""
    return lambda tap: taps[:, :, :, tap[0], tap[1], :]


def _groups(channels: int, filters: int, groups: int) -> list[tuple[slice, slice]]:
    """The input and output channels of each group."""
    c, f = channels // groups, filters // groups
    return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(groups)]


def _patches(be: Backend, x: Array, at: Window) -> Array:
    """P (N·H'·W', K·L·C)."""
    x = padded(be, x, at)
    taps = [x[:, rows, columns, :] for _, (rows, columns) in at.taps()]
    return _rows(be, taps[0] if len(taps) == 1 else be.xp.concat(taps, axis=-1))


def _matrix(be: Backend, w: Array) -> Array:
    """w as (K·L·C, F)."""
    return be.xp.reshape(w, (-1, w.shape[-1]))


def _rows(be: Backend, x: Array) -> Array:
    """A row a place: (N, H', W', F) → (N·H'·W', F)."""
    return be.xp.reshape(x, (-1, x.shape[-1]))


class Conv2D(Layer):
    """y = f(x ∗ w + b);  dw = Pᵀ dz,  db = Σ dz,  dx from dz wᵀ.  x (N, H, W, C) → y (N, H', W', filters).

    `kernel_size`, `strides` and `dilation_rate` are a number for both axes or two. "valid" `padding` keeps the window
    inside the image; "same" makes ⌈H / stride⌉ × ⌈W / stride⌉ places. Weights begin as `kernel_initializer` says, with
    fan_in = K·L·C / groups and fan_out = K·L·filters, biases as `bias_initializer`.

    >>> Conv2D(8, 3).output_shape((28, 28, 1)), Conv2D(8, 3, strides=2, padding="same").output_shape((28, 28, 1))
    ((26, 26, 8), (14, 14, 8))
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        *,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: str | ActivationFunction | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = whole("filters", filters)
        self.groups = whole("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"groups: {groups} was given, which does not divide the {filters} filters")
        self.kernel_size = self._pair("kernel_size", kernel_size)
        self.strides = self._pair("strides", strides)
        self.dilation_rate = self._pair("dilation_rate", dilation_rate)
        self.padding = padding_named(padding)
        self.activation: ActivationFunction = activation_named(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializer(kernel_initializer)
        self.bias_initializer = initializer(bias_initializer)
        self.kernel_regularizer = regularizer(kernel_regularizer)
        self.input_shape = sample_shape(input_shape)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (H', W', filters)."""
        height, width, channels = one_image(self.name, inputs)
        if channels % self.groups:
            raise ValueError(f"layer {self.name!r}: {channels} channels came, which {self.groups} groups do not divide")
        return (*places(self.name, self._window(height, width)), self.filters)

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The weights w (K, L, C / groups, F) and, unless `use_bias` is False, the biases b (F,)."""
        shape = (*self.kernel_size, inputs[0][-1] // self.groups, self.filters)
        taps = self.kernel_size[0] * self.kernel_size[1]
        fans = (taps * shape[2], taps * self.filters)
        w = Parameter("w", shape, self.kernel_initializer, *fans, decays=True)
        b = Parameter("b", (self.filters,), self.bias_initializer, *fans)
        return (w, b) if self.use_bias else (w,)

    def penalty(self) -> tuple[float, float]:
        """The coefficients of `kernel_regularizer`."""
        return self.kernel_regularizer.l1, self.kernel_regularizer.l2

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y = f(x ∗ w + b); backward needs x, and y or z."""
        at = self._window(*x[0].shape[1:3])
        y, kept = self._f.forward(self._convolved(x[0], p.w, p.b if self.use_bias else None, at))
        return y, (x[0], kept)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dz = dy ⊙ f'(z); dw = Pᵀ dz and db = Σ dz into g; dx from dz wᵀ."""
        x, kept = saved
        at = self._window(*x.shape[1:3])
        dz = self._f.backward(kept, dy)
        self._gradients(x, dz, g.w, g.b if self.use_bias else None, at)
        return (self._input_gradient(dz, p.w, at),) if need_dx else None

    def _convolved(self, x: Array, w: Array, b: Array | None, at: Window) -> Array:
        return conv2d(self.backend, x, w, b, at, self.groups)

    def _gradients(self, x: Array, dz: Array, dw: Array, db: Array | None, at: Window) -> None:
        conv2d_grads(self.backend, x, dz, dw, db, at, self.groups)

    def _input_gradient(self, dz: Array, w: Array, at: Window) -> Array:
        return conv2d_input_grad(self.backend, dz, w, at, self.groups)

    def _window(self, height: int, width: int) -> Window:
        return window((height, width), self.kernel_size, self.strides, self.dilation_rate, self.padding)

    def _pair(self, name: str, given: int | Sequence[int]) -> Pair:
        return pair(name, given)


class Conv1D(Conv2D):
    """`Conv2D` along one axis: x (N, L, C) → y (N, L', filters); w (K, C / groups, filters)."""

    def as_given(self, name: str, default: Any) -> Any:
        """As `Layer` has it; of the two axes the second is the user's."""
        value = super().as_given(name, default)
        return value[1] if name in ("kernel_size", "strides", "dilation_rate") and isinstance(value, tuple) else value

    def output_shape(self, *inputs: Shape) -> Shape:
        """(L, C) → (L', filters)."""
        shape = one_input(self.name, inputs)
        if len(shape) != 2:
            raise ValueError(f"layer {self.name!r}: samples of shape {shape} came, expected (length, channels)")
        _, *rest = super().output_shape((1, *shape))
        return tuple(rest)

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The weights w (K, C / groups, F) and, unless `use_bias` is False, the biases b (F,)."""
        w, *b = super().parameters((1, *inputs[0]))
        return (replace(w, shape=w.shape[1:]), *b)

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """That of an image of one row."""
        y, saved = super().forward(self._of_rows(p), self.xp.expand_dims(x[0], axis=1), train=train)
        return self.xp.squeeze(y, axis=1), saved

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """That of an image of one row."""
        dy = self.xp.expand_dims(dy, axis=1)
        dx = super().backward(self._of_rows(p), saved, dy, self._of_rows(g), need_dx=need_dx)
        return None if dx is None else (self.xp.squeeze(dx[0], axis=1),)

    def _of_rows(self, p: SimpleNamespace) -> SimpleNamespace:
        """The parameters, or gradients, of a kernel of one row: views."""
        return SimpleNamespace(**{**vars(p), "w": self.xp.reshape(p.w, (1, *p.w.shape))})

    def _pair(self, name: str, given: int | Sequence[int]) -> Pair:
        """One number, alone or in a list; what it returned may be given again."""
        if isinstance(given, Sequence) and (len(given) == 1 or (len(given) == 2 and given[0] == 1)):
            return 1, whole(name, given[-1])
        return 1, whole(name, given)
