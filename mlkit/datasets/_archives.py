"""Published archives: downloaded once, verified file by file, whole or not there."""

import hashlib
import re
import shutil
import uuid
import wave
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mlkit._files import DownloadError, cache_folder, download, write_atomic
from mlkit.datasets._bundled import read_table, spoken

# One or two people an accent: a gap between accents here is a gap between people.
_ACCENTS = {
    "jackson": "USA",
    "theo": "USA",
    "nicolas": "BEL",
    "yweweler": "DEU",
    "lucas": "DEU",
    "george": "GRC",
}

_INDEX = "files.csv"  # written last, into a folder that has its name only when it is whole


@dataclass(frozen=True)
class _Archive:
    """A published zip archive: which of its files are wanted, and what they must hold.

    An archive of a commit is made on demand, and its own bytes may change; its files may not.
    """

    name: str
    url: str
    published: str  # the file name a browser gives it
    wanted: str  # matches a path below the archive's one top folder; group 1 is the file's name
    files: int
    size: int  # bytes, all files together
    checksum: str  # SHA-256 over the lines "name sha256", sorted by name
    measure: Callable[[Path], dict[str, float]]
    instead: str  # what there is without it


def _seconds(path: Path) -> dict[str, float]:
    with wave.open(str(path)) as opened:
        return {"duration_s": opened.getnframes() / opened.getframerate()}


def _pixels(path: Path) -> dict[str, float]:
    from PIL import Image

    with Image.open(path) as opened:
        return {"width": opened.width, "height": opened.height}


_SPOKEN = _Archive(
    name="free-spoken-digit-dataset",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip",
    published="free-spoken-digit-dataset-26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip",
    wanted=r"recordings/(\d_[a-z]+_\d+\.wav)",
    files=3000,
    size=21_128_848,
    checksum="dbd573d7cafe79c4b49f65718115e1304e24e067fa39eff18a660dc6cb9c360f",
    measure=_seconds,
    instead="datasets.load_spoken_digits() is bundled",
)
_CLOTHING = _Archive(
    name="clothing-dataset-small",
    url="https://github.com/alexeygrigorev/clothing-dataset-small/archive/"
    "11961516512414bf9f6c150a832cfd21b54a6b54.zip",
    published="clothing-dataset-small-11961516512414bf9f6c150a832cfd21b54a6b54.zip",
    wanted=r"((?:train|validation|test)/[a-z-]+/[0-9a-f-]{36}\.jpg)",
    files=3781,
    size=106_020_674,
    checksum="55ee2d8f2e6ad4bb657b13347839fe62bea5db0375d77ebe169e12026edee35c",
    measure=_pixels,
    instead="datasets.make_phone_inspections() renders pictures to label, and "
    "datasets.load_digits() is bundled, with ten classes to learn",
)


def fetch_spoken_digits(*, download: bool = True, progress: bool = True) -> pd.DataFrame:
    """Real spoken digits: the Free Spoken Digit Dataset, downloaded once (17 MB, CC BY-SA 4.0).

    3,000 recordings by six men; one or two of them an accent, so that a gap between accents
    here is a gap between people. They are kept in ``MLKIT_DATA``, or the user's cache; with
    ``download=False`` only what is there already is used.

    Returns
    -------
    DataFrame
        ``item, label, speaker, accent`` (country, ISO 3166), ``path`` (WAV, 8 kHz),
        ``duration_s, split``: recordings 0-4 of each digit and speaker are test, as published,
        5-14 dev, the rest train.

    Raises
    ------
    DownloadError
        Offline, or stopped half-way (run again, it goes on); ``load_spoken_digits`` stands in.

    Examples
    --------
    >>> clips = fetch_spoken_digits()  # doctest: +SKIP
    """
    folder = _fetch(_SPOKEN, online=download, progress=progress)
    table = read_table(folder / _INDEX)
    table["path"] = [str(folder / name) for name in table["file"]]
    table["item"] = table["file"].str.removesuffix(".wav")
    table[["label", "speaker"]] = table["item"].str.split("_", expand=True)[[0, 1]]
    table["accent"] = table["speaker"].map(_ACCENTS)
    return spoken(table)


def fetch_clothing(*, download: bool = True, progress: bool = True) -> pd.DataFrame:
    """Real photographs of clothing in ten classes, downloaded once (107 MB, CC0).

    Whose shirt is a t-shirt? 3,781 photographs, 3,000 from one collection and the rest from 32
    people, who draw the borders of the classes differently. Kept in ``MLKIT_DATA``, or the
    user's cache; with ``download=False`` only what is there already is used.

    Returns
    -------
    DataFrame
        ``item, label, path`` (JPEG), ``width, height`` (pixels), ``split``: train, dev
        (published as *validation*) and test.

    Raises
    ------
    DownloadError
        Offline, or stopped half-way (run again, it goes on); ``make_phone_inspections`` stands
        in where pictures are to be labelled, ``load_digits`` where classes are to be learnt.

    Examples
    --------
    >>> photographs = fetch_clothing()  # doctest: +SKIP
    """
    folder = _fetch(_CLOTHING, online=download, progress=progress)
    table = read_table(folder / _INDEX)
    parts = table["file"].str.split("/", expand=True)
    return pd.DataFrame(
        {
            "item": parts[2].str.removesuffix(".jpg"),
            "label": parts[1],
            "path": [str(folder / name) for name in table["file"]],
            "width": table["width"].astype(int),
            "height": table["height"].astype(int),
            "split": parts[0].replace("validation", "dev"),
        }
    )


def _fetch(archive: _Archive, *, online: bool, progress: bool) -> Path:
    """The folder with the archive's files, whole and verified."""
    cache = cache_folder()
    folder = cache / archive.name
    if _is_whole(folder, archive):
        return folder
    fresh = cache / f"{archive.name}.zip"
    local = next((p for p in (fresh, cache / archive.published) if p.exists()), None)
    if local is None and not online:
        raise DownloadError(
            f"{archive.name} is not on this machine yet, and download=False downloads nothing. "
            f"{_meanwhile(archive, fresh)}"
        )
    try:
        path = local or download(archive.url, fresh, progress=progress)
        _unpack(path, folder, archive, progress=progress)
    except zipfile.BadZipFile as error:
        if local is None:
            fresh.unlink(missing_ok=True)
            what, then = "what came", "It was thrown away: run again with another connection."
        else:
            what, then = str(local), "Delete it and run again."
        raise DownloadError(
            f"{what} is not the archive published at {archive.url}: {error}. {then} "
            f"{_meanwhile(archive, fresh)}"
        ) from error
    except DownloadError as error:
        raise DownloadError(f"{error} {_meanwhile(archive, fresh)}") from error
    if local is None:
        fresh.unlink(missing_ok=True)  # its files are unpacked; someone's own copy stays
    return folder


def _meanwhile(archive: _Archive, fresh: Path) -> str:
    return f"Meanwhile {archive.instead}. The archive from elsewhere counts too, as {fresh}."


def _is_whole(folder: Path, archive: _Archive) -> bool:
    """Whether every file that was verified when the folder was made is still there, as long."""
    try:
        index = read_table(folder / _INDEX)
        sizes = dict(zip(index["file"], index["bytes"].astype(int), strict=True))
        return len(sizes) == archive.files and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def _unpack(path: Path, folder: Path, archive: _Archive, *, progress: bool) -> None:
    """Unpack and verify beside the folder, then give it its name: it is whole or not there."""
    from tqdm.auto import tqdm

    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        with zipfile.ZipFile(path) as opened:
            members = sorted(_members(opened, archive).items())
            bar = tqdm(members, desc=f"unpack {archive.name}", disable=not progress)
            rows = [_extract(opened, member, beside, name) for name, member in bar]
        lines = "".join(f"{row['file']} {row['sha256']}\n" for row in rows)
        if hashlib.sha256(lines.encode()).hexdigest() != archive.checksum:
            raise zipfile.BadZipFile("its files are not the ones published")
        rows = [row | archive.measure(beside / row["file"]) for row in rows]
        write_atomic(beside / _INDEX, pd.DataFrame(rows).to_csv(index=False))
        _put(beside, folder)
    except (EOFError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise zipfile.BadZipFile(str(error) or "it ends too early") from error
    except OSError as error:
        raise DownloadError(
            f"cannot unpack {path} into {folder} ({error.strerror or error}); it takes "
            f"{archive.size / 1e6:.0f} MB. MLKIT_DATA may name a folder elsewhere."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _members(opened: zipfile.ZipFile, archive: _Archive) -> dict[str, zipfile.ZipInfo]:
    """The wanted files by name. Nothing else is unpacked, so no name leads out of the folder."""
    found = {}
    for member in opened.infolist():
        match = re.fullmatch(f"[^/]+/{archive.wanted}", member.filename)
        if match:
            found[match[1]] = member
    size = sum(member.file_size for member in found.values())
    if (len(found), size) != (archive.files, archive.size):
        raise zipfile.BadZipFile(
            f"{archive.files:,} files of {archive.size:,} bytes were expected, and it has "
            f"{len(found):,} of {size:,}"
        )
    return found


def _extract(
    opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, name: str
) -> dict[str, Any]:
    data = opened.read(member)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return {"file": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _put(beside: Path, folder: Path) -> None:
    """Give the new folder its name; a damaged one that has it makes room."""
    old = beside.with_name(f"{beside.name}.old")
    try:
        beside.replace(folder)
    except OSError:
        folder.replace(old)
        beside.replace(folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)
