"""What is true of all pictures: pyplot is left alone, a notebook shows them, and matplotlib is asked for by name."""

import subprocess
import sys

import pytest

from bpnet import plot
from bpnet.plot import canvas

FRESH = """
import sys
from bpnet import Dense, Input, Sequential, plot
assert "matplotlib" not in sys.modules, "matplotlib is imported before it is needed"
figure = plot.network(Sequential([Input((2,)), Dense(1)], backend="numpy"))
plot.loss_curves({"loss": [2.0, 1.0]})
assert figure._repr_png_().startswith(b"\\x89PNG")
assert "matplotlib.pyplot" not in sys.modules, "pyplot is imported"
"""


def test_matplotlib_is_imported_late_and_pyplot_never():
    done = subprocess.run([sys.executable, "-W", "error", "-c", FRESH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'matplotlib, which is not installed. Mend: pip install "\.\[plot\]"'):
        plot.loss_curves({"loss": [1.0]})


def test_long_names_keep_both_ends():
    assert canvas.shortened("short") == "short"
    assert canvas.shortened("a\nname  in two lines") == "a name in two lines"
    assert canvas.shortened("abcdefghij", 5) == "ab…ij"
