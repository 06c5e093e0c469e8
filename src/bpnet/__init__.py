"""bpnet: neural networks with hand-written backpropagation, the same numbers on NumPy, CuPy and PyTorch."""

from bpnet.backend import Backend as Backend
from bpnet.backend import BackendFallbackWarning as BackendFallbackWarning
from bpnet.backend import load as load
from bpnet.checking import gradient_check as gradient_check
from bpnet.models import Model as Model
from bpnet.models import Sequential as Sequential
from bpnet.nn.activation import Activation as Activation
from bpnet.nn.activations import ElementwiseActivation as ElementwiseActivation
from bpnet.nn.activations import Elu as Elu
from bpnet.nn.activations import LeakyRelu as LeakyRelu
from bpnet.nn.dense import Dense as Dense
from bpnet.nn.graph import Input as Input
from bpnet.nn.layer import Layer as Layer
from bpnet.nn.losses import BinaryCrossentropy as BinaryCrossentropy
from bpnet.nn.losses import CategoricalCrossentropy as CategoricalCrossentropy
from bpnet.nn.losses import HalfSumOfSquares as HalfSumOfSquares
from bpnet.nn.losses import Huber as Huber
from bpnet.nn.losses import MeanAbsoluteError as MeanAbsoluteError
from bpnet.nn.losses import MeanSquaredError as MeanSquaredError
from bpnet.nn.losses import MulticlassHinge as MulticlassHinge
from bpnet.nn.losses import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from bpnet.nn.merging import Add as Add
from bpnet.nn.merging import Maximum as Maximum
from bpnet.nn.merging import Multiply as Multiply
from bpnet.nn.metrics import R2 as R2
from bpnet.nn.metrics import Accuracy as Accuracy
from bpnet.nn.metrics import BinaryAccuracy as BinaryAccuracy
from bpnet.nn.metrics import TopKAccuracy as TopKAccuracy
from bpnet.nn.optimizers import SGD as SGD
from bpnet.nn.optimizers import Adam as Adam
from bpnet.nn.regularizers import L1 as L1
from bpnet.nn.regularizers import L1L2 as L1L2
from bpnet.nn.regularizers import L2 as L2
from bpnet.nn.schedules import CosineDecay as CosineDecay
from bpnet.nn.schedules import ExponentialDecay as ExponentialDecay
from bpnet.nn.schedules import InverseTimeDecay as InverseTimeDecay
from bpnet.nn.schedules import StepDecay as StepDecay
from bpnet.training.callbacks import Callback as Callback
from bpnet.training.history import History as History
from bpnet.training.history import TrainingDivergedError as TrainingDivergedError

__version__ = "0.1.0"
