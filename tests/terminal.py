"""A terminal, for tests of what is drawn on one."""

from __future__ import annotations

import io
import sys

import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error as a terminal; its text is `getvalue()`."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream
