"""What came of a half year: what users got, what rang, what it cost."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlkit import _show, _stats
from mlkit._tables import _count
from mlkit.widgets._play import Play
from mlkit.widgets._settings import Settings
from mlkit.widgets._world import DAYS, HLP, USERS, WEEKS

PATIENCE = 4  # wrong answers in a row, after which a user leaves
LOST = USERS // 40  # more users than this, beyond the best possible policy: users were lost


@dataclass(frozen=True)
class Outcome:
    """``users_lost``: users who left beyond those whom the best possible policy loses.

    Simulated, all of it. ``.table`` has a row a day, ``.weeks`` a row for each weekly report,
    ``.alarms`` one for each alarm (``true``: what it watches had moved), ``.events`` one for each
    thing the policy did. ``extra_errors``: wrong answers beyond those of the best possible policy,
    which has a model of each day's world. ``detection_days``: from the change to the report whose
    alarm was the first true one; None: none rang. ``false_alarms_per_week``: over all 26 weeks,
    since an alarm may be false before the change and after it. ``labels_paid``: those asked each
    week, and those asked to train.
    """

    settings: Settings
    seed: int
    table: pd.DataFrame = field(repr=False)
    weeks: pd.DataFrame = field(repr=False)
    alarms: pd.DataFrame = field(repr=False)
    events: pd.DataFrame = field(repr=False)
    users_lost: int
    users_lost_best: int
    extra_errors: int
    false_alarms_per_week: float
    detection_days: int | None
    labels_paid: int

    @property
    def lost(self) -> bool:
        """Whether more than one user in forty was lost."""
        return self.users_lost > LOST

    @property
    def alarm_week(self) -> int | None:
        """The week whose report had the first true alarm; None: there was none."""
        true = self.alarms.loc[self.alarms["true"], "week"]
        return int(true.iloc[0]) if len(true) else None

    def __repr__(self) -> str:
        return f"{self.verdict} {' '.join(f'{text}.' for _, _, text in self.figures())}"

    @property
    def verdict(self) -> str:
        """In one sentence: were users lost?"""
        more = f"{self.users_lost:,} more" if self.users_lost > 0 else "no more"
        return (
            f"This policy {'lost users' if self.lost else 'kept its users'}: "
            f"{self.users_lost + self.users_lost_best:,} of {USERS:,} left, {more} than under the "
            "best possible policy."
        )

    def figures(self) -> list[tuple[str, str, str]]:
        """Figure, what it is, and both as a sentence."""
        wait, per_week = self.detection_days, self.false_alarms_per_week
        if self.settings.onset_day is None:
            noticed = ("none", "change to notice", "Nothing changed")
        elif wait is None:
            noticed = ("never", "the change was noticed", "No alarm noticed the change")
        else:
            text = f"An alarm noticed the change after {_count(wait, 'day')}"
            noticed = (_count(wait, "day"), "until an alarm noticed", text)
        kind = "more" if self.extra_errors >= 0 else "fewer"
        wrong = _count(abs(self.extra_errors), f"{kind} wrong answer")
        paid = f"{self.labels_paid:,}"
        trained = self.labels_paid - WEEKS * self.settings.labels_week
        kinds = f"labels paid for{f', {trained:,} of them to train' if trained else ''}"
        return [
            (f"{self.extra_errors:,}", "needless wrong answers",
             f"Users got {wrong} than from the best possible policy"),
            noticed,
            (f"{per_week:.2g}", f"false alarms a week, over all {WEEKS}",
             f"{per_week:.2g} false alarms a week, over all {WEEKS}"),
            (paid, kinds, f"{paid} {kinds}"),
        ]  # fmt: skip

    def _repr_html_(self) -> str:
        rows = [
            {"week": str(row["week"]), "action": str(row["action"]), "why": str(row["why"])}
            for row in self.events.to_dict("records")
        ]
        columns = {"week": "week", "action": "action", "why": "why"}
        table = _show.table_html(rows, columns=columns, text=["action", "why"])
        return _show.result_html(repr(self), table, notes=["Simulated traffic of simulated users."])


def outcome(settings: Settings, seed: int) -> Outcome:
    """Play the half year, and count: the same settings and seed give the same outcome."""
    play = Play(settings, seed)
    world, alarms = play.world, _table(play.alarms, ["day", "what", "value", "true"])
    alarms["true"] = alarms["true"].astype(bool)
    lost, best = (_left(right, world.luck) for right in (play.right, world.best_right))
    true = alarms.loc[alarms["true"], "day"]
    onset = settings.onset_day
    known = onset is not None and len(true) > 0
    return Outcome(
        settings,
        seed,
        _days(play),
        _weeks(play),
        alarms,
        _table(play.events, ["day", "action", "why"]),
        lost - best,
        best,
        int(world.best_right.sum() - play.right.sum()),
        int((~alarms["true"]).sum()) / WEEKS,
        int(true.iloc[0]) + 1 - onset if known and onset is not None else None,
        int(play.paid.sum()),
    )


def _left(right: np.ndarray, luck: Any) -> int:
    """Users who once got so many wrong answers in a row."""
    wrong, user = ~right[luck.order], luck.user[luck.order]
    n = len(wrong) - PATIENCE + 1
    row = np.logical_and.reduce([wrong[k : k + n] for k in range(PATIENCE)])
    row &= user[:n] == user[PATIENCE - 1 :]
    return len(np.unique(user[:n][row]))


def _days(play: Play) -> pd.DataFrame:
    world, day = play.world, np.arange(DAYS)
    new = np.full(DAYS, np.nan)
    for model in play.models[1:]:  # each until the next
        new[model.made :] = model.expected[model.made :]
    return pd.DataFrame(
        {
            "day": day,
            "week": day // 7 + 1,
            "inputs_moved": world.inputs,
            "meaning_moved": world.meaning,
            "accuracy_old": play.first.expected,
            "accuracy_new": new,
            "accuracy_served": play.expected,
            "accuracy_best": world.best,
            "accuracy_people": HLP,
            "share_new": play.newer,
            "share_trial": play.trial,
            "labels_paid": play.paid,
        }
    )


def _weeks(play: Play) -> pd.DataFrame:
    table = _table(play.readings, ["day", "inputs", "seen", "labels"])
    paid = play.paid.reshape(WEEKS, 7).sum(axis=1)
    return table.assign(labels_paid=paid)


def _table(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "week", table["day"].astype(int) // 7 + 1)
    return table


def spread(table: pd.DataFrame) -> str:
    """Over several draws of luck, in a sentence; ``table`` has ``users_lost`` and ``lost``."""
    n, lost = len(table), int(table["lost"].sum())
    low, high = (float(side) for side in _stats.wilson(lost, n))
    counts = table["users_lost"]
    return (
        f"Users were lost in {lost} of {n} draws of luck ({100 * low:.0f} to {100 * high:.0f} % of "
        f"such half years). In the middle draw {_more(float(counts.median()))} than under the best "
        f"policy left; from {_more(counts.min(), counts.min() < 0)} to "
        f"{_more(counts.max(), counts.min() < 0)}."
    )


def _more(count: float, named: bool = True) -> str:
    """Users beyond those of the best policy; below none it is fewer."""
    kind = "fewer" if count < 0 else "more"
    return f"{abs(count):,.0f} {kind}" if named else f"{count:,.0f}"
