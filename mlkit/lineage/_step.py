"""Recording a run: as a block, around a function, or afterwards."""

import functools
import inspect
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.lineage import _about, _content, _graph, _log
from mlkit.lineage._content import Artifact
from mlkit.lineage._values import LineageError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_THINGS = (os.PathLike, pd.DataFrame, pd.Series, np.ndarray, Artifact)
# Disks stamp files with a clock that moves in steps: as long as one of them, and a bit.
_TICK_S = 1.25 * (
    time.clock_getres(time.CLOCK_REALTIME_COARSE)
    if hasattr(time, "CLOCK_REALTIME_COARSE")
    else 0.016
)
_SKEW_NS = 50_000_000  # more than a tick: the disk is another machine's, with a clock of its own


class Step:
    """A step under way, from :func:`step`; after it, ``inputs``, ``outputs`` and ``record``."""

    def __init__(
        self,
        name: str,
        log: str | os.PathLike[str],
        inputs: Any,
        outputs: Any,
        parameters: Mapping[str, Any] | None,
        code: Any,
        person: str | None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise LineageError(
                f"lineage.step() needs a name for what is done, as text; got {name!r}."
            )
        self.name = name
        self.inputs: list[Artifact] = []
        self.outputs: list[Artifact] = []
        self.record: dict[str, Any] = {}
        self._log, self._person = log, person
        self._given = (_named(inputs), _named(outputs))
        self._functions = [code] if callable(code) else list(code)
        self._parameters = _about.writable("", dict(parameters or {}), self._portable)
        self._promised: list[tuple[str | None, Any]] = []
        self._seen: dict[Path, Any] = {}
        self._over = False  # done before it is recorded

    def __repr__(self) -> str:
        if not self.record:
            return f"The step {self.name!r}, not recorded yet."
        failed = f", failed ({self.record['why']})" if self.record["status"] == "failed" else ""
        return (
            f"{self.name}{failed}: {_tables._count(len(self.inputs), 'input')}, "
            f"{_tables._count(len(self.outputs), 'output')}, "
            f"{self.record['duration_s']:.3g} s, run {self.record['run']}."
        )

    def __enter__(self) -> "Step":
        if hasattr(self, "_path"):
            raise LineageError(
                f"lineage.step(): {self.name!r} has begun already; make a step for each."
            )
        self._path = _log.prepare(self._log)
        self._began, self._clock = datetime.now(UTC), time.monotonic()
        for name, thing in self._given[0]:
            self.input(thing, name=name)
        self._promised += self._given[1]
        if not self._over:
            self._since = time.time_ns()
            time.sleep(_TICK_S)  # what is written from here on has a later stamp
        return self

    def input(self, thing: Any, *, name: str | None = None) -> Any:
        """Something more that is read, known only within the step; hands the thing back."""
        artifact = self._artifact(thing, name)
        self.inputs.append(artifact)
        if artifact.path is not None:
            self._seen[artifact.path] = _content.signature(artifact.path)
        return thing

    def output(self, thing: Any, *, name: str | None = None) -> Any:
        """Something that is made: a path, whose file is read at the end of the step, or a table,
        an array or values as they are now. Hands the thing back.
        """
        on_disk = isinstance(thing, str | os.PathLike)
        self._promised.append((name, thing if on_disk else self._artifact(thing, name)))
        return thing

    def _artifact(self, thing: Any, name: str | None) -> Artifact:
        if isinstance(thing, Artifact) and thing.path is None:
            return thing
        found = _content.examine(thing, function="lineage.step")
        place = thing.path if isinstance(thing, Artifact) else thing
        if not isinstance(place, str | os.PathLike):
            return Artifact(name or found.kind, found.kind, found.sha256, None, found.bytes)
        path = _content.located(place)
        if found.kind == "folder" and path.resolve() in self._path.parents:
            raise LineageError(
                f"step({self.name!r}): the log {self._path.name} lies inside of {path}, so that "
                "each line would change the folder's hash. Give log= a file outside of it, or "
                "name the files."
            )
        return Artifact(name or path.name, found.kind, found.sha256, path, found.bytes)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        wrong = error
        try:
            self._finish(trust=error is None)
        except LineageError as problem:
            wrong = wrong or problem
        self._write(wrong)
        if wrong is not None and wrong is not error:
            raise wrong

    def _finish(self, *, trust: bool) -> None:
        """Hash what was made. Of a failed step, whatever is there: it may be lying about."""
        problem: LineageError | None = None
        for name, thing in self._promised:
            try:
                made = thing if isinstance(thing, Artifact) else self._artifact(thing, name)
                if trust and not isinstance(thing, Artifact):
                    self._refuse_unwritten(made)
                self.outputs.append(made)
            except LineageError as missing:
                problem = problem or missing
        if problem is not None:
            raise LineageError(
                f"{problem} The step {self.name!r} names it as an output: write it, or name "
                "another."
            ) from problem
        if trust:
            self._refuse_change()
            _graph.refuse_cycle(self.name, self._path, self.inputs, self.outputs)

    def _refuse_unwritten(self, made: Artifact) -> None:
        """What lay there before, untouched since, is the work of somebody else."""
        if self._over or made.path is None or _content.stamp(made.path) > self._since:
            return
        if _content.stamp(made.path) + _behind(made.path) <= self._since:
            raise LineageError(
                f"step({self.name!r}): {made.path} lay there before the step began, and the step "
                "did not write to it (what was done before is recorded with record())."
            )

    def _refuse_change(self) -> None:
        made = [artifact.path for artifact in self.outputs if artifact.path is not None]
        for path, before in self._seen.items():
            own = any(path == other or path in other.parents for other in made)
            if not own and _content.signature(path) != before:
                raise LineageError(
                    f"step({self.name!r}): its input {path} changed while it ran, so nobody can "
                    "say what it read. Run it again; where it writes to it, name it as an output."
                )

    def _write(self, wrong: BaseException | None) -> None:
        self.record = {
            "run": uuid.uuid4().hex[:16],
            "step": self.name,
            "status": "done" if wrong is None else "failed",
            "why": "" if wrong is None else _reason(wrong),
            "at": self._began.isoformat(timespec="milliseconds"),
            "duration_s": round(time.monotonic() - self._clock, 3),
            "person": _about.person() if self._person is None else self._person,
            "inputs": [self._line(artifact) for artifact in self.inputs],
            "outputs": [self._line(artifact) for artifact in self.outputs],
            "parameters": self._parameters,
            "code": _about.code(self._functions),
            "environment": _about.environment(),
        }
        try:
            _log.append(self._path, self.record)
        except LineageError as unwritten:
            if wrong is None:
                raise
            wrong.add_note(str(unwritten))

    def _portable(self, path: PurePath) -> str:
        return _log.portable(_content.located(path), _content.located(self._log).parent)

    def _line(self, artifact: Artifact) -> dict[str, Any]:
        line: dict[str, Any] = {"name": artifact.name, "kind": artifact.kind}
        if artifact.path is not None:
            line["path"] = _log.portable(artifact.path, self._path.parent)
        line["sha256"] = artifact.sha256
        return line if artifact.bytes is None else {**line, "bytes": artifact.bytes}

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Record each call of a function as a run of its own."""

        @functools.wraps(function)
        def recorded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            return _call(self, function, args, kwargs)

        return recorded

    def _once(self, parameters: dict[str, Any], function: Callable[..., Any]) -> "Step":
        again = Step(
            self.name, self._log, (), (), {**self._parameters, **parameters},
            [*self._functions, function], self._person,
        )  # fmt: skip
        again._given = self._given
        return again


def _call(step: Step, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """One call: things given are inputs, the rest parameters, what comes back are outputs.

    A path that is not there yet says where to write; so does one that comes back.
    """
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    read: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        thing = isinstance(value, _THINGS)
        there = not isinstance(value, os.PathLike) or Path(value).expanduser().exists()
        (read if thing and there else plain)[name] = value
    with step._once(plain, function) as run:
        for name, value in read.items():
            run.input(value, name=None if isinstance(value, os.PathLike | Artifact) else name)
        made = function(*args, **kwargs)
        for thing in made if isinstance(made, tuple | list) else [made]:
            if isinstance(thing, os.PathLike):
                _only_written(run, plain, _content.located(thing))
            if isinstance(thing, _THINGS):
                run.output(thing)
            elif thing is not None:
                raise LineageError(
                    f"step({step.name!r}): the function gave back {_tables._kind(thing)}. A "
                    "recorded function gives back what it made: a pathlib.Path, a table, an "
                    "array, or several of these."
                )
        return made


def _only_written(run: Step, plain: dict[str, Any], path: Path) -> None:
    """A path that was given and comes back says where to write: neither input nor parameter."""
    run.inputs = [artifact for artifact in run.inputs if artifact.path != path]
    run._seen.pop(path, None)
    for name, value in plain.items():
        if isinstance(value, os.PathLike) and _content.located(value) == path:
            run._parameters.pop(name, None)


def step(
    name: str,
    *,
    log: str | os.PathLike[str],
    inputs: Any = (),
    outputs: Any = (),
    parameters: Mapping[str, Any] | None = None,
    code: Callable[..., Any] | Iterable[Callable[..., Any]] = (),
    person: str | None = None,
) -> Step:
    """Record a step: what it read and made (content hashes), how, with which code, when, by whom.

    ``with step(...) as s:`` records the block when it ends; ``s.output(path)`` names what it
    made. As a decorator each call is a run: arguments that are pathlib.Paths, tables or arrays are
    inputs, the others parameters, and what the function gives back is its output.

    Parameters
    ----------
    log : file with one line of JSON a run; it and its folder are made where missing.
    inputs, outputs : paths of files or folders, tables, arrays, artifacts of another step; one, a
        list, or a dict with names. Inputs are read when the step begins, outputs when it ends.
    code : functions of which the source is hashed besides git's commit.
    person : a name or an alias; the name one is signed in with where none is given.

    A step that raises is recorded as failed, with the reason. So is one that did not write an
    output (one left from before does not count), one whose input changed meanwhile, and one that
    closes a circle: a file that comes out with the content and in the place of what the step
    itself came from would be its own source.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> raw = folder / "raw.txt"
    >>> _ = raw.write_text("b a")
    >>> with step("sort", inputs=raw, log=folder / "log.jsonl", person="ana") as s:
    ...     made = s.output(folder / "sorted.txt")
    ...     _ = made.write_text("a b")
    >>> s.record["status"], s.outputs[0].name, s.record["outputs"][0]["path"]
    ('done', 'sorted.txt', 'sorted.txt')
    """
    return Step(name, log, inputs, outputs, parameters, code, person)


def record(
    name: str,
    *,
    log: str | os.PathLike[str],
    inputs: Any = (),
    outputs: Any = (),
    parameters: Mapping[str, Any] | None = None,
    code: Callable[..., Any] | Iterable[Callable[..., Any]] = (),
    person: str | None = None,
) -> dict[str, Any]:
    """Record a step that is done already, as :func:`step` does; hands its line back.

    Examples
    --------
    >>> log = getfixture("tmp_path") / "log.jsonl"
    >>> line = record("clean", inputs=[b"raw"], outputs={"text": b"clean"}, log=log)
    >>> line["outputs"][0]["name"], line["status"]
    ('text', 'done')
    """
    done = Step(name, log, inputs, outputs, parameters, code, person)
    done._over = True
    with done:
        pass
    return done.record


def _behind(path: Path) -> int:
    """By how much the clock of a disk elsewhere is late, in ns; 0 where it is this machine's."""
    probe = path.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        probe.touch()
        late = time.time_ns() - probe.stat().st_mtime_ns
        probe.unlink()
    except OSError:
        return 0  # no step can have written here either
    return late if late > _SKEW_NS else 0


def _named(things: Any) -> list[tuple[str | None, Any]]:
    """One thing, several, or several by name."""
    if isinstance(things, Mapping):
        return [(str(name), thing) for name, thing in things.items()]
    if isinstance(things, (str, bytes, *_THINGS)) or np.isscalar(things):
        return [(None, things)]
    return [(None, thing) for thing in things]


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, LineageError):
        return str(error)
    return f"{type(error).__name__}: {error}".strip(": ")[:500]
