"""Calls that may take too long: made in threads that nobody has to wait for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class TooSlowError(Exception):
    """A call that was not answered within its time."""


class _Job:
    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work, self.loop, self.future = work, loop, loop.create_future()
        self.begun = self.dropped = self.late = False


class Threads:
    """A few daemon threads that work for an event loop.

    Not concurrent.futures: it waits at the interpreter's exit for a call that never returns.
    All counting is done in the thread of the event loop.
    """

    def __init__(self, name: str, n: int) -> None:
        self.n, self._late = n, 0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        for number in range(n):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    async def call(self, work: Callable[[], Any], *, limit_ms: float | None = None) -> Any:
        """What ``work()`` returns or raises; ``TooSlowError`` after ``limit_ms``.

        A call that has begun cannot be stopped. While all threads are in calls beyond their
        time, further ones with a limit are refused at once.
        """
        if limit_ms is not None and self._late >= self.n:
            raise TooSlowError("all its threads are still in earlier calls")
        job = _Job(work, asyncio.get_running_loop())
        self._jobs.put(job)
        timer = None
        if limit_ms is not None:
            timer = job.loop.call_later(limit_ms / 1000, self._give_up, job, limit_ms)
        try:
            done, result = await job.future
        finally:
            if timer is not None:
                timer.cancel()
        if done:
            return result
        raise result

    def close(self) -> None:
        """Let the threads end once they have done what waits; does not wait for them."""
        for _ in range(self.n):
            self._jobs.put(None)

    def _give_up(self, job: _Job, limit_ms: float) -> None:
        if job.future.done():
            return
        if job.begun:
            job.late = True
            self._late += 1
        job.dropped = True
        job.future.set_result((False, TooSlowError(f"no answer within {limit_ms:g} ms")))

    def _finish(self, job: _Job, done: bool, result: Any) -> None:
        if job.late:
            self._late -= 1
        if not job.future.done():
            # As a pair: a future refuses some exceptions, StopIteration for one.
            job.future.set_result((done, result))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.dropped:
                continue
            job.begun = True
            done, result = True, None
            try:
                result = job.work()
            except BaseException as error:  # noqa: BLE001 - a model may raise anything, SystemExit too
                done, result = False, _plain(error)
            with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                job.loop.call_soon_threadsafe(self._finish, job, done, result)


def _plain(error: BaseException) -> Exception:
    """What may be raised in the event loop without ending it."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
