"""Started and stopped from a cell: a server in a thread of its own."""

import asyncio
import ipaddress
import os
import secrets
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pandas as pd

from mlkit.deployment import Decision, Policy
from mlkit.validation import Schema, read_schema

if TYPE_CHECKING:
    from mlkit.serving._rollout import Rollout

_GRACE_S, _WAIT_S = 20, 30
_RUNNING: dict[str, "Server"] = {}


class Server:
    """A running server: ``.url``, ``.token`` of the administrator, ``.policy``, ``.share``.

    Made by ``start``; ``stop()``, or the end of a ``with``, lets running requests finish and the
    log be written.
    """

    def __init__(
        self, rollout: "Rollout", app: Any, listener: socket.socket, **limits: Any
    ) -> None:
        import uvicorn

        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.token = limits.pop("token")
        self.policy = rollout.policy
        self._rollout, self._listener = rollout, listener
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=_GRACE_S,
            **limits,
        )
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.run, name="mlkit-serving", daemon=True)

    def run(self) -> None:
        """Serve in this thread, until ``stop`` or a signal."""
        self._uvicorn.run(sockets=[self._listener])

    def _start(self) -> None:
        self._thread.start()
        while not self._uvicorn.started:
            self._thread.join(0.01)
            if not self._thread.is_alive():
                self._listener.close()
                raise RuntimeError("the server could not be started; its log says why.")

    @property
    def running(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """The share of users that the new version serves now."""
        return self._rollout.share

    def look(self) -> Decision | None:
        """Let the policy look now instead of at the next turn; None where nothing came in."""
        return self._do(self._rollout.look())

    def change(self, share: float, *, why: str = "by hand") -> None:
        """Set the share of users that new serves: 1 promotes it, 0 rolls it back."""
        self._do(self._rollout.change(share, why))

    def log(self) -> pd.DataFrame:
        """All answers so far; see ``read_log``."""
        return self._rollout.store.log()

    def changes(self) -> pd.DataFrame:
        """Every decision: ``timestamp, action, share, why, era, candidate, policy``."""
        return self._rollout.store.changes()

    def stop(self) -> None:
        """Take no more requests, answer those that run, write the log; harmless when stopped."""
        self._uvicorn.should_exit = True
        if threading.current_thread() is not self._thread:
            self._thread.join(_WAIT_S)
        if _RUNNING.get(_place(self._rollout)) is self:
            del _RUNNING[_place(self._rollout)]

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        loop = self._rollout.loop
        if not self.running or loop is None:
            work.close()
            raise RuntimeError("the server was stopped: start it again.")
        return asyncio.run_coroutine_threadsafe(work, loop).result(_WAIT_S)

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if not self.running:
            return f"A server at {self.url}, stopped."
        return (
            f"Serving at {self.url}: {self.policy.mode.replace('_', '-')}, new serves "
            f"{100 * self.share:g} % of users."
        )

    def _repr_html_(self) -> str:
        if not self.running:
            return f"<p>{escape(repr(self))}</p>"
        links = " ".join(
            f'<a href="{escape(self.url)}/{name}" target="_blank" rel="noopener">{name}</a>'
            for name in ("health", "metrics")
        )
        return f"<p>{escape(repr(self))} See {links}.</p>"


def start(
    models: Mapping[str, Callable[[dict[str, Any]], Any]],
    *,
    policy: Policy,
    store: str | os.PathLike[str],
    schema: Schema | str | os.PathLike[str] | None = None,
    candidate: str = "new",
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    limit_ms: float = 500,
    slow_ms: float | None = None,
    every_s: float = 10,
    threads: int = 4,
    max_bytes: int = 65_536,
    limit_concurrency: int = 512,
    timeout_keep_alive: int = 30,
    backlog: int = 2_048,
) -> Server:
    """Put two versions of a model behind a policy, and answer requests until ``stop()``.

    A request is answered once its row is safe. Where new fails or takes longer than ``limit_ms``,
    old answers. Both run in this process: code that holds Python's lock delays everybody.

    Parameters
    ----------
    models : ``{"old": f, "new": g}``; each takes one dict of features and returns a prediction
        (text, number, Boolean) or ``(prediction, score)``, in up to ``threads`` threads at once.
    policy : who gets which; it looks every ``every_s`` seconds.
    store : a path on this machine, or an address of SQLAlchemy; one server a log. The share is
        kept there too: the same policy and ``candidate`` (new's name) go on, others begin anew.
    schema : (or its file) requests that break it are refused with its words.
    port : 0 takes a free one. token : for ``/admin/rollout``; None makes one.
    slow_ms : needed by a rule on *slow*.
    limit_concurrency, timeout_keep_alive, backlog : uvicorn's own.

    Examples
    --------
    >>> import tempfile
    >>> models = {"old": lambda row: row["x"] > 0, "new": lambda row: row["x"] > 1}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with start(models, policy=Policy("shadow"), store=f"{folder}/log.db") as server:
    ...         server.share
    0.0
    """
    server = make(
        models, policy=policy, store=store, schema=schema, candidate=candidate, host=host,
        port=port, token=token, limit_ms=limit_ms, slow_ms=slow_ms, every_s=every_s,
        threads=threads, max_bytes=max_bytes, limit_concurrency=limit_concurrency,
        timeout_keep_alive=timeout_keep_alive, backlog=backlog,
    )  # fmt: skip
    server._start()
    _RUNNING[_place(server._rollout)] = server
    return server


def make(
    models: Mapping[str, Callable[[dict[str, Any]], Any]],
    *,
    policy: Policy,
    store: str | os.PathLike[str],
    schema: Schema | str | os.PathLike[str] | None,
    candidate: str,
    host: str,
    port: int,
    token: str | None,
    limit_ms: float,
    slow_ms: float | None,
    every_s: float,
    threads: int,
    max_bytes: int,
    **limits: Any,
) -> Server:
    """A server that does not run yet; what is wrong is said here, not in its thread."""
    from mlkit.serving._app import build
    from mlkit.serving._rollout import Rollout, Settings
    from mlkit.serving._store import Store

    _check(models, policy, slow_ms=slow_ms, limit_ms=limit_ms, every_s=every_s, threads=threads)
    _shut_off(host, token)
    token = token or secrets.token_urlsafe()
    if schema is not None and not isinstance(schema, Schema):
        schema = read_schema(Path(schema))
    tables = Store(store)
    if (earlier := _RUNNING.get(str(tables.url))) is not None:
        # Two that decide on one log would undo each other's changes; a cell is run again.
        earlier.stop()
    settings = Settings(candidate, limit_ms, slow_ms, every_s, threads)
    listener = _listen(host, port)
    try:
        rollout = Rollout(models, policy, tables, settings)
        app = build(rollout, schema=schema, token=token, max_bytes=max_bytes)
        return Server(rollout, app, listener, token=token, **limits)
    except BaseException:
        listener.close()
        raise


def read_log(store: str | os.PathLike[str]) -> pd.DataFrame:
    """What did users ask, what were they told, and what was right?

    Parameters
    ----------
    store : as given to ``start``; the server may be running.

    Returns
    -------
    DataFrame
        One row an answer: ``timestamp, item, user, routed`` (the version the policy chose),
        ``version`` (the one this answer is of), ``served`` (whether the user got it),
        ``prediction`` (missing: it failed), ``score, latency_ms, failure, label, label_at``
        (missing: not here yet), ``era`` (counts up with each change of share), and a column for
        each feature (``feature_...`` where its name is taken). What users got:
        ``log[log["served"]]``. What the policy counts: ``deployment.tally`` of the rows of
        one ``era``.

    Examples
    --------
    >>> read_log("nowhere.db")
    Traceback (most recent call last):
    FileNotFoundError: there is no log at nowhere.db.
    """
    from mlkit.serving._store import Store

    tables = Store(store, make=False)
    try:
        return tables.log()
    finally:
        tables.close()


def _place(rollout: "Rollout") -> str:
    return str(rollout.store.url)


def _check(
    models: Mapping[str, Any], policy: Policy, *, slow_ms: float | None, **above_0: float
) -> None:
    if not isinstance(models, Mapping) or set(models) != {"old", "new"}:
        raise ValueError('models are two, under the names "old" and "new".')
    for name, model in models.items():
        if not callable(model):
            raise TypeError(
                f"the {name} model is called with one dict of features, and a "
                f"{type(model).__name__} cannot be called: give a function around it."
            )
    if not isinstance(policy, Policy):
        raise TypeError(f"policy is a deployment.Policy; got {type(policy).__name__}.")
    if slow_ms is None and any(rule.metric == "slow" for rule in policy.rules):
        raise ValueError("the policy has a rule on slow: say from when with slow_ms.")
    for name, value in above_0.items():
        if not value > 0:
            raise ValueError(f"{name} is above 0; got {value!r}.")


def _shut_off(host: str, token: str | None) -> None:
    """A token of one's own, where others can reach the server."""
    try:
        alone = ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = host == "localhost"
    if not alone and token is None:
        raise ValueError(f"{host} can be reached from other machines: choose a token yourself.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol: asyncio sends small packets at once (TCP_NODELAY) only if it sees TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        # On Windows the same option would let another program take the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno,
            f"cannot listen at {host}:{port} ({error.strerror}); port=0 takes a free one",
        ) from None
    return listener
