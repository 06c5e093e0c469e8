"""bpnet on each of its backends: the captured step that `fit` replays; one a call, or many."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from bpnet import Adam, Conv2D, Dense, Flatten, Input, MaxPooling2D, Sequential
from bpnet.backend import Backend, load, registered
from bpnet.data.samples import Samples
from bpnet.nn.layer import Layer
from bpnet.training.step import DeviceData, training_step
from bpnet.training.totals import Totals
from bpnet_benchmarks import layers
from bpnet_benchmarks.contenders.contender import TF32_SLACK, Contender, Run, reason
from bpnet_benchmarks.problem import Problem

STEPS_OF_ORDER = 256
"""The order on the device is long enough for so many steps, at least, so that going back to its start is rare."""


class BpnetRun(Run):
    """A compiled model, and its step on data that lie on the device."""

    def __init__(self, problem: Problem, backend: Backend) -> None:
        self._problem = problem
        self._backend = backend
        workload = problem.workload
        chain = map(_layer, workload.layers)
        self._model = model = Sequential([Input(workload.input), *chain], backend=backend, dtype="float32")
        model.set_weights(problem.weights)
        model.compile(Adam(), "sparse_categorical_crossentropy", ["accuracy"] if problem.accuracy else [])
        objective, optimizer = model.bind()
        order = np.tile(problem.order, -(-STEPS_OF_ORDER // problem.steps))
        self._data = DeviceData.put(backend, model.put(Samples((problem.x,), (problem.y,), None)), len(order))
        self._order = backend.asarray(order, "int64")
        totals = Totals(backend, objective.metrics)
        self._step: Any = backend.capture(training_step(objective, optimizer, self._data, totals, problem.batch))
        self._steps = self._left = len(order) // problem.batch
        self._data.begin_epoch(self._order)

    def step(self) -> None:
        """The captured step."""
        self._use(1)
        self._step()

    def synchronize(self) -> None:
        """Wait for the device."""
        self._backend.synchronize()

    def weights(self) -> list[np.ndarray]:
        """Copies."""
        return self._model.get_weights()

    def fit(self, epochs: int) -> None:
        """`Model.fit` with its progress bar."""
        self._model.fit(self._problem.x, self._problem.y, self._problem.batch, epochs, verbose=1)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """`Model.predict`, all rows at once."""
        outputs: np.ndarray = self._model.predict(x, batch_size=len(x))
        return outputs

    def _use(self, steps: int) -> None:
        """So many steps are to follow: go back to the beginning of the order where it has no more of them."""
        if self._left < steps:
            self._data.cursor[...] = 0
            self._left = self._steps
        self._left -= steps


class ManyRun(BpnetRun):
    """Many steps a call, by the captured step's `repeat`, which on a GPU has several in a graph."""

    def __init__(self, problem: Problem, backend: Backend) -> None:
        super().__init__(problem, backend)
        self.steps_per_call = problem.steps_together
        if not hasattr(self._step, "repeat"):
            raise RuntimeError(f"a captured step of the backend {backend.name!r} cannot be repeated")

    def step(self) -> None:
        """One call, of `steps_per_call` steps."""
        self._use(self.steps_per_call)
        self._step.repeat(self.steps_per_call)


def _layer(link: layers.Layer) -> Layer:
    match link:
        case layers.Dense():
            return Dense(link.units, link.activation)
        case layers.Conv():
            return Conv2D(link.filters, link.size, padding="same" if link.same else "valid", activation=link.activation)
        case layers.Pool():
            return MaxPooling2D(link.size)
        case layers.Flatten():
            return Flatten()
    raise NotImplementedError(f"bpnet: no layer is known for {link}")


class Bpnet(Contender):
    """bpnet on the backend `spec`."""

    fit_is_steps = True

    def __init__(
        self,
        name: str,
        spec: str,
        *,
        on_gpu: bool = False,
        blas: str | None = None,
        precision: str | None = None,
        many: bool = False,
    ) -> None:
        self.name = name
        self.spec = spec
        self.on_gpu = on_gpu
        self.blas = blas
        self.many = many
        self.modes = ("step",) if many else ("step", "fit", "predict", "start")
        self.slack = TF32_SLACK if precision else 1.0
        self._settings: dict[str, Any] = {"precision": precision} if precision else {}

    def why_not(self) -> str | None:
        """What the backend says."""
        if self.blas == "mkl" and not self._mkl():
            return "the package mkl is not installed. Mend: pip install '.[mkl]'"
        self._choose_blas()
        name = self.spec.partition(":")[0]
        if name not in registered():
            return f"bpnet has no backend {name!r} here. Mend: install bpnet anew (pip install .)"
        return reason(self._load)

    def versions(self) -> dict[str, str]:
        """bpnet's and NumPy's, and that of the library that the backend is for."""
        found = {"bpnet": version("bpnet"), "numpy": version("numpy")}
        library = self.spec.partition(":")[0]
        if library == "cupy":  # its distribution is named after CUDA's version
            import cupy

            return found | {"cupy": cupy.__version__}
        found |= self._mkl() if self.blas == "mkl" else {}
        return found | {library: version(library)}

    def prepare(self, problem: Problem) -> Run:
        """A model and its step."""
        self._choose_blas()
        return (ManyRun if self.many else BpnetRun)(problem, self._load())

    def _load(self) -> Backend:
        """Exactly this backend; RuntimeError where it cannot run here."""
        return load(self.spec, strict=True, **self._settings)

    def _choose_blas(self) -> None:
        """For this process, before the backend is made."""
        if self.blas is not None:
            os.environ["BPNET_BLAS"] = self.blas

    def _mkl(self) -> dict[str, str]:
        try:
            return {"mkl": version("mkl")}
        except PackageNotFoundError:
            return {}


NUMPY = Bpnet("bpnet-numpy", "numpy")
NUMBA = Bpnet("bpnet-numba", "numba", blas="scipy")
NUMBA_MKL = Bpnet("bpnet-numba-mkl", "numba", blas="mkl")
TORCH = Bpnet("bpnet-torch", "torch:cpu")
CUPY = Bpnet("bpnet-cupy", "cupy", on_gpu=True)
CUPY_MANY = Bpnet("bpnet-cupy-many", "cupy", on_gpu=True, many=True)
CUPY_TF32 = Bpnet("bpnet-cupy-tf32", "cupy", on_gpu=True, precision="tf32")
CUPY_MANY_TF32 = Bpnet("bpnet-cupy-many-tf32", "cupy", on_gpu=True, precision="tf32", many=True)
TORCH_CUDA = Bpnet("bpnet-torch-cuda", "torch:cuda", on_gpu=True)
TORCH_CUDA_MANY = Bpnet("bpnet-torch-cuda-many", "torch:cuda", on_gpu=True, many=True)
TORCH_CUDA_TF32 = Bpnet("bpnet-torch-cuda-tf32", "torch:cuda", on_gpu=True, precision="tf32")
TORCH_CUDA_MANY_TF32 = Bpnet("bpnet-torch-cuda-many-tf32", "torch:cuda", on_gpu=True, precision="tf32", many=True)

ALL = (NUMPY, NUMBA, NUMBA_MKL, TORCH, CUPY, TORCH_CUDA)
