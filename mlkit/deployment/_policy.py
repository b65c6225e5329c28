"""Who gets which version, and what happens next: one policy for the simulation and the server."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _tables
from mlkit.deployment import _compare, _tally

MODES = ("shadow", "canary", "blue_green", "ab")
HOLD, RAMP, PROMOTE, ROLL_BACK = "hold", "ramp", "promote", "roll back"
_WORSE = {"accuracy": -1, "failed": 1, "slow": 1}  # the sign of new - old that is worse


@dataclass(frozen=True)
class Rule:
    """New has to go when it is surely worse than old by more than ``worse_by`` (a share).

    ``tolerable``: it may get more users once it is surely not worse by more than this. The
    intervals are made for a difference of this size: ``compare(..., expected=tolerable)``.

    Examples
    --------
    >>> Rule("failed", worse_by=0.0, tolerable=0.01)
    Rule(metric='failed', worse_by=0.0, tolerable=0.01)
    """

    metric: str = "accuracy"
    worse_by: float = 0.0
    tolerable: float = _compare.EXPECTED

    def __post_init__(self) -> None:
        """Refuse what could never fire, or would always."""
        if self.metric not in _WORSE:
            raise ValueError(f"metric is one of {', '.join(_WORSE)}; got {self.metric!r}.")
        if not 0 <= self.worse_by < 1:
            raise ValueError(f"worse_by is a share from 0 to below 1; got {self.worse_by!r}.")
        if not self.worse_by <= self.tolerable < 1 or self.tolerable <= 0:
            raise ValueError(
                "tolerable is a share above 0, at least worse_by and below 1; got "
                f"{self.tolerable!r} with worse_by {self.worse_by!r}."
            )


@dataclass(frozen=True)
class Decision:
    """What the policy does next: ``action``, the ``share`` from then on, and ``why``."""

    action: str
    share: float
    why: str
    table: pd.DataFrame = field(repr=False, compare=False)


@dataclass(frozen=True)
class Policy:
    """Who gets the new version, and what makes that more or less.

    *shadow*: all are served by old, both answer; new serves all once it is promoted, and old
    answers no more. *canary*: ``ramp`` gives the share of users step by step. *ab*: the first
    share of ``ramp`` until one version is surely better.
    *blue_green*: all at once, and back at once. A user stays with a version (a hash of ``salt``
    and user lies below the share), and a larger share only adds users.

    Parameters
    ----------
    ramp : shares of users, rising, in (0, 1].
    rules : the metrics that are watched. They share the risk: with k rules and m steps each
        comparison holds at 1 - (1 - ``confidence``) / (k m), for any number of looks.
    users : labelled users of new (for *failed* and *slow*: users) before anything is decided.

    Examples
    --------
    >>> policy = Policy("canary", ramp=(0.1, 1.0))
    >>> policy.version("ada", share=0.1), policy.version("ada", share=1)
    ('old', 'new')
    >>> Policy.from_json(policy.to_json()) == policy
    True
    """

    mode: str = "canary"
    ramp: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0)
    rules: tuple[Rule, ...] = (Rule("accuracy"), Rule("failed", tolerable=0.01))
    users: int = 50
    confidence: float = 0.95
    salt: str = "1"

    def __post_init__(self) -> None:
        """Say at once what is wrong with a policy, not in the middle of a rollout."""
        object.__setattr__(self, "ramp", tuple(self.ramp))
        object.__setattr__(self, "rules", tuple(self.rules))
        if self.mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}; got {self.mode!r}.")
        rising = all(a < b for a, b in zip(self.ramp, self.ramp[1:], strict=False))
        if not self.ramp or not rising or not 0 < self.ramp[0] <= self.ramp[-1] <= 1:
            raise ValueError(
                "ramp is a rising row of shares above 0 and at most 1, like (0.05, 0.5, 1.0); "
                f"got {self.ramp!r}."
            )
        if self.mode == "ab" and self.ramp[0] == 1:
            raise ValueError("an A/B test needs users on both sides: ramp=(0.5,), for example.")
        if not self.rules or len({rule.metric for rule in self.rules}) < len(self.rules):
            raise ValueError("rules names each watched metric once, and at least one.")
        if self.users < _compare.FEWEST:
            raise ValueError(f"users is at least {_compare.FEWEST}; got {self.users!r}.")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence lies between 0 and 1; got {self.confidence!r}.")

    @property
    def first_share(self) -> float:
        """The share of users that new serves at the beginning."""
        return {"shadow": 0.0, "blue_green": 1.0}.get(self.mode, self.ramp[0])

    def version(self, user: str, *, share: float) -> str:
        """Which version serves this user while ``share`` of the users get the new one?"""
        return "new" if self._place(str(user)) < share else "old"

    def versions(self, users: Sequence[str] | np.ndarray, *, share: float) -> np.ndarray:
        """``version`` of many users, an array of text; the same answers."""
        names, codes = np.unique(np.asarray(users, dtype=str), return_inverse=True)
        places = np.fromiter(map(self._place, names), float, len(names))
        return np.where(places < share, "new", "old")[codes]

    def places(self, users: Sequence[str] | np.ndarray) -> np.ndarray:
        """Where each user lies in [0, 1): below the share, new serves."""
        names, codes = np.unique(np.asarray(users, dtype=str), return_inverse=True)
        return np.fromiter(map(self._place, names), float, len(names))[codes]

    def _place(self, user: str) -> float:
        digest = blake2b(user.encode(), key=self.salt.encode()[:64], digest_size=8).digest()
        # 53 bits fill a float exactly, so that the place stays below 1.
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    def step(self, tally: pd.DataFrame, *, share: float) -> Decision:
        """What next, from what has been counted since the share was last changed?

        Only counts of one share are comparable: over a change of share the days differ too.
        *blue_green* compares with what old did before, and so cannot tell the new version from
        the new day; in *shadow* each request has a row of either version.

        Parameters
        ----------
        tally : from ``tally``, of the requests since the last change.
        share : the share in force.
        """
        _tally.check(tally, function="Policy.step")
        return self.decide(
            {rule.metric: _compare.sides(tally, rule.metric) for rule in self.rules}, share=share
        )

    def decide(
        self,
        sides: Mapping[str, Sequence[np.ndarray]],
        *,
        share: float,
    ) -> Decision:
        """``step`` from arrays of shape (users,): count and total of old, then of new."""
        level = 1 - (1 - self.confidence) / (len(self.rules) * self._steps)
        rows = [self._look(rule, sides[rule.metric], level) for rule in self.rules]
        table = pd.DataFrame(rows)
        gone = next((row for row in rows if row["surely_worse"]), None)
        if gone:
            back = 0.0 if self.mode != "shadow" else share
            return Decision(ROLL_BACK, back, f"new is worse: {gone['said']}", table)
        if share == 0 and self.mode != "shadow":
            return Decision(HOLD, share, "all users are on old.", table)
        open_still = [row for row in rows if not row["surely_fine"]]
        if self.mode == "ab" and not any(row["surely_better"] for row in rows):
            return Decision(HOLD, share, f"no version is surely better: {rows[0]['said']}", table)
        if open_still:
            return Decision(HOLD, share, f"not sure yet: {open_still[0]['said']}", table)
        higher = [step for step in self.ramp if step > share]
        if self.mode == "canary" and higher:
            action = PROMOTE if higher[0] == 1 else RAMP
            return Decision(action, higher[0], f"not worse: {rows[0]['said']}", table)
        if share == 1:
            return Decision(HOLD, share, "all users are on new.", table)
        return Decision(PROMOTE, 1.0, f"not worse: {rows[0]['said']}", table)

    @property
    def _steps(self) -> int:
        return len(self.ramp) if self.mode == "canary" else 1

    def _look(self, rule: Rule, sides: Sequence[np.ndarray], level: float) -> dict[str, Any]:
        difference, error, _ = _compare.of_counts(*sides)
        half = _compare.half_width(
            error, looks="any", expected=max(rule.tolerable, 0.01), confidence=level
        )
        behind = int((sides[3] > 0).sum())
        low, high = difference - half, difference + half
        known = behind >= self.users and not math.isnan(half)
        worst, best = (-low, -high) if _WORSE[rule.metric] < 0 else (high, low)
        said = f"{rule.metric} {_points(difference)} ({_points(low)} to {_points(high)} points)"
        if not known:
            said = f"{rule.metric}: {_tables._count(behind, 'user')} of new so far, of {self.users}"
        return {
            "metric": rule.metric,
            "users": behind,
            "difference": difference,
            "low": low,
            "high": high,
            "surely_worse": known and best > rule.worse_by,
            "surely_fine": known and worst < rule.tolerable,
            "surely_better": known and worst < 0,
            "said": said,
        }

    def to_json(self) -> str:
        """The policy as text that ``from_json`` reads."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Policy":
        """The policy that ``to_json`` wrote; an unknown field is refused by name."""
        given = json.loads(text)
        unknown = sorted(set(given) - {one.name for one in fields(cls)})
        if unknown:
            raise ValueError(f"a policy has no field {_tables._some(unknown)}.")
        if "rules" in given:
            given["rules"] = tuple(Rule(**rule) for rule in given["rules"])
        return cls(**given)


def _points(share: float) -> str:
    return "?" if math.isnan(share) else f"{100 * share:+.1f}"
