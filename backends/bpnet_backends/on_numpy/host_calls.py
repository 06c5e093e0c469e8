"""A function of the host within a captured step, such as a sum over processes: called again by each replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpnet_backends.on_numpy import recording
from bpnet_backends.on_numpy.array import as_plain


def call_host(be: Any, function: Callable[[Any], None], vector: Any) -> None:
    """function(vector), which changes it in place. A replay calls it at the same place, with the same memory."""
    plain: np.ndarray = as_plain(vector)
    recording.will_write(plain)
    recording.note_host(function, plain)
    function(plain)


KERNELS: Mapping[str, Callable[..., Any]] = {"call_host": call_host}
