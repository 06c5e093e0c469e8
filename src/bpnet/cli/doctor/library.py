"""A library that may be missing or broken."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Library:
    """A module, or the reason why there is none."""

    module: Any
    missing: str | None = None


@dataclass(frozen=True)
class Known:
    """A value, or the reason why there is none."""

    value: str | None
    missing: str | None = None

    def __str__(self) -> str:
        return self.value or f"none: {self.missing}"


def imported(name: str) -> Library:
    """Import `name`; whatever its import raises becomes the reason."""
    try:
        return Library(importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name == name:
            return Library(None, f"{name} is not installed")
        return Library(None, f"{name} cannot be imported: {error}")
    except Exception as error:
        return Library(None, f"{name} cannot be imported: {type(error).__name__}: {error}")
