"""Planted faults are found and named; clean tables raise nothing; tests keep their rate."""

import numpy as np
import pandas as pd
import pytest

from mlkit import validation

NOW = "2026-06-01T00:00:00Z"
CITIES = ["Köln", "Málaga", "Łódź", "São Paulo", "Zürich", "Århus", "Malmö"]
PHRASES = ["à bientôt", "déjà payé", "café après", "noël", "naïve", "thé glacé", "crème brûlée"]


def make_orders(n=2000, seed=0):
    """Simulated orders: keys, amounts, classes, times, words; nothing wrong with them."""
    rng = np.random.default_rng(seed)
    opened = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(
        np.sort(rng.integers(0, 100, n)) * 24 + np.clip(rng.normal(12, 2.5, n), 0, 23.9), unit="h"
    )
    start = int(rng.integers(10_000, 900_000))
    phrases, numbers = rng.choice(PHRASES, n), rng.integers(0, 10**6, n)
    words = [f"{phrase} {number}" for phrase, number in zip(phrases, numbers, strict=True)]
    return pd.DataFrame(
        {
            "order": [f"A-{number:06}" for number in range(start, start + n)],
            "age": rng.integers(18, 90, n),
            "weight_kg": np.exp(rng.normal(1.0, 0.5, n)),
            "temperature_c": rng.normal(12, 6, n),
            "margin": rng.gamma(3.0, 5.0, n),
            "items": rng.poisson(2, n).clip(0, 6),
            "colour": rng.choice(["red", "green", "blue"], n, p=[0.5, 0.3, 0.2]),
            "spam": rng.choice(["yes", "no"], n, p=[0.13, 0.87]),
            "city": rng.choice(CITIES, n),
            "paid": rng.random(n) < 0.7,
            "note": words,
            "opened": opened.as_unit("us"),
            "closed": (opened + pd.to_timedelta(rng.gamma(2, 5, n), unit="h")).as_unit("us"),
        }
    )


ANSWERS = {
    "order": {"unique": True},
    "age": {"range": (0, 120)},
    "weight_kg": {"range": (0, 100)},
    "margin": {"range": (0, None)},
    "opened": {"before": "closed"},
    "": {"rows": (1000, None)},
}


@pytest.fixture(scope="module")
def reference():
    return make_orders(seed=1)


@pytest.fixture(scope="module")
def orders():
    """What faults are planted in, each in a copy."""
    return make_orders(seed=2)


@pytest.fixture(scope="module")
def schema(reference):
    return validation.declare(validation.propose(reference), ANSWERS)


def some(table, share=0.05, seed=0):
    return np.random.default_rng(seed).random(len(table)) < share


def with_(**changes):
    """A fault that changes columns: name -> function of (column, table)."""

    def plant(table):
        return table.assign(**{n: change(table[n], table) for n, change in changes.items()})

    return plant


def replaced(share, change):
    def apply(column, table):
        rows = some(table, share)
        if column.dtype != object and isinstance(change(column.iloc[0]), str | None.__class__):
            column = column.astype(object)
        return column.where(~rows, column.map(change))

    return apply


def broken_times(table):
    return table.assign(
        closed=table["closed"].where(~some(table), table["opened"] - pd.Timedelta("1h"))
    )


def rebalanced(table):
    keep = (table["spam"] == "yes") | some(table, 0.35)
    return table[keep].reset_index(drop=True)


def damaged(text):
    return text.encode().decode("latin-1")


# (name, what plants it, kind, column, fault)
FAULTS = [
    ("type", with_(age=lambda c, t: c.astype(str) + " years"), "declared", "age", "wrong type"),
    ("mixed types", with_(age=replaced(0.05, lambda v: "unknown")), "declared", "age",
     "mixed types"),
    ("decimal comma", with_(margin=lambda c, t: c.map(lambda v: f"{v:.2f}".replace(".", ","))),
     "declared", "margin", "decimal comma"),
    ("numbers as text", with_(margin=lambda c, t: c.astype(str)), "declared", "margin",
     "numbers as text"),
    ("range", with_(age=replaced(0.01, lambda v: 999)), "declared", "age", "out of range"),
    ("unit change", with_(weight_kg=lambda c, t: c * 1000), "declared", "weight_kg", "unit change"),
    ("unit change, range open", with_(temperature_c=lambda c, t: c * 1.8 + 32), "statistical",
     "temperature_c", "unit change"),
    ("sign flipped", with_(margin=lambda c, t: -c), "declared", "margin", "sign flipped"),
    ("sign flipped, no range", with_(temperature_c=lambda c, t: -c), "statistical",
     "temperature_c", "sign flipped"),
    ("new category", with_(colour=replaced(0.02, lambda v: "violet")), "declared", "colour",
     "new category"),
    ("spelling variant", with_(colour=replaced(0.1, lambda v: f" {v.upper()}")), "declared",
     "colour", "spelling variant"),
    ("broken encoding in a category", with_(city=replaced(0.5, damaged)), "declared", "city",
     "broken encoding"),
    ("broken encoding in a text", with_(note=lambda c, t: c.map(damaged)), "declared", "note",
     "broken encoding"),
    ("renamed column", lambda t: t.rename(columns={"weight_kg": "WeightKG"}), "declared",
     "weight_kg", "renamed column"),
    ("missing column", lambda t: t.drop(columns="margin"), "declared", "margin", "missing column"),
    ("extra column", lambda t: t.assign(password="x"), "declared", "password", "extra column"),
    ("duplicated rows", lambda t: pd.concat([t, t.iloc[:40]], ignore_index=True), "declared", "",
     "duplicated rows"),
    ("duplicated key", with_(order=lambda c, t: c.where(c.index != 7, c.iloc[3])), "declared",
     "order", "duplicated key"),
    ("shifted time zone", with_(opened=lambda c, t: c + pd.Timedelta("5h"),
     closed=lambda c, t: c + pd.Timedelta("5h")), "statistical", "opened", "shifted time zone"),
    ("time zone missing", with_(opened=lambda c, t: c.dt.tz_localize(None)), "declared", "opened",
     "time zone missing"),
    ("swapped columns", lambda t: t.rename(columns={"age": "margin", "margin": "age"}),
     "declared", "age", "wrong type"),
    ("swapped columns of one kind", lambda t: t.rename(
        columns={"city": "colour", "colour": "city"}), "declared", "colour, city",
     "swapped columns"),
    ("swapped columns, rules kept", lambda t: t.rename(
        columns={"temperature_c": "margin", "margin": "temperature_c"}),
     "statistical", "temperature_c, margin", "swapped columns"),
    ("missing values", with_(age=replaced(0.02, lambda v: None)), "declared", "age",
     "missing values"),
    ("constant column", with_(margin=lambda c, t: c * 0 + 9.5), "statistical", "margin",
     "constant column"),
    ("constant category", with_(colour=lambda c, t: "red"), "statistical", "colour",
     "constant column"),
    ("future timestamps", with_(closed=replaced(0.01, lambda v: v + pd.Timedelta("900D"))),
     "declared", "closed", "future timestamps"),
    ("truncated table", lambda t: t.iloc[:700], "declared", "", "truncated table"),
    ("sampled class balance changed", rebalanced, "statistical", "spam", "shares changed"),
    ("wrong order", broken_times, "declared", "opened", "wrong order"),
    ("duplicate column name", lambda t: pd.concat([t, t[["age"]]], axis=1), "declared", "age",
     "duplicate column name"),
    ("scale changed", with_(weight_kg=lambda c, t: c * 1.9), "statistical", "weight_kg",
     "scale changed"),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "kind", "column", "fault"), [f[1:] for f in FAULTS],
                         ids=[f[0] for f in FAULTS])  # fmt: skip
def test_a_planted_fault_is_found_and_named(schema, reference, orders, plant, kind, column, fault):
    table = plant(orders.copy())
    before = table.copy(deep=True)
    report = validation.validate(table, schema, reference=reference, now=NOW)
    found = report.table.loc[report.table["kind"] == kind, ["column", "fault"]]
    assert [column, fault] in found.to_numpy().tolist(), report.table.to_string()
    pd.testing.assert_frame_equal(table, before)
    assert fault in report._repr_html_()


def test_more_than_twenty_different_faults_are_planted():
    assert len({(kind, fault) for *_, kind, _, fault in FAULTS}) >= 24


def test_a_hundred_clean_tables_raise_no_declared_rule(schema):
    for seed in range(100, 200):
        report = validation.validate(make_orders(1200, seed), schema, now=NOW)
        assert report.ok, report.table.to_string()
        assert report.share == 0


def test_ranges_taken_as_seen_would_flag_nearly_every_clean_table():
    """What the draft says of its own ranges is what happens (and why they are questions)."""
    rng = np.random.default_rng(0)
    alarms, every = [], []
    for _ in range(30):
        reference = pd.DataFrame(rng.normal(size=(150, 20))).rename(columns=lambda i: f"x{i}")
        draft = validation.propose(reference, rows=100)
        ranges = {c: {"range": "yes"} for c in reference.columns}
        strict = validation.declare(draft, ranges | {"": {"rows": "no"}})
        table = pd.DataFrame(rng.normal(size=(100, 20)), columns=reference.columns)
        found = validation.validate(table, strict).table
        alarms.append(found["column"].nunique() / 20)
        every.append(len(found) > 0)
        assert set(found["check"]) <= {"range"}
    told = draft.table.set_index("rule")["false_alarms"]["range"].iloc[0]
    assert told == pytest.approx(1 - 150 * 149 / (250 * 249))
    assert np.mean(alarms) == pytest.approx(told, abs=0.06)
    assert np.mean(every) > 0.95
    assert draft.false_alarms > 0.99


def draw(n, rng):
    """Twenty columns: continuous, rounded (ties), counts, classes rare and common, times, gaps."""
    shares = [0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.015, 0.005]
    hours = rng.integers(0, 90, n) * 24 + np.clip(rng.normal(12, 3, n), 0, 23.9)
    return pd.DataFrame(
        {f"normal{i}": rng.normal(size=n) for i in range(5)}
        | {f"rounded{i}": np.round(rng.exponential(size=n), 1) for i in range(3)}
        | {f"count{i}": rng.poisson(3, n) for i in range(3)}
        | {f"class{i}": rng.choice(list("abcdefgh"), n, p=shares) for i in range(3)}
        | {f"flag{i}": rng.random(n) < 0.1 for i in range(3)}
        | {"time": pd.Timestamp("2026-01-01") + pd.to_timedelta(hours, unit="h")}
        | {f"gaps{i}": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)) for i in range(2)}
    )


@pytest.mark.parametrize(("n", "n_reference", "times"), [(30, 30, 60), (60, 1000, 50),
                                                         (500, 500, 40)])  # fmt: skip
def test_comparisons_keep_their_rate_where_nothing_changed(n, n_reference, times):
    rng = np.random.default_rng(n)
    schema = validation.declare(validation.propose(draw(50, rng)), {"": {"rows": (1, None)}})
    p, any_found = [], []
    for _ in range(times):
        report = validation.validate(draw(n, rng), schema, reference=draw(n_reference, rng))
        p += report.tests["p"].tolist()
        any_found.append(report.tests["differs"].any())
    p = np.asarray(p)
    assert len(p) > 15 * times
    for level in (0.05, 0.01):
        most = level + 3 * np.sqrt(level / len(p))
        assert (p <= level).mean() <= most
    assert (p <= 0.05).mean() > 0.02  # nor do they say too little to be of use
    assert np.mean(any_found) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / times)


def test_false_discovery_is_scipys(schema, reference):
    from scipy.stats import chisquare, false_discovery_control, ks_2samp

    table = make_orders(seed=5).assign(margin=lambda t: t["margin"] + 3)
    tests = validation.validate(table, schema, reference=reference, now=NOW).tests
    np.testing.assert_allclose(tests["q"], false_discovery_control(tests["p"]))
    row = tests.set_index("column").loc["margin"]
    assert row["p"] == ks_2samp(table["margin"], reference["margin"]).pvalue
    assert row["difference"] == ks_2samp(table["margin"], reference["margin"]).statistic
    # Taken as the truth, a reference makes differences look surer than they are.
    counts = [t["colour"].value_counts()[["red", "green", "blue"]] for t in (table, reference)]
    share = counts[1] / counts[1].sum() * counts[0].sum()
    assert tests.set_index("column").loc["colour", "p"] > chisquare(counts[0], share).pvalue


def test_the_interval_of_a_difference_holds_it():
    from mlkit.validation import _tests

    rng = np.random.default_rng(3)
    held = {"normal": [], "share": []}
    from scipy.stats import norm

    largest = norm.cdf(0.5 / 2) - norm.cdf(-0.5 / 2)  # of N(0, 1) and N(0.5, 1)
    for _ in range(200):
        new, old = pd.Series(rng.normal(0.5, 1, 80)), pd.Series(rng.normal(0, 1, 120))
        test = _tests.of_values("x", new, old)
        held["normal"].append(test.low <= largest <= test.high)
        new, old = (pd.Series(rng.random(n) < s) for n, s in ((80, 0.3), (120, 0.5)))
        test = _tests.of_values("x", new, old)
        held["share"].append(test.low <= 0.2 <= test.high)
    assert np.mean(held["normal"]) >= 0.95
    assert np.mean(held["share"]) >= 0.92
