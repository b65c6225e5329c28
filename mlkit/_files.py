"""Files that are whole or not there: content hashes, atomic writes, bundled data, the cache."""

import contextlib
import hashlib
import os
import stat
import uuid
from pathlib import Path


def content_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, read in pieces.

    >>> content_hash(bundled("README.md")) == content_hash(bundled("README.md"))
    True
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Write a file that is never seen half-written: the old content or all of the new.

    Text is written as UTF-8. A file that is replaced keeps its permissions; a link stays one.
    """
    target = Path(path).resolve()
    # A plain open gives a new file the permissions of any new file; tempfile's would be private.
    part = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with part.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def bundled(name: str) -> Path:
    """A file or folder of the bundled data, in a checkout or in an installed package."""
    here = Path(__file__).resolve().parent
    places = [here / "data" / name, here.parent / "data" / name]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(
        f"the bundled data {name!r} is not where it should be ({places[0]}); install mlkit again."
    )


def cache_folder() -> Path:
    """Where downloads and computed features are kept: MLKIT_DATA, or the user's cache."""
    chosen = os.environ.get("MLKIT_DATA")
    if chosen:
        return Path(chosen).expanduser()
    import pooch  # knows each system's place for a user's cache

    return Path(pooch.os_cache("mlkit"))


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where a folder can be opened (not Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
