"""bpnet: neural networks with hand-written backpropagation, the same numbers on NumPy, CuPy and PyTorch."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from bpnet.backend import Backend as Backend
from bpnet.backend import BackendFallbackWarning as BackendFallbackWarning
from bpnet.backend import load as load
from bpnet.callbacks.checkpoint import ModelCheckpoint as ModelCheckpoint
from bpnet.callbacks.csv_logger import CSVLogger as CSVLogger
from bpnet.callbacks.early_stopping import EarlyStopping as EarlyStopping
from bpnet.callbacks.functions import LambdaCallback as LambdaCallback
from bpnet.callbacks.learning_rate import LearningRateScheduler as LearningRateScheduler
from bpnet.callbacks.learning_rate import ReduceLROnPlateau as ReduceLROnPlateau
from bpnet.callbacks.tensorboard import TensorBoard as TensorBoard
from bpnet.callbacks.terminate_on_nan import TerminateOnNaN as TerminateOnNaN
from bpnet.checking import gradient_check as gradient_check
from bpnet.data.arrays import to_categorical as to_categorical
from bpnet.data.images.generator import ImageDataGenerator as ImageDataGenerator
from bpnet.ensembles.ensemble import Ensemble as Ensemble
from bpnet.formats.atomic import NotWrittenError as NotWrittenError
from bpnet.formats.container import CheckpointError as CheckpointError
from bpnet.loading import load_model as load_model
from bpnet.models import Model as Model
from bpnet.nn.activation import ELU as ELU
from bpnet.nn.activation import Activation as Activation
from bpnet.nn.activation import LeakyReLU as LeakyReLU
from bpnet.nn.activation import PReLU as PReLU
from bpnet.nn.activation import ReLU as ReLU
from bpnet.nn.activation import Softmax as Softmax
from bpnet.nn.activations import ElementwiseActivation as ElementwiseActivation
from bpnet.nn.activations import Elu as Elu
from bpnet.nn.activations import LeakyRelu as LeakyRelu
from bpnet.nn.adaptive import Adadelta as Adadelta
from bpnet.nn.adaptive import Adagrad as Adagrad
from bpnet.nn.adaptive import AdamW as AdamW
from bpnet.nn.adaptive import Lion as Lion
from bpnet.nn.adaptive import RMSprop as RMSprop
from bpnet.nn.averaging import Averaged as Averaged
from bpnet.nn.convolution import Conv1D as Conv1D
from bpnet.nn.convolution import Conv2D as Conv2D
from bpnet.nn.dense import Dense as Dense
from bpnet.nn.depthwise import DepthwiseConv2D as DepthwiseConv2D
from bpnet.nn.dropout import Dropout as Dropout
from bpnet.nn.dropout import GaussianNoise as GaussianNoise
from bpnet.nn.embedding import Embedding as Embedding
from bpnet.nn.graph import Input as Input
from bpnet.nn.initializers import Constant as Constant
from bpnet.nn.initializers import Normal as Normal
from bpnet.nn.initializers import Uniform as Uniform
from bpnet.nn.initializers import VarianceScaling as VarianceScaling
from bpnet.nn.layer import Layer as Layer
from bpnet.nn.lbfgs import LBFGS as LBFGS
from bpnet.nn.losses import BinaryCrossentropy as BinaryCrossentropy
from bpnet.nn.losses import CategoricalCrossentropy as CategoricalCrossentropy
from bpnet.nn.losses import HalfSumOfSquares as HalfSumOfSquares
from bpnet.nn.losses import Huber as Huber
from bpnet.nn.losses import MeanAbsoluteError as MeanAbsoluteError
from bpnet.nn.losses import MeanSquaredError as MeanSquaredError
from bpnet.nn.losses import MulticlassHinge as MulticlassHinge
from bpnet.nn.losses import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from bpnet.nn.merging import Add as Add
from bpnet.nn.merging import Average as Average
from bpnet.nn.merging import Concatenate as Concatenate
from bpnet.nn.merging import Maximum as Maximum
from bpnet.nn.merging import Multiply as Multiply
from bpnet.nn.merging import Subtract as Subtract
from bpnet.nn.metrics import R2 as R2
from bpnet.nn.metrics import Accuracy as Accuracy
from bpnet.nn.metrics import BinaryAccuracy as BinaryAccuracy
from bpnet.nn.metrics import TopKAccuracy as TopKAccuracy
from bpnet.nn.nadam import Nadam as Nadam
from bpnet.nn.normalization import BatchNormalization as BatchNormalization
from bpnet.nn.normalization import LayerNormalization as LayerNormalization
from bpnet.nn.optimizers import SGD as SGD
from bpnet.nn.optimizers import Adam as Adam
from bpnet.nn.pooling import AveragePooling2D as AveragePooling2D
from bpnet.nn.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from bpnet.nn.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from bpnet.nn.pooling import MaxPooling2D as MaxPooling2D
from bpnet.nn.regularizers import L1 as L1
from bpnet.nn.regularizers import L1L2 as L1L2
from bpnet.nn.regularizers import L2 as L2
from bpnet.nn.reshaping import Flatten as Flatten
from bpnet.nn.reshaping import Permute as Permute
from bpnet.nn.reshaping import Reshape as Reshape
from bpnet.nn.reshaping import UpSampling2D as UpSampling2D
from bpnet.nn.reshaping import ZeroPadding2D as ZeroPadding2D
from bpnet.nn.schedules import CosineDecay as CosineDecay
from bpnet.nn.schedules import ExponentialDecay as ExponentialDecay
from bpnet.nn.schedules import InverseTimeDecay as InverseTimeDecay
from bpnet.nn.schedules import StepDecay as StepDecay
from bpnet.sequential import Sequential as Sequential
from bpnet.tables import TableError as TableError
from bpnet.tables import TableModel as TableModel
from bpnet.tables import read_table as read_table
from bpnet.training.callbacks import Callback as Callback
from bpnet.training.history import History as History
from bpnet.training.history import TrainingDivergedError as TrainingDivergedError
from bpnet.training.out_of_memory import OutOfMemoryError as OutOfMemoryError
from bpnet.version import __version__ as __version__

if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        """Packages that need an extra are imported when they are first asked for: `bpnet.plot`, `bpnet.sklearn`."""
        if name in ("plot", "sklearn"):
            return import_module(f"bpnet.{name}")
        raise AttributeError(f"module 'bpnet' has no attribute {name!r}")
