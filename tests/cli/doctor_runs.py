"""Runs of `bpnet doctor`, for its tests."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from bpnet.cli.doctor import doctor

VARIABLES = ("BPNET_BACKEND", "BPNET_DTYPE", "BPNET_STRICT", "OMP_NUM_THREADS")


def run(*options: str, **environment: str) -> Result:
    """Run the command with no variable set but those given."""
    result = CliRunner().invoke(doctor, options, env={**dict.fromkeys(VARIABLES), **environment})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def report(*options: str, **environment: str) -> dict[str, Any]:
    """What `run` prints as JSON."""
    found: dict[str, Any] = json.loads(run("--json", *options, **environment).stdout)
    return found


def flat(result: Result) -> str:
    """The output on one line, as it was before it was wrapped."""
    return " ".join(result.output.split())
