"""Who is timed. To add a contender, write a file beside this one and a line in `CONTENDERS`."""

from __future__ import annotations

from importlib import import_module

from bpnet_benchmarks.contenders.contender import Contender

_HERE = "bpnet_benchmarks.contenders"

CONTENDERS = {
    "bpnet-numpy": f"{_HERE}.on_bpnet:NUMPY",
    "bpnet-numba": f"{_HERE}.on_bpnet:NUMBA",
    "bpnet-numba-mkl": f"{_HERE}.on_bpnet:NUMBA_MKL",
    "bpnet-torch": f"{_HERE}.on_bpnet:TORCH",
    "scikit-learn": f"{_HERE}.scikit_learn:BATCH",
    "scikit-learn-many": f"{_HERE}.scikit_learn:MANY",
    "torch": f"{_HERE}.torch_eager:CPU",
    "torch-compiled": f"{_HERE}.torch_compiled:CPU",
    "jax": f"{_HERE}.jax_jit:CPU",
    "jax-scan": f"{_HERE}.jax_scan:CPU",
    "keras": f"{_HERE}.keras_fit:KERAS",
    "products": f"{_HERE}.products:PRODUCTS",
    "bpnet-cupy": f"{_HERE}.on_bpnet:CUPY",
    "bpnet-cupy-many": f"{_HERE}.on_bpnet:CUPY_MANY",
    "bpnet-cupy-tf32": f"{_HERE}.on_bpnet:CUPY_TF32",
    "bpnet-cupy-many-tf32": f"{_HERE}.on_bpnet:CUPY_MANY_TF32",
    "bpnet-torch-cuda": f"{_HERE}.on_bpnet:TORCH_CUDA",
    "bpnet-torch-cuda-many": f"{_HERE}.on_bpnet:TORCH_CUDA_MANY",
    "bpnet-torch-cuda-tf32": f"{_HERE}.on_bpnet:TORCH_CUDA_TF32",
    "bpnet-torch-cuda-many-tf32": f"{_HERE}.on_bpnet:TORCH_CUDA_MANY_TF32",
    "torch-cuda": f"{_HERE}.torch_eager:CUDA",
    "torch-cuda-tf32": f"{_HERE}.torch_eager:CUDA_TF32",
    "torch-compiled-cuda": f"{_HERE}.torch_compiled:CUDA",
    "torch-graph": f"{_HERE}.torch_graph:GRAPH",
    "torch-graph-many": f"{_HERE}.torch_graph:MANY",
    "torch-graph-tf32": f"{_HERE}.torch_graph:TF32",
    "jax-cuda": f"{_HERE}.jax_jit:CUDA",
    "jax-scan-cuda": f"{_HERE}.jax_scan:CUDA",
}
"""`module:attribute` of each contender by its name, in the order of the tables; the GPU's last."""

SUBJECTS = ("bpnet-numba", "bpnet-numpy", "bpnet-cupy", "bpnet-torch-cuda")
"""What the others are compared with: the first of the CPU's, and of the GPU's, that ran."""

FLOOR = "products"
"""No contender, but the matrix products that none can do without."""


def at(source: str) -> Contender:
    """The contender at `module:attribute`. Its module imports no other library; `prepare` does."""
    module, _, attribute = source.partition(":")
    contender = getattr(import_module(module), attribute)
    if not isinstance(contender, Contender):
        raise TypeError(f"contender: {source!r} was given, which is {type(contender).__name__}; expected a Contender")
    return contender
