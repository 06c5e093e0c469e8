"""Why something cannot be used, and the mend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A reason, and the mend where one is known."""

    reason: str
    mend: str | None = None

    @classmethod
    def said(cls, message: str, mend: str | None = None) -> Fault:
        """The reason and the mend that `message` gives; `mend` where it gives none."""
        reason, _, own_mend = message.partition("Mend: ")
        return cls(reason.strip(), own_mend or mend)

    @classmethod
    def of(cls, error: Exception, mend: str | None = None) -> Fault:
        """The reason and the mend of an exception that was meant to give them."""
        return cls.said(str(error) or type(error).__name__, mend)
