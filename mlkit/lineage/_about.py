"""Who ran what with which code where: what stands beside the hashes of a run."""

import ast
import functools
import getpass
import hashlib
import importlib.metadata
import inspect
import math
import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from mlkit import _tables
from mlkit.lineage._values import LineageError

# Only these are told, with their versions: no variable of the environment, no command line.
_PACKAGES = (
    "mlkit", "numpy", "pandas", "scipy", "scikit-learn", "librosa", "soundfile", "albumentations",
    "opencv-python-headless", "opencv-python", "pillow", "rapidfuzz", "joblib", "pandera",
    "fairlearn", "mlflow", "torch", "torchvision", "torchaudio", "tensorflow", "keras", "jax",
    "xgboost", "lightgbm", "catboost", "transformers", "statsmodels", "polars", "pyarrow",
)  # fmt: skip
_GIT_S = 20


def person() -> str:
    """The name under which one is signed in, where no other name was given."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may have no name for its user
        return "unknown"


@functools.cache
def environment() -> dict[str, str]:
    """Python, system and the versions of the packages that figures depend on."""
    found = {"python": platform.python_version(), "system": _system()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _system() -> str:
    return f"{platform.system()} {platform.machine()}".strip()


def code(functions: Iterable[Callable[..., Any]]) -> dict[str, Any]:
    """Commit, whether tracked files differ from it, and the hash of each function's source."""
    functions = list(functions)
    sources = {_name(function): source_hash(function) for function in functions}
    return {**git(_folder(functions)), "functions": sources}


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", type(function).__name__)


def source_hash(function: Callable[..., Any]) -> str | None:
    """SHA-256 of a function's source without its decorators; None where there is no source."""
    try:
        text = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError):
        return None
    try:
        first = ast.parse(text).body[0].lineno - 1  # a decorator stands above this line
    except (SyntaxError, IndexError):  # a lambda within a longer expression
        first = 0
    lines = [line.rstrip() for line in text.splitlines()[first:]]
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()


def _folder(functions: list[Callable[..., Any]]) -> Path:
    """Where the code lies: a function's file, the program's, else where one works."""
    files = [getattr(getattr(f, "__code__", None), "co_filename", None) for f in functions]
    files.append(getattr(sys.modules.get("__main__"), "__file__", None))
    for file in files:
        if file and Path(file).is_file() and "ipykernel" not in str(file):
            return Path(file).resolve().parent
    return Path.cwd()


def git(folder: Path) -> dict[str, Any]:
    """The commit checked out there; None without git or where nothing is committed yet."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false"]
    command += ["status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, with no text of anybody else's
            command, capture_output=True, text=True, timeout=_GIT_S, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "dirty": None}
    head, changes = "", False
    for line in done.stdout.splitlines():
        if line.startswith("# branch.oid "):
            head = line.split()[2]
        changes |= not line.startswith("#")
    known = head and not head.startswith("(")
    return {"commit": head, "dirty": changes} if known else {"commit": None, "dirty": None}


def writable(name: str, value: Any, path: Callable[[PurePath], str] = PurePath.as_posix) -> Any:
    """A parameter as JSON has it; what has no plain form is refused by name."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    elif isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, PurePath):
        return path(value)
    if isinstance(value, Mapping):
        return {
            str(key): writable(f"{name}.{key}".lstrip("."), each, path)
            for key, each in value.items()
        }
    if isinstance(value, set | frozenset):
        return [writable(name, each, path) for each in sorted(value, key=repr)]
    if isinstance(value, list | tuple):
        return [writable(name, each, path) for each in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if callable(value) and hasattr(value, "__qualname__"):
        return value.__qualname__
    raise LineageError(
        f"lineage.step(): the parameter {name!r} is {_tables._kind(value)}, which cannot be "
        "written down. "
        "Give numbers, texts, lists or dicts; of a scikit-learn model, model.get_params()."
    )
