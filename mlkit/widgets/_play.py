"""A half year played through under one policy: who watches, what rings, who gets which version."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from mlkit.deployment import Policy, Rule
from mlkit.widgets._settings import Settings
from mlkit.widgets._world import A_DAY, DAYS, NEVER, USERS, World, accuracy, fit, psi, says, world

_FEWEST = 20  # labels, for a share right or a training
_MEMORY = 14  # days of which the labels are learned from
_WORK = 3  # days from the wish for labels to a trained candidate
_PATIENCE = 42  # days until a rollout that decides nothing is given up
_MOVED = 0.03  # of the way: from here on an alarm is a true one
_TOO_SHORT = 0.6  # a faulty version reads lengths as this share of what they are
RULES = (Rule("accuracy", tolerable=0.02),)


@dataclass(frozen=True)
class Model:
    """A version: whether it is right on each request, and the world that it learned from."""

    right: np.ndarray
    expected: np.ndarray  # its accuracy a day, without luck
    counts: np.ndarray  # the inputs it learned from
    inputs: float  # how far these, and what is right, had moved
    meaning: float
    made: int  # the day


@dataclass
class Rollout:
    """A candidate on its way in."""

    model: Model
    policy: Policy
    share: float
    place: np.ndarray  # of each request's user
    begun: int
    old: list[np.ndarray] = field(default_factory=list)  # right and labelled, by user
    new: list[np.ndarray] = field(default_factory=list)


class Play:
    """The state of the half year, day by day; ``over`` tells what came of it."""

    def __init__(self, settings: Settings, seed: int) -> None:
        s = self.settings = settings
        self.world: World = world(
            s.kind, s.onset_week, s.over_weeks, s.size, float(s.label_delay_days), seed
        )
        w = self.world
        self.rollout: Rollout | None = None
        self.arrival = w.free.copy()
        self.paid = np.zeros(DAYS, int)
        self._audit(0)
        self.serving = self.model(w.first, w.learned, 0.0, 0.0, -1)
        self.first = self.serving
        self.since = 0  # the day from which all are served by it
        self.models = [self.serving]
        self.right = self.serving.right.copy()  # what users got
        self.expected = np.zeros(DAYS)
        self.trial = np.zeros(DAYS)  # the share of users whom a version on trial serves
        self.newer = np.zeros(DAYS)  # whom any version but the first serves
        self.ready = NEVER  # the day on which labels that were asked for are there
        self.readings: list[dict[str, Any]] = []
        self.alarms: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        for day in range(DAYS):
            self._day(day)

    def model(
        self, weights: np.ndarray, counts: np.ndarray, inputs: float, meaning: float, made: int
    ) -> Model:
        """A version with what it says to all requests."""
        w = self.world
        share = accuracy(weights, w.stages, w.stage)
        return Model(says(weights, w.x) == w.label, share, counts, inputs, meaning, made)

    def _audit(self, day: int) -> None:
        """Whose requests people label from this day on, exactly as many a week as were wished:
        while a canary is on, as many of its users' as of all others', as far as there are so many.
        """
        w, queue = self.world, self.world.luck.queue[day:] + A_DAY * np.arange(day, DAYS)[:, None]
        a_day = np.diff(np.arange(8) * self.settings.labels_week // 7)[np.arange(day, DAYS) % 7]
        new = np.zeros(queue.shape, bool)
        if self.rollout is not None and 0 < self.rollout.share < 1:
            new = self.rollout.place[queue] < self.rollout.share
            there = new.sum(axis=1)
            of_new = np.clip(a_day // 2, a_day - (A_DAY - there), there)
        else:
            of_new = np.zeros(len(queue), int)
        before = np.cumsum(new, axis=1)  # in the queue, each with those of its own kind
        turn = np.where(new, before, np.arange(1, A_DAY + 1) - before)
        asked = queue[turn <= np.where(new, of_new[:, None], (a_day - of_new)[:, None])]
        rows = slice(day * A_DAY, None)
        self.arrival[rows] = w.free[rows]
        self.arrival[asked] = np.minimum(w.free[asked], w.day[asked] + 1)
        self.paid[day:] = a_day
        self._order()

    def _order(self) -> None:
        """Requests by the day on which their label comes."""
        rows = np.flatnonzero(self.arrival < DAYS)
        self.known = rows[np.argsort(self.arrival[rows], kind="stable")]
        self.until = np.searchsorted(self.arrival[self.known], np.arange(DAYS), side="right")

    def came(self, first: int, last: int) -> np.ndarray:
        """Requests whose label came from one day to another, both included."""
        start = self.until[first - 1] if first > 0 else 0
        return self.known[start : self.until[last]]

    # One day

    def _day(self, day: int) -> None:
        self._serve(day)
        if self.rollout is not None:
            self._decide(self.rollout, day)
        if day == self.ready:
            self._train(day)
        if day % 7 == 6:
            rang = self._look(day)
            s = self.settings
            due = s.every_weeks and (day + 1) // 7 % s.every_weeks == 0
            busy = self.rollout is not None or self.ready < NEVER
            if (due or (rang and s.retrain == "alarm")) and not busy:
                self._ask(day)

    def _serve(self, day: int) -> None:
        rows = slice(day * A_DAY, (day + 1) * A_DAY)
        one = self.rollout
        new = one.place[rows] < one.share if one else np.zeros(A_DAY, bool)
        self.trial[day] = one.share if one else 0.0
        self.newer[day] = 1.0 if self.serving is not self.first else self.trial[day]
        if one is None:
            self.expected[day] = self.serving.expected[day]
            self.right[rows] = self.serving.right[rows]
            return
        self.right[rows] = np.where(new, one.model.right[rows], self.serving.right[rows])
        ends = one.model.expected[day], self.serving.expected[day]
        self.expected[day] = one.share * ends[0] + (1 - one.share) * ends[1]

    # Watching

    def _look(self, day: int) -> bool:
        """What the report of the week says, and whether an alarm rings."""
        w, s, first = self.world, self.settings, day - 6
        inputs = float(psi(self.serving.counts, w.counts[first : day + 1].sum(axis=0)).max())
        rows = self.came(first, day)
        rows = rows[w.day[rows] >= self.since]
        seen = float(self.right[rows].mean()) if len(rows) >= _FEWEST else np.nan
        self.readings.append({"day": day, "inputs": inputs, "seen": seen, "labels": len(rows)})
        rings = []
        if inputs > s.inputs_above:
            far = w.inputs[first : day + 1].mean() - self.serving.inputs
            rings.append({"what": "inputs", "value": inputs, "true": bool(abs(far) > _MOVED)})
        if seen < s.accuracy_below:
            days = w.day[rows]
            far = max(
                abs(w.inputs[days].mean() - self.serving.inputs),
                abs(w.meaning[days].mean() - self.serving.meaning),
            )
            rings.append({"what": "accuracy", "value": seen, "true": bool(far > _MOVED)})
        self.alarms += [{"day": day, **one} for one in rings]
        return bool(rings)

    # A new version

    def _ask(self, day: int) -> None:
        """Ask people for labels of the last week's requests."""
        w, n = self.world, self.settings.labels_retrain
        rows = np.arange(max(day - 6, 0) * A_DAY, (day + 1) * A_DAY)
        rows = rows[self.arrival[rows] > day + _WORK]
        chosen = rows[np.argsort(w.luck.comes[rows], kind="stable")[::-1][:n]]
        self.arrival[chosen] = day + _WORK
        self.paid[day] += len(chosen)
        self._order()
        self.ready = day + _WORK
        self._tell(day, "retraining", f"{len(chosen)} labels asked")

    def _train(self, day: int) -> None:
        w, self.ready = self.world, NEVER
        rows = self.came(0, day)
        rows = rows[w.day[rows] > day - _MEMORY]
        if len(rows) < _FEWEST or w.label[rows].all() or not w.label[rows].any():
            self._tell(day, "no new version", f"only {len(rows)} labels of the last two weeks")
            return
        days = w.day[rows]
        counts = w.counts[max(day - 6, 0) : day + 1].sum(axis=0)
        inputs, meaning = float(w.inputs[days].mean()), float(w.meaning[days].mean())
        weights = fit(w.x[rows], w.label[rows])
        if self.settings.first_version == "faulty" and len(self.models) == 1:
            weights[1] *= _TOO_SHORT  # in service it is given other lengths than in training
        made = self.model(weights, counts, inputs, meaning, day)
        self.models.append(made)
        policy = rollout_policy(self.settings.canary, salt=str(len(self.models)))
        place = _places(policy.salt)[w.luck.user]
        self.rollout = Rollout(made, policy, policy.first_share, place, day + 1)
        self.rollout.old, self.rollout.new = _nothing(), _nothing()
        if policy.mode == "blue_green":  # it has nobody beside it: what old did before
            _add(self.rollout.old, w.luck.user[rows], self.serving.right[rows])
        self._audit(day + 1)
        self._tell(day, "new version", f"learned from {len(rows)} labels")

    def _decide(self, one: Rollout, day: int) -> None:
        """Count the labels of the day, and let the policy say what next."""
        rows = self.came(day, day)
        rows = rows[self.world.day[rows] >= one.begun]
        user, shadow = self.world.luck.user, one.policy.mode == "shadow"
        new = one.place[rows] < one.share
        for side, version, part in (
            (one.old, self.serving, rows if shadow else rows[~new]),
            (one.new, one.model, rows if shadow else rows[new]),
        ):
            _add(side, user[part], version.right[part])
        tired = day - one.begun >= _PATIENCE
        if not tired and (day % 2 or (one.new[1] > 0).sum() < one.policy.users):
            return  # every second day; before that many users the policy holds
        decision = one.policy.decide({"accuracy": (*one.old, *one.new)}, share=one.share)
        if decision.action == "roll back":
            self.rollout = None
            self._audit(day + 1)
            self._tell(day, "roll back", decision.why)
        elif decision.share == 1 and decision.action != "hold":
            self._promote(one, day, decision.why)
        elif tired:
            if one.share == 1:
                self._promote(one, day, "nothing spoke against it for six weeks")
            else:
                self.rollout = None
                self._audit(day + 1)
                self._tell(day, "given up", decision.why)

    def _promote(self, one: Rollout, day: int, why: str) -> None:
        self.serving, self.rollout, self.since = one.model, None, day + 1
        self._audit(day + 1)
        self._tell(day, "promote", why)

    def _tell(self, day: int, action: str, why: str) -> None:
        self.events.append({"day": day, "action": action, "why": why})


def rollout_policy(canary: float, *, salt: str = "1") -> Policy:
    """The policy of a rollout: 0 is shadow, 1 all at once, between them a canary."""
    if canary == 0:
        return Policy("shadow", ramp=(1.0,), rules=RULES, salt=salt)
    if canary == 1:
        return Policy("blue_green", ramp=(1.0,), rules=RULES, salt=salt)
    return Policy("canary", ramp=(canary, 1.0), rules=RULES, salt=salt)


@lru_cache(maxsize=64)
def _places(salt: str) -> np.ndarray:
    """Where each user lies, by the hash that the server uses."""
    names = [f"user-{k + 1:04d}" for k in range(USERS)]
    return rollout_policy(0.5, salt=salt).places(names)


def _nothing() -> list[np.ndarray]:
    return [np.zeros(USERS), np.zeros(USERS)]


def _add(side: list[np.ndarray], user: np.ndarray, right: np.ndarray) -> None:
    if len(user):
        side[0] += np.bincount(user, right, len(side[0]))
        side[1] += np.bincount(user, minlength=len(side[1]))
