"""Which version answers whom, what is kept of it, and how the share of the new one changes."""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import pandas as pd

from mlkit.deployment import Decision, Policy
from mlkit.serving._meters import Meters
from mlkit.serving._store import Store, as_json, now, row
from mlkit.serving._threads import Threads, TooSlowError
from mlkit.serving._writer import Writer

Model = Callable[[dict[str, Any]], Any]
_LOGGER = logging.getLogger("mlkit.serving")
_HOLD, BY_HAND = "hold", "by hand"


@dataclass(frozen=True)
class Settings:
    """What ``start`` was told beyond models, policy and store."""

    candidate: str
    limit_ms: float
    slow_ms: float | None
    every_s: float
    threads: int


class Answer(NamedTuple):
    """What a model said: a prediction as JSON, or why there is none."""

    prediction: str | None
    score: float | None
    latency_ms: float
    failure: str | None


class Served(NamedTuple):
    """What the user gets."""

    version: str
    answer: Answer


class Rollout:
    """The two versions, the policy between them, and the store that remembers."""

    def __init__(
        self, models: Mapping[str, Model], policy: Policy, store: Store, settings: Settings
    ) -> None:
        self.models, self.policy, self.store, self.settings = models, policy, store, settings
        self.meters = Meters()
        self.share, self.era, self.last = policy.first_share, 0, "start"
        self.loop: asyncio.AbstractEventLoop | None = None
        self._resume()

    def _resume(self) -> None:
        """Go on where the last process was; another policy or candidate begins anew."""
        there = self.store.standing()
        about = (self.policy.to_json(), self.settings.candidate)
        if there and (there["policy"], there["candidate"]) == about:
            self.share, self.era, self.last = there["share"], there["era"], there["action"]
        else:
            self.era = there["era"] + 1 if there else 0
            why = "another policy or candidate" if there else ""
            self.store.write([{"change": self._row("start", self.share, self.era, why)}])
        self.meters.share.set(self.share)

    async def open(self) -> None:
        """Begin to work in this event loop."""
        self.loop = asyncio.get_running_loop()
        self._threads = {
            name: Threads(f"mlkit-{name}", self.settings.threads) for name in self.models
        }
        self._reader = Threads("mlkit-look", 1)
        self._writer = Writer(self.store)
        self._changing = asyncio.Lock()
        self._shadows: set[asyncio.Task] = set()
        self._watch = asyncio.create_task(self._looks())

    async def close(self) -> None:
        """After the last answer: the shadow calls and the log are brought to their end."""
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch
        while self._shadows:
            await asyncio.gather(*self._shadows, return_exceptions=True)
        await self._writer.close()
        for threads in (*self._threads.values(), self._reader):
            threads.close()
        self.store.close()

    async def predict(self, item: str, user: str, features: dict[str, Any], text: str) -> Served:
        """The answer for this user, once its row is safe. ``text``: the features as JSON."""
        era = self.era
        about = {"item": item, "user": user, "era": era, "features": text}
        about["routed"] = version = self.policy.version(user, share=self.share)
        rows = []
        answer = await self._ask(version, features)
        if version == "new" and answer.failure:
            rows.append(self._kept(about, "new", answer, served=False))
            version = "old"
            # A copy of its own: the first may have been changed by the model that had it.
            answer = await self._ask("old", json.loads(text))
        rows.append(self._kept(about, version, answer, served=answer.failure is None))
        await self._write(rows)
        return Served(version, answer)

    def shadow(self, item: str, user: str, text: str) -> None:
        """Ask new as well, where it serves nobody and only its answer is kept."""
        if self.policy.mode != "shadow" or self.share > 0:
            return
        about = {"item": item, "user": user, "era": self.era, "features": text, "routed": "old"}
        task = asyncio.get_running_loop().create_task(self._shadow(about))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _shadow(self, about: dict[str, Any]) -> None:
        answer = await self._ask("new", json.loads(about["features"]))
        try:
            await self._write([self._kept(about, "new", answer, served=False)])
        except Exception:
            _LOGGER.warning("the shadow answer for %r was not kept", about["item"], exc_info=True)

    async def label(self, item: str, label: Any) -> int | str:
        """Rows that have the label now, or why not."""
        found = await self._writer.write({"label": (item, label)})
        if isinstance(found, int) and found:
            self.meters.labels.inc()
        return found

    async def change(self, share: Any, why: str) -> None:
        """What a person decides; in force once it is safe, so that a new process knows it too."""
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"share is a number from 0 to 1; got {share!r}.")
        if self.policy.mode == "shadow" and 0 < share < 1:
            raise ValueError("in shadow old serves all, or, once promoted, new does: share 0 or 1.")
        action = "promote" if share == 1 else "roll back" if share == 0 else "share"
        async with self._changing:
            await self._change(action, float(share), _printable(why))

    async def _change(self, action: str, share: float, why: str) -> None:
        era = self.era + (share != self.share)
        await self._writer.write({"change": self._row(action, share, era, why)})
        self.share, self.era, self.last = share, era, action
        self.meters.share.set(share)

    async def recent(self, last: int) -> pd.DataFrame:
        """The last decisions."""
        return await self._reader.call(lambda: self.store.changes(last=last))

    async def look(self) -> Decision | None:
        """Let the policy look at what came in since the share was changed; None: nothing did."""
        era, share = self.era, self.share
        decision = await self._reader.call(lambda: self._decide(era, share))
        if decision is None:
            return None
        async with self._changing:
            moved = decision.share != share
            if era == self.era and (moved or decision.action not in (_HOLD, self.last)):
                await self._change(decision.action, decision.share, decision.why)
        return decision

    def _decide(self, era: int, share: float) -> Decision | None:
        counted = self.store.tally(era, mode=self.policy.mode, slow_ms=self.settings.slow_ms)
        return None if counted is None else self.policy.step(counted, share=share)

    async def _looks(self) -> None:
        seen = 0
        while True:
            await asyncio.sleep(self.settings.every_s)
            if self._writer.parts == seen:
                continue  # nothing was written since: it would say the same
            seen, outcome = self._writer.parts, "failed"
            try:
                await self.look()
                outcome = "done"
            except Exception:
                _LOGGER.warning("the policy could not look", exc_info=True)
            self.meters.looks.labels(outcome).inc()

    async def _ask(self, version: str, features: dict[str, Any]) -> Answer:
        model, begun = self.models[version], perf_counter()
        limit = self.settings.limit_ms if version == "new" else None
        prediction = score = failure = None
        try:
            told = await self._threads[version].call(lambda: model(features), limit_ms=limit)
            prediction, score = _read(told)
        except TooSlowError as error:
            failure = f"too slow: {error}"
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            failure = _printable(f"{type(error).__name__}: {error}")
        return Answer(prediction, score, 1000 * (perf_counter() - begun), failure)

    async def _write(self, rows: list[dict[str, Any]]) -> None:
        await self._writer.write({"rows": rows})
        for one in rows:
            outcome = "served" if one["served"] else "failed" if one["failure"] else "shadow"
            self.meters.answers[one["version"], outcome].inc()

    def _kept(
        self, about: Mapping[str, Any], version: str, answer: Answer, *, served: bool
    ) -> dict[str, Any]:
        return row(timestamp=now(), version=version, served=served, **about, **answer._asdict())

    def _row(self, action: str, share: float, era: int, why: str) -> dict[str, Any]:
        return {
            "timestamp": now(),
            "action": action,
            "share": share,
            "why": why,
            "era": era,
            "candidate": self.settings.candidate,
            "policy": self.policy.to_json(),
        }


def _read(told: Any) -> tuple[str, float | None]:
    """A prediction and its score out of what a model returned."""
    prediction, score = told if isinstance(told, tuple) and len(told) == 2 else (told, None)
    prediction = prediction.item() if hasattr(prediction, "item") else prediction
    if not isinstance(prediction, str | int | float) or prediction != prediction:
        raise TypeError(
            f"a model returns one prediction (text, number, True or False) or (prediction, score); "
            f"got {prediction!r}."
        )
    score = None if score is None else float(score)
    return as_json(prediction), score if score is not None and math.isfinite(score) else None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:500]
