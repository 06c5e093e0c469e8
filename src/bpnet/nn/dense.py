"""The fully connected layer.

Forward:   z = x w + b,  y = f(z).
Backward:  dz = dy ⊙ f'(z),  dx = dz wᵀ,  dw = xᵀ dz,  db = Σₙ dz.
Shapes:    x (N, I), w (I, O), b (O,), y and z (N, O).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from bpnet.backend import Array
from bpnet.nn.activations import ActivationFunction
from bpnet.nn.activations import activation as activation_named
from bpnet.nn.graph import Shape
from bpnet.nn.initializers import Initializer, initializer
from bpnet.nn.layer import Layer
from bpnet.nn.op import affine, affine_grads, affine_input_grad
from bpnet.nn.parameters import Parameter
from bpnet.nn.regularizers import Regularizer, regularizer
from bpnet.nn.shapes import sample_shape, whole


class Dense(Layer):
    """y = f(x w + b);  dz = dy ⊙ f'(z),  dx = dz wᵀ,  dw = xᵀ dz,  db = Σₙ dz.  x (N, I) → y (N, units).

    `input_dim` states I for the first layer of a model. The weights begin as `kernel_initializer` says, the biases as
    `bias_initializer`; `kernel_regularizer` is added to the loss.

    >>> Dense(10, "relu").output_shape((64,))
    (10,)
    """

    def __init__(
        self,
        units: int,
        activation: str | ActivationFunction | None = None,
        *,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        input_dim: int | None = None,
        input_shape: Sequence[int] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = whole("units", units)
        self.activation: ActivationFunction = activation_named(activation)
        if units == 1 and self.activation == activation_named("softmax"):
            raise ValueError("activation: softmax of one unit is always 1; use 'sigmoid', or a unit for each class")
        self.use_bias = use_bias
        self.kernel_initializer = initializer(kernel_initializer)
        self.bias_initializer = initializer(bias_initializer)
        self.kernel_regularizer = regularizer(kernel_regularizer)
        self.input_dim = input_dim
        self.input_shape = sample_shape(input_shape, input_dim)

    def as_given(self, name: str, default: Any) -> Any:
        """As `Layer` has it; `input_dim` says what `input_shape` is."""
        said = name == "input_shape" and self.input_dim is not None
        return default if said else super().as_given(name, default)

    def output_shape(self, *inputs: Shape) -> Shape:
        """(I,) → (units,)."""
        if len(inputs) != 1 or len(inputs[0]) != 1:
            raise ValueError(
                f"layer {self.name!r}: inputs of shape {inputs} came, expected one of shape (features,). "
                "Mend: Flatten() before it"
            )
        return (self.units,)

    def parameters(self, *inputs: Shape) -> Sequence[Parameter]:
        """The weights w (I, O) and, unless `use_bias` is False, the biases b (O,)."""
        ((fan_in,),) = inputs
        fans = (fan_in, self.units)
        w = Parameter("w", fans, self.kernel_initializer, *fans, decays=True)
        b = Parameter("b", (self.units,), self.bias_initializer, *fans)
        return (w, b) if self.use_bias else (w,)

    def penalty(self) -> tuple[float, float]:
        """The coefficients of `kernel_regularizer`."""
        return self.kernel_regularizer.l1, self.kernel_regularizer.l2

    def forward(self, p: SimpleNamespace, *x: Array, train: bool) -> tuple[Array, Any]:
        """y = f(x w + b); backward needs x, and y or z."""
        b = p.b if self.use_bias else None
        y, kept = self._f.forward(affine(self.backend, x[0], p.w, b))
        return y, (x[0], kept)

    def backward(
        self, p: SimpleNamespace, saved: Any, dy: Array, g: SimpleNamespace, *, need_dx: bool
    ) -> tuple[Array, ...] | None:
        """dz = dy ⊙ f'(z); dw = xᵀ dz and db = Σₙ dz into g; dx = dz wᵀ."""
        x, kept = saved
        dz = self._f.backward(kept, dy)
        affine_grads(self.backend, x, dz, g.w, g.b if self.use_bias else None)
        return (affine_input_grad(self.backend, dz, p.w),) if need_dx else None
