"""A run that did not come to its end is not begun anew in its folder, unless that is asked for."""

from __future__ import annotations

import os
from pathlib import Path

from bpnet.cli.restarted import goes_on
from bpnet.formats.container import CheckpointError, read
from bpnet.formats.model import readable
from bpnet.resume import newest_first

WAYS = "Mend: --resume goes on with it, --out another folder keeps it, --overwrite begins anew"


def is_resumed(checkpoints: Path, rank: int, *, resume: bool, overwrite: bool, model: Path | None = None) -> bool:
    """Does the run go on from an earlier one, because of --resume or as torchrun's restart?

    `model` is the file that a finished run has written, if it writes one. ValueError where neither --resume nor
    --overwrite was given and the folder holds a run that was not finished; rank 0 alone looks.
    """
    if resume and overwrite:
        raise ValueError("--overwrite: it was given with --resume, which goes on. Mend: leave one of them out")
    if resume or goes_on(checkpoints, rank):
        return True
    if rank == 0 and not overwrite and (left := unfinished(checkpoints, model)):
        raise ValueError(f"--out: {checkpoints.parent} holds {left}. {WAYS}")
    return False


def unfinished(checkpoints: Path, model: Path | None = None) -> str:
    """What a run that has not ended, or has not come to writing `model`, left there; "" where there is none.

    The newest checkpoint that can be read says it, as for --resume. Where none can be read, nobody knows.
    """
    if not (checkpoints.is_dir() and os.access(checkpoints, os.R_OK | os.X_OK)):
        return ""
    bad = ""
    for path in newest_first(checkpoints):
        try:
            with readable("run"):
                facts = read(path).facts
                run, done = facts["run"], len(facts["history"]["epoch"])
                ended = run["complete"] and (run["ended"] or done >= run["epochs"])
                where = f"epoch {done} of {run['epochs']}"
        except CheckpointError:
            bad = f"checkpoints of which none can be read, as {path.name}"
            continue
        if not ended:
            return f"a run that was not finished ({where})"
        return "" if model is None or model.is_file() else f"a run whose model was not written yet ({where})"
    return bad
