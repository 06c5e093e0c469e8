"""Memory that is not enough: one error for that of Python, CuPy and PyTorch, which says what would fit.

What fits is found by trying: half as many samples, a quarter, …, on the model's own step.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bpnet.backend import Backend


class OutOfMemoryError(MemoryError):
    """There is less memory than was asked for. The model has the weights of the last whole step."""

    def __init__(self, message: str, fits: int | None = None, free: int | None = None) -> None:
        super().__init__(message)
        self.fits = fits
        """The largest number of samples tried that there is memory enough for; None if none was, or none was tried."""
        self.free = free
        """Bytes that were free, where the library or the backend says so."""


def is_out_of_memory(error: BaseException) -> bool:
    """Python's MemoryError, or the error of CuPy or PyTorch that says the same of a GPU."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def free_memory(backend: Backend, error: BaseException | None = None) -> int | None:
    """The bytes that are free: what the error says, else what the backend does, else None."""
    found = getattr(error, "free", None)
    if found is None and (ask := getattr(backend, "free_memory", None)) is not None:
        found = ask()
    return found if isinstance(found, int) else None


def let_go(error: BaseException) -> None:
    """Drop what the functions that `error` ended had in their hands: their arrays are what fills the memory."""
    at: BaseException | None = error
    while at is not None:
        traceback.clear_frames(at.__traceback__)
        at = at.__cause__ or at.__context__


def largest(size: int, attempt: Callable[[int], object]) -> int | None:
    """The largest of a half of `size`, a quarter, …, 1 that `attempt` has enough memory for; None if there is none."""
    while size > 1:
        size = -(-size // 2)
        try:
            attempt(size)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
    return None


def too_many_samples(
    error: BaseException,
    backend: Backend,
    name: str,
    size: int,
    attempt: Callable[[int], object],
    other: str = "",
) -> OutOfMemoryError:
    """The error for `name` = `size` samples at once; `other` is another mend, which begins with a comma."""
    free = free_memory(backend, error)
    let_go(error)
    fits = largest(size, attempt)
    reason = because(error, free)
    if fits is None:
        text = (
            f"{name}: {size} was given, but the memory is not enough for one sample {reason}. Mend: a smaller network, "
            "smaller samples, dtype='float32', or another backend"
        )
    else:
        text = (
            f"{name}: {size} was given, but the memory is not enough {reason}, expected at most {fits}, for which it "
            f"is. Mend: {name}={fits}{other}"
        )
    return OutOfMemoryError(text, fits, free)


def because(error: BaseException, free: int | None) -> str:
    """`(Unable to allocate 8 GiB …; 1,234 bytes were free)`: the library's text, and what was free if it is known."""
    said = str(error).partition("Mend:")[0].strip().rstrip(".") or type(error).__name__  # ours is a better one
    return f"({said})" if free is None else f"({said}; {free:,} bytes were free)"


@contextmanager
def explained(call: str, backend: Backend) -> Iterator[None]:
    """An OutOfMemoryError in place of a library's own, where no number of samples is to blame."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemoryError) or not is_out_of_memory(error):
            raise
        free = free_memory(backend, error)
        raise OutOfMemoryError(
            f"{call}: the memory is not enough {because(error, free)}. Mend: a smaller network, smaller batches, "
            "dtype='float32', or another backend",
            free=free,
        ) from error
