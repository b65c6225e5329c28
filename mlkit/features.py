"""Numbers a model can learn from: MFCCs of sound, gradients and colours of photographs.

Each row is computed from its own file alone and kept on disk by the file's content, so that
a second call costs next to nothing. Work goes through joblib: ``joblib.parallel_config``
says where.
"""

import contextlib
import json
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit._files import cache_folder, content_hash

__all__ = ["BrokenFilesError", "hog_colour", "mfcc"]

_VERSION = 1  # to be raised when any number below changes: it is part of what a row is kept under
_BATCH = 256
_MELS = 40
_CELL = 8
_BINS = 9
_COLOURS = 8


class BrokenFilesError(ValueError):
    """Some files cannot be read; ``paths`` lists them, and the rows of the others are kept."""

    def __init__(self, message: str, paths: list[str]) -> None:
        """Say it, and keep the paths for the program."""
        super().__init__(message)
        self.paths = paths

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with the paths, so that it comes back whole from another process."""
        return type(self), (self.args[0], self.paths)


def mfcc(
    paths: Iterable[str | Path], *, n_mfcc: int = 13, rate_hz: int = 8000, progress: bool = True
) -> np.ndarray:
    """How each clip sounds on the whole: MFCCs (Davis and Mermelstein, 1980), summed up.

    Parameters
    ----------
    paths
        Audio files of any kind that libsndfile reads; several channels are averaged.
    n_mfcc
        Coefficients, 1 to 40, of 40 mel bands in windows of 32 ms every 10 ms.
    rate_hz
        Clips of another rate are resampled to it.

    Returns
    -------
    ndarray
        One row a clip, in order: mean, standard deviation, and both of the deltas (4 x n_mfcc).

    Raises
    ------
    BrokenFilesError
        After all others are done and kept, naming every file that cannot be read.

    Examples
    --------
    >>> from mlkit import datasets
    >>> mfcc(datasets.load_spoken_digits()["path"].head(3), progress=False).shape
    (3, 52)
    """
    _whole_number("features.mfcc", "n_mfcc", n_mfcc, 1, _MELS)
    _whole_number("features.mfcc", "rate_hz", rate_hz, 1000, 192_000)
    return _rows(
        paths,
        partial(_mfcc, n_mfcc=n_mfcc, rate_hz=rate_hz),
        function="features.mfcc",
        parameters={"n_mfcc": n_mfcc, "rate_hz": rate_hz},
        width=4 * n_mfcc,
        many=5000,
        progress=progress,
    )


def hog_colour(paths: Iterable[str | Path], *, size: int = 64, progress: bool = True) -> np.ndarray:
    """What shapes and colours each picture has: gradient and colour histograms.

    Parameters
    ----------
    paths
        Image files of any kind that OpenCV reads.
    size
        Pictures are scaled to this many pixels square, a multiple of 8 from 16 to 512.

    Returns
    -------
    ndarray
        One row a picture, in order: histograms of oriented gradients (Dalal and Triggs, 2005;
        cells of 8 pixels, 9 orientations, blocks of 2 x 2, L2-Hys), then the square roots of the
        shares of 8 hues, saturations and values in each quarter.

    Raises
    ------
    BrokenFilesError
        After all others are done and kept, naming every file that cannot be read.

    Examples
    --------
    >>> hog_colour([], size=64).shape
    (0, 1860)
    """
    _whole_number("features.hog_colour", "size", size, 16, 512)
    if size % _CELL:
        raise ValueError(
            f"features.hog_colour() needs size as a multiple of {_CELL}; it was given {size}."
        )
    return _rows(
        paths,
        partial(_hog_colour, size=size),
        function="features.hog_colour",
        parameters={"size": size},
        width=(size // _CELL - 1) ** 2 * 4 * _BINS + 4 * 3 * _COLOURS,
        many=2000,
        progress=progress,
    )


def _mfcc(path: str, *, n_mfcc: int, rate_hz: int) -> np.ndarray:
    import librosa
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    if not len(samples):
        raise ValueError("it holds no sound")
    if not np.isfinite(samples).all():
        raise ValueError("it holds samples that are no numbers")
    if rate != rate_hz:
        samples = librosa.resample(samples, orig_sr=rate, target_sr=rate_hz)
    window = round(0.032 * rate_hz)
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    frames = librosa.feature.mfcc(
        y=samples,
        sr=rate_hz,
        n_mfcc=n_mfcc,
        n_fft=window,
        hop_length=round(0.01 * rate_hz),
        n_mels=_MELS,
    )
    # "nearest" also works on clips shorter than the nine frames a slope is fitted to.
    deltas = librosa.feature.delta(frames, width=9, mode="nearest")
    return np.concatenate(
        [measure(part, axis=1) for part in (frames, deltas) for measure in (np.mean, np.std)]
    )


def _hog_colour(path: str, *, size: int) -> np.ndarray:
    import cv2

    # Not cv2.imread: it prints to the terminal, and cannot open every path on Windows.
    data = np.frombuffer(Path(path).read_bytes(), dtype=np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise ValueError("it is no picture that OpenCV reads")
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    half = size // 2
    quarters = [hsv[y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
    return np.concatenate([_hog(image), *map(_colours, quarters)])


def _colours(hsv: np.ndarray) -> np.ndarray:
    # OpenCV halves the hue so that it fits into a byte.
    tops = (180, 256, 256)
    counts = [
        np.bincount(hsv[..., n].ravel().astype(int) * _COLOURS // top, minlength=_COLOURS)
        for n, top in enumerate(tops)
    ]
    return np.sqrt(np.concatenate(counts) / hsv[..., 0].size)


def _hog(image: np.ndarray) -> np.ndarray:
    """Dalal and Triggs's descriptor; OpenCV 5 no longer has it in its main modules."""
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    # At each pixel the colour channel that changes most.
    strongest = (across**2 + down**2).argmax(axis=2)[..., None]
    across = np.take_along_axis(across, strongest, 2)[..., 0]
    down = np.take_along_axis(down, strongest, 2)[..., 0]
    strength = np.hypot(across, down)
    # Orientation without sign, shared out between the two nearest bins by their centres.
    place = np.arctan2(down, across) % np.pi / np.pi * _BINS - 0.5
    lower = np.floor(place).astype(int)
    upper_share = place - lower
    rows, columns = np.indices(strength.shape) // _CELL
    n = image.shape[0] // _CELL
    first = (rows * n + columns) * _BINS
    cells = sum(
        np.bincount(
            (first + bins % _BINS).ravel(), (strength * share).ravel(), minlength=n * n * _BINS
        )
        for bins, share in ((lower, 1 - upper_share), (lower + 1, upper_share))
    )
    return _blocks(np.asarray(cells).reshape(n, n, _BINS))


def _blocks(cells: np.ndarray) -> np.ndarray:
    """Blocks of two by two cells, each at length one with no entry above 0.2 (L2-Hys)."""
    blocks = np.concatenate(
        [cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], axis=2
    )
    # One grey level of change in a block keeps noise in a flat one from being blown up.
    blocks = blocks / np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1)
    blocks = np.minimum(blocks, 0.2)
    length = np.sqrt((blocks**2).sum(axis=2, keepdims=True))
    return np.divide(blocks, length, out=np.zeros_like(blocks), where=length > 0).ravel()


def _rows(
    paths: Iterable[str | Path],
    compute: Callable[[str], np.ndarray],
    *,
    function: str,
    parameters: dict[str, Any],
    width: int,
    many: int,
    progress: bool,
) -> np.ndarray:
    """One row a path, from the cache or computed; broken files are named together at the end."""
    names = _names(paths, function)
    broken: dict[str, str] = {}
    contents: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            contents[name] = content_hash(name)
        except OSError as error:
            broken[name] = error.strerror or str(error)
    kind = json.dumps({"function": function, "version": _VERSION, **parameters}, sort_keys=True)
    rows = _load(kind, list(dict.fromkeys(contents.values())), width)
    # Two files of one content are computed once.
    todo = {content: name for name, content in contents.items() if content not in rows}
    done = _computed(list(todo.values()), compute, function, many, progress)
    fresh: dict[str, np.ndarray] = {}
    try:
        for content, (row, why) in zip(todo, done, strict=True):
            if row is None:
                broken |= {name: why for name, c in contents.items() if c == content}
                continue
            rows[content] = fresh[content] = row.astype(np.float32)
            if len(fresh) == _BATCH:
                _save(kind, fresh)
                fresh = {}
    finally:  # also when interrupted: what is computed is kept
        _save(kind, fresh)
    if broken:
        raise _broken(broken, function, len(set(names)))
    return np.array([rows[contents[n]] for n in names], np.float32).reshape(len(names), width)


def _names(paths: Iterable[str | Path], function: str) -> list[str]:
    if isinstance(paths, str | bytes | Path | pd.DataFrame):
        raise TypeError(f'{function}() needs a list or a column of paths, as df["path"].')
    paths = list(paths)
    for path in paths:
        if not isinstance(path, str | Path):
            raise TypeError(
                f"{function}() needs paths as text, and one is {path!r} ({type(path).__name__})."
            )
    return [str(path) for path in paths]


def _whole_number(function: str, name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(
            f"{function}() needs {name} as a whole number from {low} to {high}; "
            f"it was given {value!r}."
        )


def _computed(
    names: list[str],
    compute: Callable[[str], np.ndarray],
    function: str,
    many: int,
    progress: bool,
) -> Iterator[tuple[np.ndarray | None, str]]:
    """A row or why there is none for each file, in order, as they come."""
    if not names:
        return
    from joblib import Parallel, delayed, effective_n_jobs
    from tqdm.auto import tqdm

    # Below `many` files this process is done before others have started and imported librosa or
    # OpenCV (2 s on two cores). Where joblib.parallel_config says something, that holds.
    configured = effective_n_jobs(None) != 1
    workers = None if configured or len(names) < many else -1
    jobs = (delayed(_attempt)(compute, name) for name in names)
    results = Parallel(n_jobs=workers, return_as="generator", batch_size="auto")(jobs)
    yield from tqdm(results, total=len(names), desc=function, disable=not progress)


def _attempt(compute: Callable[[str], np.ndarray], name: str) -> tuple[np.ndarray | None, str]:
    try:
        return compute(name), ""
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 -- a decoder may raise anything; it is reported
        return None, str(error) or type(error).__name__


def _broken(broken: dict[str, str], function: str, total: int) -> BrokenFilesError:
    lines = [f"  {name}: {why}" for name, why in list(broken.items())[:10]]
    if len(broken) > 10:
        lines.append(f"  and {len(broken) - 10:,} more, listed in the error's paths")
    files = "1 file" if len(broken) == 1 else f"{len(broken):,} files"
    return BrokenFilesError(
        f"{function}() cannot read {files} of {total:,}:\n" + "\n".join(lines) + "\n"
        "The rows of the others are kept. Mend these, or leave them out: "
        f"try {function}(...), except features.BrokenFilesError as error, then "
        'df = df[~df["path"].isin(error.paths)] and again.',
        list(broken),
    )


def _cached(work: Callable[[sqlite3.Connection], object]) -> None:
    """Do it with the table of kept rows; where that cannot be had, rows are computed again.

    One SQLite file rather than a file a row: thousands are read at once, and several processes
    may write. A file that is no longer one is thrown away.
    """
    path = cache_folder() / "features.db"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as opened, opened:
            opened.execute(
                "CREATE TABLE IF NOT EXISTS rows "
                "(kind TEXT, content TEXT, row BLOB, PRIMARY KEY (kind, content)) WITHOUT ROWID"
            )
            work(opened)
    except (OSError, sqlite3.OperationalError) as error:
        warnings.warn(
            f"features are not kept: {path} cannot be used ({error}). Set MLKIT_DATA to a folder "
            "that can be written to, and the next run will be quick.",
            stacklevel=5,
        )
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)


def _load(kind: str, contents: list[str], width: int) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def read(cache: sqlite3.Connection) -> None:
        for start in range(0, len(contents), _BATCH):
            some = contents[start : start + _BATCH]
            marks = ", ".join("?" * len(some))
            query = f"SELECT content, row FROM rows WHERE kind = ? AND content IN ({marks})"  # noqa: S608 -- question marks alone
            for content, blob in cache.execute(query, [kind, *some]):
                row = _unpacked(blob, width)
                if row is not None:
                    found[content] = row

    if contents:
        _cached(read)
    return found


def _save(kind: str, rows: dict[str, np.ndarray]) -> None:
    kept = [(kind, content, _packed(row)) for content, row in rows.items()]
    if kept:
        _cached(lambda cache: cache.executemany("INSERT OR REPLACE INTO rows VALUES (?,?,?)", kept))


def _packed(row: np.ndarray) -> bytes:
    data = row.astype("<f4").tobytes()
    return zlib.crc32(data).to_bytes(4, "little") + data


def _unpacked(blob: object, width: int) -> np.ndarray | None:
    """The row, or None where its bytes are not those that were kept."""
    if not isinstance(blob, bytes) or len(blob) != 4 + 4 * width:
        return None
    if zlib.crc32(blob[4:]).to_bytes(4, "little") != blob[:4]:
        return None
    return np.frombuffer(blob[4:], dtype="<f4").astype(np.float32)
