"""Arrays from the user's own files."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bpnet.data.arrays import numeric, same_rows


def labelled_arrays(path: str) -> tuple[np.ndarray, np.ndarray]:
    """x (N, …) and whole-number labels y (N,) from 0, from an .npz file that has both; nothing is unpickled."""
    if not Path(path).is_file():
        raise ValueError(f"data: there is no file {path!r}")
    arrays = _read(path)
    missing = sorted({"x", "y"} - set(arrays))
    if missing:
        raise ValueError(f"data: {path!r} lacks {missing}; write it with numpy.savez(path, x=x, y=y)")
    x, y = numeric("data x", arrays["x"]), numeric("data y", arrays["y"])
    same_rows("data y", y, len(x))
    labels = y.reshape(-1).astype(np.int64)
    if len(labels) != len(x) or (labels != y.reshape(-1)).any() or labels.min() < 0:
        raise ValueError("data y: expected one whole number from 0 for each row of x, the number of its class")
    if len(x) < 5:
        raise ValueError(f"data: {len(x)} rows came; expected at least 5, of which the last fifth is held out")
    return x, labels


def _read(path: str) -> dict[str, np.ndarray]:
    """What there is of x and y."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("x", "y") if name in file.files}
    except (BadZipFile, EOFError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"data: {path!r} is not an .npz file of plain arrays ({error})") from error
