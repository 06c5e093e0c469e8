"""The run on a table that another one goes on from: what it was told, and what it had learned of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from bpnet.formats.model import readable
from bpnet.formats.plain import json_text, parsed
from bpnet.resume import found, require_same
from bpnet.tables.preprocessing import Preprocessing
from bpnet.training.callbacks import Callback


class InCheckpoints(Callback):
    """What checkpoints of the run have besides, under names of its own; JSON."""

    steers = False

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """Let the run have it."""
        self.course.facts = {**self.course.facts, **self.facts}


@dataclass(frozen=True)
class Earlier:
    """The checkpoint at `path`, and its facts; there are none where a run begins anew."""

    path: str | PathLike[str] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, resume: str | PathLike[str] | None) -> Earlier:
        """What `fit(resume=)` would go on from; CheckpointError as there."""
        where = None if resume is None else found(Path(resume))
        if where is None:
            return cls(resume)
        path, content = where
        return cls(path, content.facts if content.kind == "checkpoint" else {})

    @property
    def preprocessing(self) -> Preprocessing | None:
        """That of the run; None where it begins anew."""
        if "table" not in self.facts:
            return None
        with readable("table"):
            return Preprocessing.of(self.facts["table"])

    def require(self, name: str, given: Mapping[str, Any]) -> None:
        """CheckpointError names the first thing in which `given` is not what the run had under `name`."""
        if name in self.facts:
            with readable(name):
                require_same(self.facts[name], parsed(json_text(dict(given))))

    def require_preprocessing(self, preprocessing: Preprocessing) -> None:
        """CheckpointError where other data came, as far as they show in what is learned of them."""
        before = self.preprocessing
        if before is not None:
            require_same(parsed(json_text(learned(before))), parsed(json_text(learned(preprocessing))))


def learned(preprocessing: Preprocessing) -> dict[str, Any]:
    """What shows whether data are the same."""
    columns = {f"column {column.name!r}": column.facts() for column in preprocessing.columns}
    return {"rows": preprocessing.summary.rows, **columns, "target": preprocessing.target.facts()}
