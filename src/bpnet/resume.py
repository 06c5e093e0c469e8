"""Where a call of `fit` goes on from: the checkpoint, which must be of the same run, and what it holds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bpnet.callbacks.checkpoint import BEST_FILE, EPOCH_FILE
from bpnet.formats.container import CheckpointError, Content, read
from bpnet.formats.course import sameness, take_from
from bpnet.formats.model import readable
from bpnet.formats.plain import json_text, parsed
from bpnet.training.course import Course


def resumed(resume: str | os.PathLike[str], model: Any, course: Course) -> Course:
    """The course with all that the checkpoint at `resume` has of it, and the model as it was then.

    A folder without checkpoints, and one that is not there, leave both as they are. CheckpointError: the checkpoint is
    of another run, or of a model outside one.
    """
    where = found(Path(resume))
    if where is None:
        return course
    path, content = where
    if content.kind != "checkpoint":
        raise CheckpointError(
            f"resume: {str(path)!r} holds a model and no run. Mend: bpnet.load_model(path) and fit without "
            "resume, or a file that ModelCheckpoint has written"
        )
    with readable("run"):
        require_same(content.facts["run"]["same"], parsed(json_text(sameness(course))))
        here = replace(course)
        take_from(content, here)
    model.restore(content)
    here.resumed_from = path
    return here


def found(path: Path) -> tuple[Path, Content] | None:
    """The file, or the newest readable one in a folder, and what it holds; None where that is empty or missing.

    CheckpointError: the file cannot be read, or none in the folder can. Those that are passed over are warned of.
    """
    if path.suffix == ".safetensors" or path.is_file():
        return path, read(path)
    bad: list[str] = []
    for each in newest_first(path):
        try:
            content = read(each)
        except CheckpointError as error:
            bad.append(f"{each.name}: {error}")
        else:
            if bad:
                warnings.warn(
                    f"resume: {each.name} is the newest checkpoint in {str(path)!r} that can be read. Passed over: "
                    + "; ".join(bad),
                    RuntimeWarning,
                    stacklevel=5,
                )
            return each, content
    if bad:
        raise CheckpointError(
            f"resume: no checkpoint in {str(path)!r} can be read ({'; '.join(bad)}). Mend: another folder, or remove "
            "them to begin anew"
        )
    return None


def newest_first(folder: Path) -> Iterator[Path]:
    """The checkpoints in a folder, the last written first; the best one, which may be an old one, at the end.

    They go by their times first: in a folder where another run was before, its epochs may have higher numbers.
    """
    if not folder.is_dir():
        return
    files = [each for each in folder.iterdir() if EPOCH_FILE.fullmatch(each.name)]
    yield from sorted(files, key=lambda each: (each.stat().st_mtime_ns, int(each.stem[6:])), reverse=True)
    if (best := folder / BEST_FILE).is_file():
        yield best


class AnotherRunError(CheckpointError):
    """The checkpoint is of a run of other settings or data; `told` is the first thing that differs."""

    def __init__(self, told: str) -> None:
        super().__init__(
            f"resume: the checkpoint is of another run: {told}. Mend: the same as before, or fit without resume"
        )
        self.told = told


def require_same(stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """CheckpointError names the first thing that differs, what was stored and what was given."""
    for name in {**stored, **given}:
        differing = _difference(name, stored.get(name), given.get(name))
        if differing is not None:
            where, before, now = differing
            raise AnotherRunError(f"{where} was {_short(before)}, and {_short(now)} was given")


def _difference(where: str, stored: Any, given: Any) -> tuple[str, Any, Any] | None:
    """The first place at which they differ, with its values."""
    if isinstance(stored, dict) and isinstance(given, dict) and stored.keys() == given.keys():
        pairs: Any = [(f"{where} {name}", stored[name], given[name]) for name in stored]
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        pairs = [(f"{where}[{i}]", *both) for i, both in enumerate(zip(stored, given, strict=True))]
    else:
        return None if stored == given else (where, stored, given)
    return next((found for pair in pairs if (found := _difference(*pair)) is not None), None)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
