"""The network, the contract and the training loop import no array library: shown in fresh processes."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "bpnet"

REFUSE_AND_IMPORT = """
import importlib.abc, pkgutil, sys, types

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {refused!r}:
            raise AssertionError(f"{{name}} was imported")

sys.meta_path.insert(0, Refuse())
package = types.ModuleType("bpnet")       # the package without its public names, which need NumPy
package.__path__ = [{source!r}]
sys.modules["bpnet"] = package
for root in ("nn", "training"):
    found = __import__(f"bpnet.{{root}}", fromlist=["_"])
    for module in pkgutil.walk_packages(found.__path__, f"bpnet.{{root}}."):
        __import__(module.name)
import bpnet.backend
print(len([name for name in sys.modules if name.startswith("bpnet.")]))
"""

REFUSED = ("numpy", "scipy", "sklearn", "cupy", "torch", "array_api_compat", "bpnet_backends", "matplotlib")


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_network_imports_no_array_library():
    done = run(REFUSE_AND_IMPORT.format(refused=REFUSED, source=str(SOURCE)))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 25


def test_the_check_itself_would_notice():
    done = run(REFUSE_AND_IMPORT.format(refused=("difflib",), source=str(SOURCE)))  # bpnet.names uses it
    assert "difflib was imported" in done.stderr


def test_importing_bpnet_loads_no_heavy_library():
    heavy = ("torch", "cupy", "matplotlib", "sklearn", "scipy", "array_api_compat")
    done = run(f"import bpnet, sys; print([name for name in {heavy!r} if name in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("spec", ["numpy"])
def test_a_run_on_numpy_loads_no_other_array_library(spec):
    done = run(
        "import bpnet, sys\n"
        f"model = bpnet.Sequential([bpnet.Dense(1, input_dim=1)], backend={spec!r})\n"
        "model.compile(loss='mse'); model.fit([[1.0]], [1.0], verbose=0)\n"
        "print([name for name in ('torch', 'cupy', 'sklearn') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr
