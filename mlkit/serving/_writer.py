"""Rows of concurrent requests, written together: one commit for all that wait (group commit)."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from mlkit.serving._store import Store
from mlkit.serving._threads import Threads


class NotSafeError(Exception):
    """What was to be written is not in the store."""


class Writer:
    """While one commit is on its way to the disk, the next rows gather for the one after."""

    def __init__(self, store: Store) -> None:
        self._store, self._thread = store, Threads("mlkit-log", 1)
        self._waiting: list[tuple[Mapping[str, Any], asyncio.Future]] = []
        self._task: asyncio.Task | None = None
        self.commits = self.parts = 0

    async def write(self, part: Mapping[str, Any]) -> Any:
        """Returns once this part is safe; see ``Store.write``."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((part, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Write what waits, then end."""
        while self._task is not None and not self._task.done():
            await self._task
        self._thread.close()

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            parts = [part for part, _ in batch]
            try:
                results = await self._thread.call(partial(self._store.write, parts))
            except Exception as error:  # noqa: BLE001 - whatever a driver raises, nothing was kept
                _refuse(batch, error)
                continue
            self.commits += 1
            self.parts += len(batch)
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _refuse(batch: list[tuple[Mapping[str, Any], asyncio.Future]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(NotSafeError(f"{type(error).__name__}: {error}"))
