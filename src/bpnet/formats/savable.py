"""What makes a model something that can be saved."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from bpnet.formats import container, model
from bpnet.formats.container import Content
from bpnet.formats.description import Custom


class Savable:
    """`save`, `content` and `restore` of a model; `bpnet.load_model` makes a new one of a file."""

    is_chain: ClassVar[bool] = False
    """Is it a list of layers, rather than a graph?"""

    _compiled: Any

    @property
    def is_compiled(self) -> bool:
        """Was `compile` called?"""
        return self._compiled is not None

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        custom_objects: Custom | None = None,
        command: str | None = None,
    ) -> None:
        """Write all that training goes on from to a safetensors file, in place of what is there.

        Weights, running statistics, random streams, the optimizer with its moments and learning rate, the epochs seen,
        the history, the architecture and what `compile` chose. `bpnet.load_model` makes the same model of it, on any
        backend. Classes and functions of your own are stored by their names, which `custom_objects` has to give, here
        and there: TypeError. `command` is kept as what the model was made by. NotWrittenError, an OSError: the old file
        is untouched.
        """
        container.write(path, model.content_of(self, custom=custom_objects or {}, command=command))

    def content(self, *, command: str | None = None) -> Content:
        """What `save` writes, in memory: copies. Classes of your own need not be named for it."""
        return model.content_of(self, command=command)

    def restore(self, content: Content, custom_objects: Custom | None = None) -> None:
        """Take all that `content` returned, from this model or one that was made and compiled the same way.

        A model that is not compiled is compiled as the other was. Floats are rounded to this model's float type.
        CheckpointError: another architecture, optimizer or loss; the model's numbers are as they were.
        """
        model.restore(self, content, custom_objects)
