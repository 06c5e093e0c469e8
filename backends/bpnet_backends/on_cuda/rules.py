"""What each function of the standard comes to in a traced step, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpnet_backends.on_cuda import computing, creating, products, shaping

RULES: dict[str, Callable[..., Any]] = {
    **computing.RULES,
    **shaping.RULES,
    **products.RULES,
    **creating.RULES,
    "result_type": lambda *of: np.result_type(*(x.dtype if isinstance(x, np.ndarray) else x for x in of)),
}
