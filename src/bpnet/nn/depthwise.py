"""Convolution of each channel for itself.

Forward:   z[n, i, j, c·M + m] = Σ_ab x̂[n, s·i + d·a, s·j + d·b, c] w[a, b, c, m] + b[c·M + m],  y = f(z).
Backward:  dz = dy ⊙ f'(z),  dw[a, b, c, m] = Σ x̂ ⊙ dz over samples and places,  db = Σ dz,
           dx̂ = Σ_m dz w[a, b, c, m] at the element under each tap.
Shapes:    x (N, H, W, C), w (K, L, C, M), b (C·M,), y and z (N, H', W', C·M).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpnet.backend import Array, Backend
from bpnet.nn.convolution import Conv2D
from bpnet.nn.graph import Shape
from bpnet.nn.op import op
from bpnet.nn.parameters import Parameter
from bpnet.nn.shapes import one_image, places, whole
from bpnet.nn.window import Pair, Window, padded, scattered


@op
def depthwise_conv2d(be: Backend, x: Array, w: Array, b: Array | None, at: Window) -> Array:
    """Σ over taps of x ⊙ w, a channel at a time;  x (N, H, W, C), w (K, L, C, M) → z (N, H', W', C·M)."""
    x = padded(be, x, at)
    z: Any = 0.0
    for (i, j), (rows, columns) in at.taps():
        z = z + be.xp.expand_dims(x[:, rows, columns, :], axis=-1) * w[i, j, :, :]
    z = be.xp.reshape(z, (*z.shape[:3], -1))
    return z if b is None else z + b


@op
def depthwise_conv2d_grads(be: Backend, x: Array, dz: Array, dw: Array, db: Array | None, at: Window) -> None:
    """dw = Σ x ⊙ dz for each tap, and db = Σ dz, written into the network's gradient."""
    x = padded(be, x, at)
    by_channel = be.xp.reshape(dz, (*dz.shape[:3], *dw.shape[2:]))
    for (i, j), (rows, columns) in at.taps():
        under = be.xp.expand_dims(x[:, rows, columns, :], axis=-1)
        dw[i, j, :, :] = be.xp.sum(under * by_channel, axis=(0, 1, 2))
    if db is not None:
        db[...] = be.xp.sum(dz, axis=(0, 1, 2))


@op
def depthwise_conv2d_input_grad(be: Backend, dz: Array, w: Array, at: Window) -> Array:
    """dx: at each tap Σ_m dz ⊙ w."""
    by_channel = be.xp.reshape(dz, (*dz.shape[:3], *w.shape[2:]))

    def part(tap: Pair) -> Array:
        return be.xp.sum(by_channel * w[tap[0], tap[1], :, :], axis=-1)

    return scattered(be, part, by_channel[..., 0], at)


class DepthwiseConv2D(Conv2D):
    """y = f(x ∗ w + b), each channel with `depth_multiplier` kernels of its own.  x (N, H, W, C) → (N, H', W', C·M).

    `settings`: those of `Conv2D` from `dilation_rate` on, but for `groups`.
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        *,
        depth_multiplier: int = 1,
        **settings: Any,
    ) -> None:
        super().__init__(1, kernel_size, strides, padding, **settings)
        self.depth_multiplier = whole("depth_multiplier", depth_multiplier)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(H, W, C) → (H', W', C·M)."""
        height, width, channels = one_image(self.name, inputs)
        return (*places(self.name, self._window(height, width)), channels * self.depth_multiplier)

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The weights w (K, L, C, M) and, unless `use_bias` is False, the biases b (C·M,)."""
        channels, many = inputs[0][-1], self.depth_multiplier
        taps = self.kernel_size[0] * self.kernel_size[1]
        fans = taps * channels, taps * many
        w = Parameter("w", (*self.kernel_size, channels, many), self.kernel_initializer, *fans, decays=True)
        b = Parameter("b", (channels * many,), self.bias_initializer, *fans)
        return (w, b) if self.use_bias else (w,)

    def _convolved(self, x: Array, w: Array, b: Array | None, at: Window) -> Array:
        return depthwise_conv2d(self.backend, x, w, b, at)

    def _gradients(self, x: Array, dz: Array, dw: Array, db: Array | None, at: Window) -> None:
        depthwise_conv2d_grads(self.backend, x, dz, dw, db, at)

    def _input_gradient(self, dz: Array, w: Array, at: Window) -> Array:
        return depthwise_conv2d_input_grad(self.backend, dz, w, at)
