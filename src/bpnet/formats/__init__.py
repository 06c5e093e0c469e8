"""Files, and weights of other libraries: checkpoints, what describes a model in them, ONNX, PyTorch, Keras."""

from bpnet.formats.keras_weights import from_keras as from_keras
from bpnet.formats.keras_weights import to_keras as to_keras
from bpnet.formats.torch_weights import from_torch as from_torch
from bpnet.formats.torch_weights import to_torch as to_torch
