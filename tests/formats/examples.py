"""An object of every class of bpnet's own that a file may name, with settings that are not the defaults."""

from functools import partial
from typing import Any

import bpnet as b
from bpnet.nn import activations, initializers, schedules
from bpnet.nn.activations import ElementwiseActivation
from bpnet.nn.losses import Loss
from bpnet.nn.metrics import AccuracyOfValues, MeanAbsoluteErrorMetric, MeanSquaredErrorMetric, Metric
from bpnet.nn.optimizers import Optimizer
from bpnet.nn.regularizers import Regularizer
from bpnet.nn.schedules import Schedule

INITIALIZERS: list[Any] = [
    initializers.Constant(0.3),
    b.Normal(0.1, 0.2),
    b.Uniform(-0.3, 0.4),
    b.VarianceScaling(3.0, "average", "uniform"),
]
REGULARIZERS = [Regularizer(0.1, 0.2)]
ACTIVATIONS: list[Any] = [
    b.LeakyRelu(0.07),
    ElementwiseActivation("smooth", activations.gelu, derivative_of="z"),
    activations.Linear("none"),
    activations.Softmax("shares"),
]

_conv: dict[str, Any] = {
    "strides": (2, 1),
    "padding": "same",
    "use_bias": False,
    "activation": b.Elu(0.5),
    "kernel_initializer": b.Normal(0.0, 0.3),
    "bias_initializer": "ones",
    "kernel_regularizer": b.L1L2(0.1, 0.2),
}
_norm: dict[str, Any] = {"center": False, "beta_initializer": "ones", "gamma_initializer": b.Uniform(0.5, 1.5)}

LAYERS: list[tuple[b.Layer, tuple[tuple[int, ...], ...]]] = [
    (
        b.Dense(
            3,
            b.LeakyRelu(0.3),
            use_bias=False,
            kernel_initializer=b.VarianceScaling(2.0),
            bias_initializer="ones",
            kernel_regularizer="l2",
            input_dim=4,
        ),
        ((4,),),
    ),
    (b.Dense(2, "softmax", input_shape=(5,)), ((5,),)),
    (b.Conv2D(4, (3, 2), groups=2, **_conv), ((6, 5, 2),)),
    (b.Conv2D(4, 2, dilation_rate=(2, 1), input_shape=(6, 5, 2)), ((6, 5, 2),)),
    (b.Conv1D(4, 3, dilation_rate=2, groups=2), ((9, 2),)),
    (b.Conv1D(4, [3], **(_conv | {"strides": 2}), input_shape=(9, 2)), ((9, 2),)),
    (b.DepthwiseConv2D((2, 3), depth_multiplier=3, **_conv), ((6, 5, 2),)),
    (b.DepthwiseConv2D(2, dilation_rate=2, input_shape=(6, 5, 2)), ((6, 5, 2),)),
    (b.MaxPooling2D((3, 2), (1, 2), "same"), ((6, 5, 2),)),
    (b.AveragePooling2D(3, strides=1, padding="same"), ((6, 5, 2),)),
    (b.GlobalAveragePooling2D(), ((6, 5, 2),)),
    (b.GlobalMaxPooling2D(), ((6, 5, 2),)),
    (b.Flatten(), ((6, 5, 2),)),
    (b.Reshape((-1, 3)), ((6, 5, 2),)),
    (b.Permute((3, 1, 2)), ((6, 5, 2),)),
    (b.ZeroPadding2D(((1, 0), (2, 3))), ((6, 5, 2),)),
    (b.UpSampling2D((2, 3)), ((6, 5, 2),)),
    (b.BatchNormalization(1, 0.9, 1e-4, unbiased=True, per_process=True, **_norm), ((6, 5, 2),)),
    (b.BatchNormalization(scale=False), ((4,),)),
    (b.LayerNormalization(**_norm), ((4,),)),
    (b.LayerNormalization(-2, 1e-4, scale=False, beta_initializer="ones"), ((6, 5, 2),)),
    (b.Dropout(0.25), ((4,),)),
    (b.GaussianNoise(0.3), ((4,),)),
    (b.Embedding(7, 3, embeddings_initializer="normal", input_shape=(4,)), ((4,),)),
    (b.Activation(ElementwiseActivation("steep", partial(activations.elu, alpha=2.0))), ((4,),)),
    (b.ReLU(), ((4,),)),
    (b.LeakyReLU(0.2), ((4,),)),
    (b.ELU(0.7), ((4,),)),
    (b.Softmax(), ((4,),)),
    (b.PReLU("ones", shared_axes=(1, 2)), ((6, 5, 2),)),
    (b.Add(), ((4,), (4,))),
    (b.Subtract(), ((4,), (4,))),
    (b.Multiply(), ((4,), (4,))),
    (b.Maximum(), ((4,), (4,))),
    (b.Average(), ((4,), (4,))),
    (b.Concatenate(1), ((4, 2), (3, 2))),
]
"""With the shapes of inputs that they take."""

_entropy: dict[str, Any] = {"from_logits": True, "label_smoothing": 0.1, "reduction": "sum"}
LOSSES: list[Loss] = [
    b.MeanSquaredError(reduction="sum"),
    b.HalfSumOfSquares(reduction="sum"),
    b.MeanAbsoluteError(reduction="sum"),
    b.Huber(delta=0.5, reduction="sum"),
    b.BinaryCrossentropy(**_entropy),
    b.CategoricalCrossentropy(**_entropy),
    b.SparseCategoricalCrossentropy(**_entropy),
    b.MulticlassHinge(margin=2.0, reduction="sum"),
]

METRICS: list[Metric] = [
    b.Accuracy(),
    b.BinaryAccuracy(0.3, "right"),
    AccuracyOfValues(),
    b.TopKAccuracy(2),
    MeanSquaredErrorMetric(),
    MeanAbsoluteErrorMetric(),
    b.R2(),
]

SCHEDULES: list[Schedule] = [
    schedules.Constant(0.2),
    b.InverseTimeDecay(0.2, 0.1, 3, staircase=True),
    b.StepDecay(0.2, 0.3, 4),
    b.CosineDecay(0.2, 30, alpha=0.1, warmup_steps=5),
]

_steps: dict[str, Any] = {"weight_decay": 0.02, "clipvalue": 0.3, "global_clipnorm": 2.0}
_adam: dict[str, Any] = {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5} | _steps
OPTIMIZERS: list[Optimizer] = [
    b.SGD(0.2, momentum=0.3, nesterov=True, decay=0.1, **_steps),
    b.SGD(b.ExponentialDecay(0.2, 0.5, 10)),
    b.Adam(0.2, **_adam),
    b.AdamW(0.2, **_adam),
    b.Nadam(0.2, momentum_decay=0.1, **_adam),
    b.Adagrad(0.2, initial_accumulator_value=0.1, epsilon=1e-5, **_steps),
    b.Adadelta(0.2, rho=0.8, epsilon=1e-5, **_steps),
    b.RMSprop(0.2, rho=0.8, momentum=0.3, epsilon=1e-5, centered=True, **_steps),
    b.Lion(0.2, beta_1=0.8, beta_2=0.7, **_steps),
    b.LBFGS(memory=3, max_fun=40, gtol=1e-3, ftol=1e-4),
    b.Averaged(b.Adam(b.CosineDecay(0.1, 20)), decay=0.8),
]

EXAMPLES: dict[str, list[Any]] = {
    "layer": [layer for layer, _ in LAYERS],
    "initializer": INITIALIZERS,
    "regularizer": REGULARIZERS,
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "metric": METRICS,
    "schedule": SCHEDULES,
    "optimizer": OPTIMIZERS,
}
