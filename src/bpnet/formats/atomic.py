"""A file is written whole or not at all.

The bytes go to a temporary file in the same folder, which is flushed to the disk and then takes the target's name: a
rename within a folder is one step for the file system. The folder is flushed too, so that the name outlives a power
cut. What a killed run has left there is removed when the same target is written again.
"""

from __future__ import annotations

import errno
import itertools
import os
import platform
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

SUFFIX = ".part"
ABANDONED = 24 * 3600.0
"""Seconds after which a temporary file is taken for left behind, where it cannot be asked whether its writer lives."""

_numbers = itertools.count()
_at_work: set[str] = set()
"""The temporary files that this process is writing."""

_MENDS = {
    errno.ENOSPC: "free some space on the disk, or choose another folder",
    errno.EDQUOT: "free some of your quota, or choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOENT: "make the folder first",
    errno.ENOTDIR: "choose a path whose folders are folders",
    errno.EISDIR: "choose the name of a file",
    errno.ENAMETOOLONG: "choose a shorter name",
}


class NotWrittenError(OSError):
    """A file could not be written; what was there before is untouched."""


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """`data` in place of whatever `path` holds, as `write_with` does it."""
    write_with(path, lambda file: file.write(data))


def write_together(files: Mapping[Path, bytes]) -> None:
    """All of them, as `write_bytes` does it; none takes its name before every one is on the disk."""
    first, *others = files

    def fill(file: BinaryIO) -> None:
        file.write(files[first])
        if others:
            file.flush()
            os.fsync(file.fileno())
            write_together({other: files[other] for other in others})

    write_with(first, fill)


def write_with(path: str | os.PathLike[str], fill: Callable[[BinaryIO], Any]) -> None:
    """What `fill(file)` writes in place of whatever `path` holds.

    NotWrittenError: the old file is untouched, and nothing new is there.

    Where `path` is a symbolic link, the file that it points to is replaced. The permissions of a file that is replaced
    stay.
    """
    target = Path(os.path.realpath(path))
    beginning = _beginning(target.name)
    temporary = target.with_name(f"{beginning}{os.getpid()}-{next(_numbers)}-{os.urandom(4).hex()}{SUFFIX}")
    _at_work.add(temporary.name)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _remove_abandoned(target.parent, beginning)
        with open(temporary, "xb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise _explained(path, error) from error
        raise
    finally:
        _at_work.discard(temporary.name)
    _flush_folder(target.parent)


def _beginning(name: str) -> str:
    """How the temporary files of a target are called: names of any length make one that is short enough."""
    host = crc32(platform.node().encode())
    return f".{name[:40]}-{crc32(name.encode('utf-8', 'surrogateescape')):08x}-{host:08x}-"


def _remove_abandoned(folder: Path, beginning: str) -> None:
    """Remove the temporary files of this target whose writers are dead; another's file may vanish meanwhile."""
    host = beginning[: -len("00000000-")]
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(host) and entry.name.endswith(SUFFIX)]
    for name in names:
        with suppress(OSError):
            if name not in _at_work and _is_abandoned(folder / name, beginning):
                (folder / name).unlink()


def _is_abandoned(path: Path, beginning: str) -> bool:
    """Is the process dead that wrote it? On another machine, or where one cannot ask, its age decides."""
    writer = path.name[len(beginning) :].partition("-")[0]
    if path.name.startswith(beginning) and writer.isdecimal() and os.name == "posix":
        if int(writer) == os.getpid():
            return True  # a dead process had this number before
        try:
            os.kill(int(writer), 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            pass
    return time.time() - path.stat().st_mtime > ABANDONED


def _flush_folder(folder: Path) -> None:
    """Flush the folder's list of names; some systems cannot, and need not be asked to."""
    if os.name != "posix":
        return
    with suppress(OSError):  # the file itself is whole, on the disk and in place
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _explained(path: str | os.PathLike[str], error: OSError) -> NotWrittenError:
    reason = error.strerror or str(error) or type(error).__name__
    mend = _MENDS.get(error.errno or 0, "choose another folder or disk")
    if error.errno == errno.ENOENT and Path(os.path.realpath(path)).parent.is_dir():  # a folder that takes no files
        mend = "choose another folder"
    told = NotWrittenError(
        f"path: {os.fspath(path)!r} could not be written ({reason}), and what was there before is untouched. "
        f"Mend: {mend}"
    )
    told.errno = error.errno
    return told
