"""Files that survive a crash, and one message for every way a disk can fail. No torch.

A file is safe against `kill -9` and power loss if it is written in this order: write a temporary file in the same
folder, fsync it, rename it over the old one, fsync the folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from trainwell.core.errors import DamagedError, StorageError

TEMPORARY = ".tmp-"
TRASH = ".trash-"

# C0, DEL and C1 control terminals, bidirectional controls reorder text, lone surrogates cannot be printed.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_CAUSES = {
    errno.EROFS: "the file system is read-only; mount it writable or choose another folder",
    errno.EACCES: "permission is denied; choose a folder this user may write",
    errno.EPERM: "the operation is not permitted there; choose another folder",
    errno.EDQUOT: "this user's disk quota is used up; delete something or choose another disk",
    errno.EMFILE: "this process has too many files open; raise the limit with ulimit -n",
    errno.ENFILE: "the whole system has too many files open; close some programs",
    errno.EFBIG: "a file grew past the size limit; raise it with ulimit -f",
    errno.EIO: "the device reports an input/output error; check the disk",
    errno.ESTALE: "the network file system lost the folder; mount it again",
    errno.ENOENT: "the file or folder is gone or cannot be opened; check that it was not moved or deleted",
    errno.EINVAL: "the file system does not support this operation; choose another folder",
}
# Primary result codes of SQLite (sqlite.org/rescode.html) that are about the disk.
_SQLITE = {5: errno.EBUSY, 8: errno.EROFS, 10: errno.EIO, 13: errno.ENOSPC, 14: errno.ENOENT}
_IN_TEXT = re.compile(r"os error (\d+)")


def plain(text: str) -> str:
    """Remove control characters from the name of a file or a class before it is printed.

    >>> plain("cat\\x1b[31m.png")
    'cat[31m.png'
    """
    return _UNPRINTABLE.sub("", text)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk: a rename is durable only after this."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file and flush its bytes to the disk; its name needs `fsync_folder` too.

    Raises:
        FileExistsError: if there is one of this name.
    """
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write a file so that at any instant, crash or not, it holds either all old or all new bytes.

    Args:
        path: the file; its folder must exist. A symbolic link is replaced, not followed.
        data: the whole content; text is written as UTF-8.
    Raises:
        OSError: if the disk refuses; the old file is intact. Use within `storage_errors`.
    """
    path = Path(path)
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}"[:255])
    try:
        write_durably(temporary, data.encode() if isinstance(data, str) else data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    fsync_folder(path.parent)


def discard(path: Path) -> str | None:
    """Delete a folder or file so that a crash half-way leaves only files that `tidy` deletes.

    Returns:
        None, or one sentence if it could not be deleted; that never stops a training.
    """
    try:
        if not path.name.startswith((TEMPORARY, TRASH)):
            trash = path.with_name(f"{TRASH}{secrets.token_hex(4)}-{path.name}")
            os.rename(path, trash)
            path = trash
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as problem:
        return f"{plain(str(path))} could not be deleted: {problem.strerror}."
    return None


def tidy(folder: Path) -> tuple[str, ...]:
    """Delete what a killed writer left in a folder; call it only under the run's lock.

    Returns:
        one sentence for each thing that could not be deleted.
    """
    if not folder.is_dir():
        return ()
    left = [path for path in folder.iterdir() if path.name.startswith((TEMPORARY, TRASH))]
    return tuple(sentence for path in left if (sentence := discard(path)) is not None)


@contextlib.contextmanager
def storage_errors(what: str, folder: Path | None = None) -> Iterator[None]:
    """Turn every failure of the disk inside the block into a StorageError with one message.

    torch, safetensors and SQLite raise their own errors for a full disk; these are recognised by name, so that none of
    the libraries is imported here. Errors that are not about storage pass unchanged.

    Args:
        what: what failed, at the start of the message ("Saving the checkpoint step-000010").
        folder: where, to tell whether bytes or inodes ran out; by default the folder that the error names.
    Raises:
        StorageError: the disk, a limit or a permission.
        DamagedError: a file is damaged.

    >>> with storage_errors("Saving the report"):
    ...     raise OSError(errno.EROFS, "x")
    Traceback (most recent call last):
    trainwell.core.errors.StorageError: Saving the report failed: the file system is read-only; mount it writable...
    """
    try:
        yield
    except Exception as problem:
        error = _translate(problem, plain(what), folder=folder)
        if error is None:
            raise
        raise error from problem


def _translate(problem: Exception, what: str, *, folder: Path | None) -> StorageError | None:
    text = str(problem)
    library = type(problem).__module__.partition(".")[0]
    if isinstance(problem, OSError):
        named = Path(os.fsdecode(problem.filename)).parent if isinstance(problem.filename, (str, bytes)) else None
        return StorageError(f"{what} failed: {_cause(problem.errno, folder or named)}.")
    if library == "sqlite3" and type(problem).__name__ in ("OperationalError", "DatabaseError", "DataError"):
        code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
        if code in _SQLITE:
            return StorageError(f"{what} failed: {_cause(_SQLITE[code], folder)}.")
        return DamagedError(f"{what} failed: the database is damaged or not a database ({plain(text)}).")
    if type(problem).__name__ == "SafetensorError":
        if found := _IN_TEXT.search(text):
            return StorageError(f"{what} failed: {_cause(int(found.group(1)), folder)}.")
        return DamagedError(f"{what} failed: the tensors cannot be read ({plain(text)}).")
    if isinstance(problem, RuntimeError) and ("PytorchStreamReader" in text or "Reader failed" in text):
        return DamagedError(f"{what} failed: the file is truncated or damaged.")
    if isinstance(problem, RuntimeError) and ("inline_container.cc" in text or "PytorchStreamWriter" in text):
        return StorageError(f"{what} failed: {_cause(errno.ENOSPC, folder)}.")
    return None


def _cause(number: int | None, folder: Path | None) -> str:
    if number == errno.ENOSPC:
        return _full(folder or Path())
    if number == errno.EBUSY:
        return "another process keeps the file locked; stop it or wait"
    return _CAUSES.get(number or 0) or (os.strerror(number) if number else "the disk refused")


def _full(folder: Path) -> str:
    """Say whether bytes or inodes ran out: `No space left on device` means either."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    disk = os.statvfs(place)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_files and not disk.f_favail and free:
        return f"the disk of {plain(str(place))} has no room for another file (inodes ran out); delete some files"
    return (
        f"the disk of {plain(str(place))} is full ({free / 1e6:.1f} of {disk.f_blocks * disk.f_frsize / 1e6:.1f} MB "
        "free); free some space or choose another disk"
    )
