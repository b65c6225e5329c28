"""Files that are whole or not there: content hashes, atomic writes, downloads that resume."""

import contextlib
import errno
import hashlib
import http.client
import json
import os
import re
import ssl
import stat
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_TIMEOUT_S = 20
_PIECE = 1 << 16
_NETWORK = (
    http.client.HTTPException,
    urllib.error.URLError,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
)


class DownloadError(OSError):
    """A download did not arrive whole; the message says why and what to do."""


def content_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, read in pieces.

    >>> content_hash(bundled("README.md")) == content_hash(bundled("README.md"))
    True
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: str | Path, data: bytes | str, *, sync: bool = True) -> None:
    """Write a file that is never seen half-written: the old content or all of the new.

    Text is written as UTF-8. A file that is replaced keeps its permissions; a link stays one.
    Without ``sync`` a killed program still does no harm, but a power cut may: for files whose
    hashes are kept elsewhere.
    """
    target = Path(path).resolve()
    # A plain open gives a new file the permissions of any new file; tempfile's would be private.
    part = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with part.open("xb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if sync:
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


def download(
    url: str, target: str | Path, *, sha256: str | None = None, progress: bool = True
) -> Path:
    """Fetch a file, going on where an earlier attempt stopped; it is there whole or not at all.

    What has arrived lies in ``<target>.part`` until its length, and its hash where ``sha256`` is
    given, are right. A server that cannot send the rest, or has another file by now, starts again.
    Raises DownloadError with what to do.
    """
    # pooch knows the user's cache folder, but it starts a broken download from the beginning
    # and checks a hash alone, which archives made on demand do not keep: so this is urllib.
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"cannot download {url!r}: it is no http or https address.")
    target = Path(target)
    if target.exists() and (sha256 is None or content_hash(target) == sha256):
        return target
    part = target.with_name(f"{target.name}.part")
    about = target.with_name(f"{target.name}.part.json")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        busy = f"another program is downloading {target.name} just now"
        with alone(
            part, busy=DownloadError(f"{busy}; wait until it is done and run again.")
        ) as file:
            _fetch(url, file, about, progress=progress, hashed=sha256 is not None)
            file.flush()
            os.fsync(file.fileno())
        if sha256 is not None:
            _check(part, sha256, url)
        part.replace(target)
        _sync_folder(target.parent)
    except BaseException as error:
        _explain(error, url, part, about)
        raise
    about.unlink(missing_ok=True)
    return target


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where a folder can be opened (not Windows)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def alone(path: Path, *, busy: Exception) -> Iterator[BinaryIO]:
    """The file open at its end, with no other process writing to it; else ``busy`` is raised."""
    with path.open("ab") as file:
        try:
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except ImportError:  # Windows, where the lock is on a byte far beyond the end
                import msvcrt

                file.seek(1 << 40)
                lock: Any = msvcrt  # which mypy looks up for the system it runs on
                lock.locking(file.fileno(), lock.LK_NBLCK, 1)
                file.seek(0, os.SEEK_END)
        except OSError as error:
            raise busy from error
        yield file


def _check(part: Path, sha256: str, url: str) -> None:
    found = content_hash(part)
    if found != sha256:
        part.unlink()
        raise DownloadError(
            f"what {url} sent is not the file expected (its SHA-256 is {found}, not {sha256}); "
            "it was thrown away. Run again; if it stays so, the published file has changed, or "
            "a network's sign-in page came instead of it."
        )


def _fetch(url: str, file: BinaryIO, about: Path, *, progress: bool, hashed: bool) -> None:
    """Bring the part file to the whole length, or raise."""
    have = file.seek(0, os.SEEK_END)
    known = _known(about, url) if have else {}
    if have and known.get("length") == have:
        return None
    # Without a validator nothing tells the rest of this file from the rest of another.
    resumable = bool(have and known.get("validator"))
    headers = {"Accept-Encoding": "identity", "User-Agent": "mlkit"}
    if resumable:
        headers |= {"Range": f"bytes={have}-", "If-Range": known["validator"]}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 -- http(s), checked above
    try:
        how: dict[str, Any] = {"timeout": _TIMEOUT_S, "context": _certificates()}
        answer = urllib.request.urlopen(request, **how)  # noqa: S310 -- http(s), checked above
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not resumable:
            raise
        file.truncate(0)
        return _fetch(url, file, about, progress=progress, hashed=hashed)
    with answer:
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        if goes_on and not resumable:
            raise http.client.HTTPException("it sent a part of the file unasked")
        if goes_on and _rest(answer) != (have, known.get("length"), known["validator"]):
            file.truncate(0)
            return _fetch(url, file, about, progress=progress, hashed=hashed)
        if not goes_on:
            file.truncate(0)
            have = 0
            length = answer.headers.get("Content-Length")
            if length is None and not answer.chunked and not hashed:
                raise http.client.HTTPException("it does not say how long the file is")
            known = {
                "url": url,
                "length": int(length) if length else None,
                "validator": _validator(answer),
            }
            write_atomic(about, json.dumps(known))
        _receive(answer, file, have, known["length"], name=about.name[:-10], progress=progress)
    return None


def _receive(
    answer: Any, file: BinaryIO, have: int, length: int | None, *, name: str, progress: bool
) -> None:
    from tqdm.auto import tqdm

    with tqdm(
        total=length, initial=have, desc=name, unit="B", unit_scale=True, disable=not progress
    ) as bar:
        # read1 hands over what has come: an interrupt loses no piece that is still filling.
        while piece := answer.read1(_PIECE):
            file.write(piece)
            have += len(piece)
            bar.update(len(piece))
    if length is not None and have != length:
        raise http.client.IncompleteRead(b"", length - have)


def _known(about: Path, url: str) -> dict[str, Any]:
    """What is known of the part that lies there; nothing when it is of another address."""
    try:
        known = json.loads(about.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) and known.get("url") == url else {}


def _validator(answer: Any) -> str | None:
    """What tells this file from a later one at the same address; a weak ETag cannot (RFC 9110)."""
    tag = answer.headers.get("ETag")
    if tag:
        return None if tag.startswith("W/") else str(tag)
    return answer.headers.get("Last-Modified")


def _rest(answer: Any) -> tuple[int, int | None, str | None] | None:
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2]), _validator(answer)) if found else None


def _certificates() -> ssl.SSLContext:
    """The system's certificates and those of certifi: some Pythons come without the former."""
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError, OSError):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _explain(error: BaseException, url: str, part: Path, about: Path) -> None:
    """Raise the DownloadError that says what happened and what to do, or leave a note."""
    if isinstance(error, DownloadError):
        return
    left = _left(part, about, url)
    if isinstance(error, urllib.error.HTTPError):
        why = f"{url} answered {error.code} ({error.reason})."
        if error.code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
            why += " The file is no longer there; a newer version of mlkit may know where it went."
        raise DownloadError(f"{why} {left}") from error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise DownloadError(
            f"the disk is full: {url} does not fit into {part.parent}. Make room, or set "
            f"MLKIT_DATA to a folder on another disk. {left}"
        ) from error
    if isinstance(error, _NETWORK):
        reason = getattr(error, "reason", None) or error
        what = "the connection broke" if part.exists() and part.stat().st_size else "no connection"
        raise DownloadError(f"{what} while downloading {url} ({reason}). {left}") from error
    if isinstance(error, OSError):
        raise DownloadError(f"cannot write {part}: {error.strerror or error}.") from error
    error.add_note(left)


def _left(part: Path, about: Path, url: str) -> str:
    """What the next attempt will find."""
    have = part.stat().st_size if part.exists() else 0
    known = _known(about, url)
    if not have:
        for useless in (part, about):
            with contextlib.suppress(OSError):
                useless.unlink(missing_ok=True)
        return "Nothing was kept; run again when there is a connection."
    if not known.get("validator"):
        return "Run again; this server cannot go on in the middle, so it starts from the beginning."
    share = f" at {100 * have // known['length']} %" if known.get("length") else ""
    return f"Run again, and it goes on{share} ({have / 1e6:.1f} MB are kept)."
