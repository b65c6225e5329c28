"""Work done one by one on a thread of its own, the most urgent first."""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST = 60


class Feed(Generic[T]):
    """Delivers what was asked for last before what was asked for earlier.

    The thread lives while there is something to do.
    """

    def __init__(self, deliver: Callable[[T], None]) -> None:
        self._deliver = deliver
        self._lock = threading.Lock()
        self._wanted: list[T] = []
        self._busy = False

    def want(self, things: Iterable[T]) -> None:
        with self._lock:
            self._wanted = list(dict.fromkeys([*things, *self._wanted]))[:_MOST]
            if self._wanted and not self._busy:
                self._busy = True
                threading.Thread(target=self._work, name="mlkit-feed", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted:
                    self._busy = False
                    return
                thing = self._wanted.pop(0)
            try:
                self._deliver(thing)
            except BaseException:
                with self._lock:
                    self._busy = False  # the next wish starts a new thread
                raise
