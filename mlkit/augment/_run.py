"""The work of a batch: files made by workers, one line of the manifest each, and what failed."""

import errno
import hashlib
import itertools
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlkit._files import content_hash, write_atomic
from mlkit.augment import _codec, _sound
from mlkit.augment._pipeline import Pipeline, apply

MANIFEST, FAILED = "manifest.jsonl", "failed.csv"
_MANY = 500  # below it this process is done before others have started and imported librosa
_PART = 16  # what a kill may cost each worker; sending it costs a thousandth of doing it
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


class BatchWarning(UserWarning):
    """Some files could not be made; the message names them and where the list is."""


def holds(path: Path, sha256: str) -> bool:
    try:
        return content_hash(path) == sha256
    except OSError:
        return False


def lines(folder: Path) -> list[dict[str, Any]]:
    """The manifest's records, the last of each file; a line cut short by a kill counts as none."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    found = {}
    for line in text.splitlines():
        try:
            record = json.loads(line)
            found[record["output"]] = record
        except (ValueError, KeyError, TypeError):
            continue
    return list(found.values())


def made(
    todo: list[dict[str, Any]],
    folder: Path,
    pipeline: Pipeline,
    known: dict[str, dict[str, Any]],
    progress: bool,
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Make what is missing; each line is written as soon as its file is there."""
    from joblib import Parallel, delayed, effective_n_jobs
    from tqdm.auto import tqdm

    done, failed = dict(known), list[dict[str, Any]]()
    if not todo:
        return done, failed
    configured = effective_n_jobs(None) != 1
    jobs = None if configured or len(todo) < _MANY else -1
    parts = _parts(todo, effective_n_jobs(jobs))
    results = Parallel(n_jobs=jobs, return_as="generator", batch_size=1)(
        delayed(_attempts)(part, folder, pipeline) for part in parts
    )
    bar = tqdm(total=len(known) + len(todo), initial=len(known), disable=not progress, desc="write")
    with bar, (folder / MANIFEST).open("a", encoding="utf-8") as listing:
        if listing.tell():
            listing.write("\n")  # ends a line that a kill cut short; an empty one counts as none
        for record in itertools.chain.from_iterable(results):
            bar.update()
            if "reason" in record:
                failed.append(record)
                continue
            listing.write(json.dumps(record, ensure_ascii=False) + "\n")
            listing.flush()
            done[record["output"]] = record
    return done, failed


def _parts(todo: list[dict[str, Any]], workers: int) -> Iterator[list[dict[str, Any]]]:
    """Pieces of work that grow smaller towards the end, so that all workers end together.

    Guided self-scheduling (Polychronopoulos and Kuck, 1987). A worker alone gets them one by one:
    each has its line in the manifest before the next begins.
    """
    start = 0
    while start < len(todo):
        size = (len(todo) - start) // (4 * workers) if workers > 1 else 1
        size = min(max(size, 1), _PART)
        yield todo[start : start + size]
        start += size


def _attempts(
    tasks: list[dict[str, Any]], folder: Path, pipeline: Pipeline
) -> list[dict[str, Any]]:
    return [_attempt(task, folder, pipeline) for task in tasks]


def _attempt(task: dict[str, Any], folder: Path, pipeline: Pipeline) -> dict[str, Any]:
    """One file and its record, or why there is none."""
    try:
        source = Path(task["source"]).read_bytes()
        data, rate, notes = copy(task, source, pipeline)
    except ImportError:
        raise
    except Exception as error:  # noqa: BLE001 - a file or a function of the user's: it may be any
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return {"item": task["item"], "copy": task["copy"], "path": task["source"], "reason": why}
    try:
        write_atomic(folder / task["output"], data, sync=False)  # its hash stands guard
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OSError(
            error.errno,
            f"batch.write() cannot go on: {folder} cannot take {task['output']} "
            f"({error.strerror}). What is written stays; make room and run it again",
        ) from error
    return {
        **task,
        "output_sha256": hashlib.sha256(data).hexdigest(),
        "source_sha256": hashlib.sha256(source).hexdigest(),
        "rate_hz": rate,
        "notes": notes,
        "versions": dict(_codec.versions("picture" if rate is None else "sound")),
    }


def copy(
    task: Mapping[str, Any], source: bytes, pipeline: Pipeline | None
) -> tuple[bytes, int | None, list[str]]:
    """The bytes of a copy, the rate of a sound, and what was said meanwhile."""
    end = Path(task["output"]).suffix
    with _sound.overheard() as notes:
        if end not in _codec.SOUNDS:
            picture = apply(_codec.read_picture(source), task["steps"], pipeline=pipeline)
            return _codec.encoded(picture, end), None, notes
        samples, rate = _codec.read_sound(source)
        # Each channel gets the same numbers, so that a voice stays where it stood.
        channels = [
            apply(np.ascontiguousarray(one), task["steps"], pipeline=pipeline, rate_hz=rate)
            for one in samples.T
        ]
        wave = np.stack(channels, axis=1) if len(channels) > 1 else channels[0]
        peak = max(wave.max(initial=0), -wave.min(initial=0))  # no number where one of them is none
        if not np.isfinite(peak):
            raise ValueError("the pipeline made samples that are no numbers")
        if peak > 1:
            notes.append(f"{20 * np.log10(peak):.1f} dB beyond full scale were turned down.")
            wave = wave / peak
    return _codec.encoded(wave, end, rate), rate, list(dict.fromkeys(notes))


def finish(
    folder: Path, made: dict[str, dict[str, Any]], failed: list[dict[str, Any]], asked: int
) -> None:
    """The manifest in order, the list of what failed, and a word about it."""
    ordered = [json.dumps(made[name], ensure_ascii=False) for name in sorted(made)]
    write_atomic(folder / MANIFEST, "".join(f"{line}\n" for line in ordered))
    listing = folder / FAILED
    if not failed:
        listing.unlink(missing_ok=True)
        return
    table = pd.DataFrame(failed)
    write_atomic(listing, table.to_csv(index=False))
    reasons = Counter(f"{row['path']}: {row['reason']}" for row in failed)
    shown = "\n".join(f"  {words}" for words in list(reasons)[:5])
    more = f"\n  and {len(reasons) - 5:,} more" if len(reasons) > 5 else ""
    warnings.warn(
        f"batch.write(): {len(failed):,} of {asked:,} copies could not be made:\n{shown}{more}\n"
        f"All are in {listing}; a later run tries them again.",
        BatchWarning,
        stacklevel=3,
    )
