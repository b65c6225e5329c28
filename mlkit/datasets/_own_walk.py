"""All that lies below a folder: files that can be read, and what a link or a pipe is instead."""

import os
from collections.abc import Iterator
from pathlib import Path

from mlkit.datasets._own_files import UnusableError


def walk(folder: Path) -> tuple[list[Path], list[tuple[Path, UnusableError]]]:
    """Files in order, and what is none; each folder is gone through once, so no loop goes on.

    A link to a folder outside is followed, as people keep large data elsewhere.
    """
    files: list[Path] = []
    others: list[tuple[Path, UnusableError]] = []
    seen = {folder.resolve()}
    for path in _below(folder, folder.resolve(), seen, others):
        if path.is_file():
            files.append(path)
        else:
            others.append((path, _no_file(path)))
    return sorted(files), sorted(others, key=lambda one: one[0])


def _below(
    folder: Path, root: Path, seen: set[Path], others: list[tuple[Path, UnusableError]]
) -> Iterator[Path]:
    try:
        own = sorted(folder.iterdir())
    except OSError as error:
        why = UnusableError(f"cannot be opened ({error.strerror})", "Make it readable.")
        others.append((folder, why))
        return
    for path in own:
        if not path.is_dir():
            yield path
            continue
        if path.is_symlink():
            target = path.resolve()
            inside = target.is_relative_to(root) or root.is_relative_to(target)
            if inside or target in seen:
                others.append((path, _link_to_what_is_read()))
                continue
            seen.add(target)
        yield from _below(path, root, seen, others)


def _link_to_what_is_read() -> UnusableError:
    return UnusableError(
        "a link to a folder that is read elsewhere",
        "Nothing to do, if its files belong where they are; else copy them here.",
    )


def _no_file(path: Path) -> UnusableError:
    if path.is_symlink() and not path.exists():
        target = os.fsencode(path.readlink()).decode("utf-8", "backslashreplace")
        return UnusableError(
            f"a broken link (to {target})", "Bring back what it leads to, or delete it."
        )
    return UnusableError("not a regular file (such as a pipe)", "Nothing to do.")
