import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from mlkit import datasets, labels
from mlkit._tables import TableError
from mlkit.labels import _agreement, _coded, _coefficients, _cohen, _intervals, _levels, _patterns

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NAMES = ("percent", "fleiss", "ac1", "alpha")
LEVELS = ("nominal", "ordinal", "interval", "ratio")

# Krippendorff (2011), the four observers and twelve units of its example E.
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
# Three coders and fifteen units, as in the documentation of the package krippendorff.
THREE = [
    [None, None, None, None, None, 3, 4, 1, 2, 1, 1, 3, 3, None, 3],
    [1, None, 2, 1, 3, 3, 4, 3, None, None, None, None, None, None, None],
    [None, None, 2, 1, 3, 4, 4, None, 2, 1, 1, 3, 3, None, 4],
]
# Ten subjects and fourteen raters (Wikipedia, "Fleiss' kappa").
FOURTEEN = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip


def long(wide):
    """Rows are annotators, columns items; None: no label."""
    rows = [
        (f"item {item:03}", f"annotator {who}", label)
        for who, given in enumerate(wide)
        for item, label in enumerate(given)
        if label is not None
    ]
    return pd.DataFrame(rows, columns=["item", "annotator", "label"])


def counted(wide):
    table = long(wide)
    return pd.crosstab(table["item"], table["label"]).to_numpy()


def quick(table, **options):
    """Where only the values are looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_intervals, "REPLICATES", 20)
        return labels.agreement(table, rng=0, **options)


def reference():
    if not (SHARED / "reference.json").exists():
        pytest.skip("../shared/data is not here")
    return json.loads((SHARED / "reference.json").read_text("utf-8"))


def shared(name):
    if not (SHARED / name).exists():
        pytest.skip(f"../shared/data/{name} is not here")
    return pd.read_csv(SHARED / name).astype({"item": str, "label": str})


@pytest.fixture(scope="module")
def adult():
    return labels.agreement(shared("adult-content-ratings.csv.gz"), rng=0)


# Equal to others, where the definition is the same.


@pytest.mark.parametrize(
    ("wide", "level", "published", "value"),
    [
        (KRIPPENDORFF, "nominal", 0.743, 0.743421052631579),
        (KRIPPENDORFF, "ordinal", 0.815, 0.8153875037548814),
        (KRIPPENDORFF, "interval", 0.849, 0.8491071428571428),
        (KRIPPENDORFF, "ratio", 0.797, 0.7974027747116121),
        (THREE, "nominal", 0.691, 0.691358024691358),
        (THREE, "ordinal", 0.807, 0.8067214199413153),
        (THREE, "interval", 0.811, 0.8108448928121059),
        (THREE, "ratio", 0.809, 0.8089436707842471),
    ],
)
def test_alpha_of_the_published_examples(wide, level, published, value):
    result = labels.agreement(long(wide), level=level, rng=0)
    assert result.alpha == pytest.approx(value, abs=1e-9)
    assert round(result.alpha, 3) == published


def test_fleiss_of_the_published_example_and_of_statsmodels():
    assert _coefficients.fleiss(FOURTEEN) == pytest.approx(0.20993070442195522, abs=1e-9)
    for seed in range(20):
        table = np.random.default_rng(seed).multinomial(6, [0.5, 0.3, 0.1, 0.1], size=30)
        assert _coefficients.fleiss(table) == pytest.approx(fleiss_kappa(table), abs=1e-9)


def test_fleiss_of_fleiss_1971():
    result = labels.agreement(datasets.load_fleiss_1971(), rng=0)
    row = result.table.iloc[0]
    assert round(row["fleiss"], 3) == 0.430  # as published
    assert row["fleiss"] == pytest.approx(0.43024452006014074, abs=1e-9)
    assert result.alpha == pytest.approx(0.4334098282820289, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "published"),
    [([[20, 5], [10, 15]], 0.4), ([[45, 15], [25, 15]], 0.1304), ([[25, 35], [5, 35]], 0.2593)],
)
def test_cohen_of_the_published_examples(table, published):
    assert round(float(_coefficients.cohen(table)), 4) == published
    assert _coefficients.cohen(table) == pytest.approx(cohens_kappa(table).kappa, abs=1e-9)
    (a, b), (c, d) = table
    wide = [[0] * (a + b) + [1] * (c + d), [0] * a + [1] * b + [0] * c + [1] * d]
    result = labels.agreement(long(wide), rng=0).table.iloc[0]
    assert result["cohen"] == pytest.approx(cohen_kappa_score(*wide), abs=1e-9)
    # The interval is close to the usual one to first order.
    asymptotic = cohens_kappa(table)
    assert result["cohen_low"] == pytest.approx(asymptotic.kappa_low, abs=0.03)
    assert result["cohen_high"] == pytest.approx(asymptotic.kappa_upp, abs=0.03)


def test_the_first_order_interval_of_cohen_is_that_of_statsmodels():
    table = np.array([[40, 9, 3], [6, 30, 8], [2, 7, 45]])
    a, b = np.nonzero(table)
    error = _cohen._error(_cohen.Cross(a, b, table[a, b].astype(float), 3))
    n = table.sum()
    assert error * np.sqrt((n - 1) / n) == pytest.approx(cohens_kappa(table).std_kappa, abs=1e-9)


def test_equal_to_the_reference_values_of_other_tools(adult):
    for wide, name in ((KRIPPENDORFF, "krippendorff_2011_4coders"), (THREE, "wikipedia_3coders")):
        values = reference()["published"][name]
        assert values["data"] == wide
        # irrCAC rounds to 8 digits.
        assert _coefficients.fleiss(counted(wide)) == pytest.approx(
            values["irrCAC_fleiss"], abs=6e-9
        )
    known = reference()["adult-content-ratings"]
    row = adult.table.iloc[0]
    assert adult.alpha == pytest.approx(known["krippendorff_alpha"]["nominal"], abs=1e-9)
    assert row["percent"] == pytest.approx(known["percent_agreement_pooled_pairs"], abs=1e-9)
    assert row["labels"] == known["rows"]
    assert [adult.low, adult.high] == pytest.approx(
        known["alpha_nominal_item_bootstrap_ci95_B1000_seed0"], abs=0.0012
    )
    known = reference()["textual-entailment-ratings"]
    table = shared("textual-entailment-ratings.csv")
    for level in ("nominal", "ordinal", "interval"):
        numbers = table.assign(label=table["label"].astype(int))
        result = labels.agreement(numbers, level=level, rng=0)
        assert result.alpha == pytest.approx(known["krippendorff_alpha"][level], abs=1e-9)
    row = result.table.iloc[0]
    assert row["fleiss"] == pytest.approx(known["fleiss_statsmodels"], abs=1e-9)
    for ours, theirs in (("fleiss", "irrCAC_fleiss"), ("ac1", "irrCAC_gwet")):
        value, limits = known[theirs]
        assert row[ours] == pytest.approx(value, abs=6e-9)
        assert [row[f"{ours}_low"], row[f"{ours}_high"]] == pytest.approx(limits, abs=0.003)


def test_classes_of_the_reference(adult):
    known = reference()["class_merges_adult"]
    rows = adult.table[adult.table["part"] == "class"].set_index("name")
    assert rows["alpha"].round(4).to_dict() == known["per_class_alpha_one_vs_rest"]
    assert rows["conditional"].round(4).to_dict() == known["per_class_conditional_agreement"]


# Where others differ: the same labels, what each gives, and why.
DIFFERENT = [
    # Fleiss with unequal labels an item: statsmodels refuses; the mean over items with two labels
    # or more, shares of classes as mean over all items (Gwet), against shares pooled over labels.
    ("fleiss", KRIPPENDORFF, "shares of classes pooled over labels", 0.7428571428571429),
    # Percent as mean over items, not pooled over pairs: items with many labels weigh less.
    ("percent", KRIPPENDORFF, "mean over items", 0.8181818181818182),
    # irrCAC's "ordinal" weighs by the number of classes between, not by how often they are used.
    ("ordinal", KRIPPENDORFF, "irrCAC ordinal", 0.83363803),
    ("ordinal", THREE, "irrCAC ordinal", 0.7909699),
    # krippendorff's default is interval, so that new numbers for the same classes change it.
    ("nominal", KRIPPENDORFF, "krippendorff's default level", 0.8491071428571428),
    # Scott's pi and Fleiss for two who never agree: alpha corrects for few labels.
    ("nominal", [["A", "B"], ["B", "A"]], "Scott's pi", -1.0),
]


@pytest.mark.parametrize(("what", "wide", "theirs", "value"), DIFFERENT)
def test_where_and_why_others_differ(what, wide, theirs, value):
    counts = counted(wide)
    m = counts.sum(1)
    two = counts[m > 1]
    mean = ((two * (two - 1)).sum(1) / (two.sum(1) * (two.sum(1) - 1))).mean()
    if theirs == "shares of classes pooled over labels":
        by_chance = ((two.sum(0) / two.sum()) ** 2).sum()
        assert (mean - by_chance) / (1 - by_chance) == pytest.approx(value, abs=0.03)
        with pytest.raises(AssertionError):
            fleiss_kappa(counts)
    elif theirs == "mean over items":
        assert mean == pytest.approx(value, abs=1e-9)
    elif theirs == "krippendorff's default level":
        assert _coefficients.alpha(counts, level="interval") == pytest.approx(value, abs=1e-9)
    elif theirs == "Scott's pi":
        assert cohen_kappa_score(*wide) == value
    if what in LEVELS:
        ours = _coefficients.alpha(counts, level=what)
    else:
        ours = getattr(_coefficients, what)(counts)
    assert abs(ours - value) > 1e-3


# By definition, slowly.


def slow_alpha(wide, level):
    """Over all pairs of labels, one by one (Krippendorff 2011)."""
    units = [[v for v in unit if v is not None] for unit in zip(*wide, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    every = [v for unit in units for v in unit]
    often = {v: every.count(v) for v in every}

    def far(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        if level == "ratio":
            return ((a - b) / (a + b)) ** 2 if a + b else 0.0
        low, high = sorted((a, b))
        between = sum(n for v, n in often.items() if low <= v <= high)
        return (between - (often[a] + often[b]) / 2) ** 2 if a != b else 0.0

    inside = sum(
        sum(far(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units
    )
    across = sum(far(a, b) for a, b in permutations(every, 2))
    if not across:
        return np.nan
    return 1 - (inside / len(every)) / (across / (len(every) * (len(every) - 1)))


def slow_fleiss_and_ac1(counts, classes):
    m = counts.sum(1)
    counts, m = counts[m > 0], m[m > 0]
    two = m > 1
    each = (counts[two] * (counts[two] - 1)).sum(1) / (m[two] * (m[two] - 1))
    share = (counts / m[:, None]).mean(0)
    fleiss, ac1 = (share**2).sum(), (share * (1 - share)).sum() / (classes - 1)
    return [(each.mean() - e) / (1 - e) for e in (fleiss, ac1)]


wides = st.integers(2, 4).flatmap(
    lambda people: st.lists(
        st.lists(st.sampled_from([None, 0, 1, 2, 5]), min_size=6, max_size=6),
        min_size=people,
        max_size=people,
    )
)


@settings(deadline=None, max_examples=60)
@given(wides, st.sampled_from(LEVELS))
def test_alpha_is_its_definition(wide, level):
    table = long(wide)
    result = quick(table, level=level)
    assert result.alpha == pytest.approx(slow_alpha(wide, level), abs=1e-9, nan_ok=True)


@settings(deadline=None, max_examples=40)
@given(wides)
def test_fleiss_and_ac1_are_their_definitions(wide):
    counts = counted(wide) if len(long(wide)) else np.zeros((1, 1), int)
    if (counts.sum(1) > 1).any() and counts.shape[1] > 1:
        ours = [_coefficients.fleiss(counts), _coefficients.ac1(counts)]
        assert ours == pytest.approx(slow_fleiss_and_ac1(counts, counts.shape[1]), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(wides, st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(wide, random):
    table = long(wide)
    before = quick(table).table
    rows = list(range(len(table)))
    random.shuffle(rows)
    shuffled = quick(table.iloc[rows]).table
    pd.testing.assert_frame_equal(_by_name(before), _by_name(shuffled))
    names = sorted({*table["item"], *table["annotator"]})
    places = random.sample(range(len(names)), len(names))
    new = {name: f"z{place:02}" for name, place in zip(names, places, strict=True)}
    classes = {0: "d", 1: "b", 2: "a", 5: "c"}
    renamed = table.assign(
        item=table["item"].map(new).astype(str),
        annotator=table["annotator"].map(new).astype(str),
        label=table["label"].map(classes).astype(str),
    )
    after = quick(renamed).table
    back = {name: old for old, name in (new | classes).items()}
    after["name"] = [back.get(name, name) for name in after["name"]]
    values = ["n", "labels", "percent", "cohen", "fleiss", "ac1", "alpha", "conditional", "gain"]
    one, two = (_by_name(each)[values].astype(float) for each in (before, after))
    pd.testing.assert_frame_equal(one, two, atol=1e-9, rtol=0)


def _by_name(table):
    return table.sort_values(["part", "name"], key=lambda s: s.astype(str), ignore_index=True)


@settings(deadline=None, max_examples=25)
@given(wides, st.sampled_from(LEVELS))
def test_bounds(wide, level):
    table = quick(long(wide), level=level).table
    for name in ("percent", "conditional"):
        assert table[name].dropna().between(0, 1).all()
    # Ratio distances obey no such law; and items with one label move Fleiss' chance alone.
    unbounded = ("fleiss", *(["alpha"] if level == "ratio" else []))
    for name in ("cohen", "fleiss", "ac1", "alpha"):
        low = -np.inf if name in unbounded else -1 - 1e-9
        assert table[name].dropna().between(low, 1 + 1e-9).all()
        known = table[table[f"{name}_low"].notna()]
        assert (known[f"{name}_low"] <= known[f"{name}_high"]).all()
    # NaN never without its reason.
    assert (table["why"].ne("") | table[list(NAMES)].notna().all(axis=1)).all()


@settings(deadline=None, max_examples=30)
@given(wides)
def test_one_more_item_on_which_all_agree_raises_percent(wide):
    more = [[*row, row_label] for row, row_label in zip(wide, [0] * len(wide), strict=True)]
    before, after = (quick(long(w)).table["percent"].iloc[0] for w in (wide, more))
    assert np.isnan(before) or after >= before


@settings(deadline=None, max_examples=12)
@given(st.lists(st.integers(-50, 50), min_size=12, max_size=12), st.integers(1, 9))
def test_interval_alpha_knows_no_unit_and_no_zero_and_ordinal_no_scale(values, factor):
    wide = np.array(values).reshape(2, 6)
    for level, other in (("interval", wide * factor - 7), ("ordinal", wide**3)):
        one, two = (quick(long(w.tolist()), level=level).alpha for w in (wide, other))
        assert one == pytest.approx(two, abs=1e-9, nan_ok=True)


# Two ways, one answer.


@pytest.mark.parametrize("level", LEVELS)
def test_without_an_annotator_is_the_table_without_their_rows(level):
    rng = np.random.default_rng(3)
    truth = rng.integers(1, 6, size=80)
    wide = np.clip(truth + rng.integers(-1, 2, size=(6, 80)), 1, 5).astype(object)
    wide[rng.random((6, 80)) < 0.4] = None
    table = long(wide.tolist())
    result = labels.agreement(table, level=level, rng=0)
    rows = result.table[result.table["part"] == "without"]
    assert rows["gain"].is_monotonic_decreasing
    for row in rows.to_dict("records"):
        rest = labels.agreement(table[table["annotator"] != row["name"]], level=level, rng=0)
        whole = rest.table.iloc[0]
        assert (row["n"], row["labels"]) == (whole["n"], whole["labels"])
        assert [row[n] for n in NAMES] == pytest.approx([whole[n] for n in NAMES], abs=1e-9)
        assert row["gain"] == pytest.approx(rest.alpha - result.alpha, abs=1e-9)
        # To first order here, bootstrapped there.
        assert [row["alpha_low"], row["alpha_high"]] == pytest.approx(
            [rest.low, rest.high], abs=0.04
        )


def test_the_gain_without_someone_has_the_interval_of_a_paired_bootstrap():
    rng = np.random.default_rng(5)
    truth = rng.integers(3, size=200)
    noise = np.array([0.1, 0.1, 0.2, 0.7])[:, None]
    wide = np.where(rng.random((4, 200)) < noise, rng.integers(3, size=(4, 200)), truth)
    row = labels.agreement(long(wide.tolist()), rng=0).table.query("part == 'without'").iloc[0]
    assert row["name"] == "annotator 3"
    gains = []
    for _ in range(400):
        drawn = wide[:, rng.integers(200, size=200)]
        three, four = (np.stack([(w == c).sum(0) for c in range(3)], 1) for w in (drawn[:3], drawn))
        gains.append(_coefficients.alpha(three) - _coefficients.alpha(four))
    assert [row["gain_low"], row["gain_high"]] == pytest.approx(
        np.quantile(gains, [0.025, 0.975]), abs=0.02
    )


@pytest.mark.parametrize("level", LEVELS)
def test_what_each_item_adds_is_the_slope_of_the_coefficient(level):
    rng = np.random.default_rng(1)
    item, values = rng.integers(30, size=90), np.array([1.0, 2, 4, 7])
    label = np.where(rng.random(90) < 0.5, item % 4, rng.integers(4, size=90))
    p = _patterns.find(item, label, 30, 4)
    _, _, adds = _intervals.adds(p, level, values, 4)
    step = 1e-6
    for row in range(len(p.m)):
        times = [p.times + sign * step * (np.arange(len(p.m)) == row) for sign in (1, -1)]
        up, down = (
            _coefficients.of_patterns(
                _patterns.Patterns(p.entry, p.label, p.k, p.m, t, 4, p.of), level, values, 4
            )
            for t in times
        )
        for name in NAMES:
            slope = (up[name] - down[name]) / (2 * step)
            assert adds[name][row] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_many_patterns_and_few_have_the_same_limits(level, monkeypatch):
    rng = np.random.default_rng(2)
    wide = np.clip(rng.integers(1, 5, size=300) + rng.integers(-1, 2, size=(4, 300)), 1, 5)
    one = labels.agreement(long(wide.tolist()), level=level, rng=0).table.iloc[0]
    monkeypatch.setattr(_intervals, "MOST_PATTERNS", 0)
    two = labels.agreement(long(wide.tolist()), level=level, rng=0).table.iloc[0]
    for name in (f"{name}{end}" for name in NAMES for end in ("_low", "_high")):
        assert one[name] == pytest.approx(two[name], abs=0.01), name


@pytest.mark.parametrize(("n_labels", "most"), [(2, 3), (9, 30), (300, 4)])
def test_patterns_are_the_distinct_rows_of_the_count_table(n_labels, most):
    rng = np.random.default_rng(n_labels)
    item = rng.integers(200, size=100 * most).astype(np.int32)
    label = rng.integers(n_labels, size=len(item)).astype(np.int32)
    counts = _coded.counts(item, label, 250, n_labels)
    p = _patterns.find(item, label, 250, n_labels)
    table = np.zeros((len(p.m), n_labels), int)
    table[p.entry, p.label] = p.k
    assert len(np.unique(table, axis=0)) == len(table)
    for row in np.flatnonzero(counts.sum(1)):
        assert (table[p.of[row]] == counts[row]).all()
    assert (p.of[counts.sum(1) == 0] == -1).all()
    assert p.times.sum() == (counts.sum(1) > 0).sum()
    assert (_patterns._by_hash(item, label, 250, n_labels).times.sum()) == p.times.sum()


# Intervals hold what they promise.


def simulated(rng, n, right, shares):
    """The annotators are fixed: each is right as often as ``right`` says, or guesses."""
    classes = len(shares)
    truth = rng.choice(classes, p=shares, size=n)
    guess = rng.choice(classes, p=shares, size=(n, len(right)))
    label = np.where(rng.random((n, len(right))) < right, truth[:, None], guess)
    item = np.repeat(np.arange(n), len(right))
    return _patterns.find(item, label.ravel(), n, classes)


# Measured with 600 tables each: alpha, nominal and ordinal, 2 to 5 annotators, 2 to 4 classes.
#   items    two to four even classes    one class of a tenth
#     10            0.88 to 0.95                0.27
#     20            0.93 to 0.96                0.60
#     30            0.93 to 0.96                0.76
#     50            0.92 to 0.97                0.92
#    100            0.94 to 0.95                0.94
#    200            0.93 to 0.96                0.94
@pytest.mark.parametrize("n", [50, 100, 200])
@pytest.mark.parametrize(
    ("right", "shares"),
    [([0.8, 0.7, 0.9], [0.5, 0.5]), ([0.6, 0.8], [0.5, 0.3, 0.2])],
)
def test_intervals_hold_the_truth_as_often_as_they_say(n, right, shares):
    rng = np.random.default_rng(n)
    classes, tables = len(shares), 300
    truth = _coefficients.of_patterns(simulated(rng, 400_000, right, shares), classes=classes)
    held = dict.fromkeys(NAMES, 0)
    for _ in range(tables):
        p = simulated(rng, n, right, shares)
        _, limits = _intervals.both(p, "nominal", np.arange(float(classes)), classes, rng)
        for name, (low, high) in limits.items():
            held[name] += low <= truth[name] <= high
    for name, times in held.items():
        # 92 to 97 %, and what 300 tables leave open on either side.
        assert 0.92 - 0.02 <= times / tables <= 0.97 + 0.015, name


def test_cohens_interval_holds_the_truth():
    rng, held, right, shares = np.random.default_rng(0), 0, [0.6, 0.8], [0.5, 0.3, 0.2]
    # Chance agrees alike for both, so that kappa is the chance that both are right.
    truth = 0.6 * 0.8
    for _ in range(300):
        item = rng.choice(3, p=shares, size=60)
        guess = rng.choice(3, p=shares, size=(2, 60))
        one, two = np.where(rng.random((2, 60)) < np.array(right)[:, None], item, guess)
        cell, times = np.unique(one * 3 + two, return_counts=True)
        table = _cohen.Cross(cell // 3, cell % 3, times.astype(float), 3)
        _, (low, high) = _cohen.both(table, rng)
        held += low <= truth <= high
    assert 0.90 <= held / 300 <= 0.985


def test_percentile_limits_are_as_wide_as_students_t_asks():
    """Of replicates that lie evenly between 0 and 1 the limits are the tails themselves."""
    even = np.linspace(0, 1, 1001)
    for n in (3, 5, 40):
        tail = stats.norm.cdf(-stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1)))
        for drawn in (even, np.r_[np.nan, even, np.inf]):  # what is no number counts nowhere
            assert _intervals.of_draws(drawn, n) == pytest.approx((tail, 1 - tail))
    assert np.isnan(_intervals.of_draws(np.full(9, 0.5), 5)).all()
    assert np.isnan(_intervals.of_draws(np.full(9, np.nan), 5)).all()


def test_limits_from_an_error_end_where_the_coefficient_does():
    half = stats.t.ppf(0.975, 9) * 0.1
    for value, least, low, high in (
        (0.5, -1.0, 0.5 - half, 0.5 + half),
        (0.9, -1.0, 0.9 - half, 1.0),
        (0.1, 0.0, 0.0, 0.1 + half),
        (-0.95, -1.0, -1.0, -0.95 + half),
        (-1.2, -1.0, -1.2, -1.2 + half),  # alpha of few labels may lie below -1
    ):
        assert _intervals.of_error(value, 0.1, 10, least=least) == pytest.approx((low, high))
    for none in (0.0, 1e-13, np.nan, np.inf):
        assert np.isnan(_intervals.of_error(0.5, none, 10)).all()


def test_the_error_of_a_mean_is_the_textbooks():
    values, times = np.array([0.1, 0.5, 0.9, 0.2]), np.array([2.0, 1, 3, 1])
    for kept in (4, 2, 1):
        each = np.repeat(values[:kept], times[:kept].astype(int))
        add = (values[:kept] - each.mean()) / len(each)
        error = _intervals.error(add, times[:kept], len(each))
        assert error == pytest.approx(stats.sem(each), abs=1e-12)
    assert np.isnan(_intervals.error(np.zeros(1), np.ones(1), 1))
    assert np.isnan(_intervals.error(np.array([0.1, np.inf]), np.ones(2), 2))


@pytest.mark.parametrize("blocks", [1, 3, 1000])
def test_items_are_drawn_anew_within_their_group(blocks):
    times, apart = np.array([5.0, 1, 2, 30]), np.array([True, False, True, False])
    width = -(-_intervals._BLOCK * blocks // _intervals.REPLICATES)
    parts = list(_intervals.draws(times, apart, np.random.default_rng(0), width=width))
    assert len(parts) >= blocks
    drawn = np.concatenate(parts)
    assert drawn.shape == (_intervals.REPLICATES, 4)
    assert (drawn[:, apart].sum(axis=1) == 7).all()
    assert (drawn[:, ~apart].sum(axis=1) == 31).all()
    # Four standard errors of a mean of 1,000 binomial counts.
    share = times / np.where(apart, 7, 31)
    spread = np.sqrt(np.where(apart, 7, 31) * share * (1 - share) / _intervals.REPLICATES)
    assert (np.abs(drawn.mean(axis=0) - times) < 4 * spread).all()


def test_the_coefficients_of_one_item_by_hand():
    """1 of 3 pairs agrees; by chance 5 of 9 do (Fleiss), 4 of 9 (AC1), and 1 of 3 (alpha)."""
    one = [[2, 1]]
    assert _coefficients.percent(one) == pytest.approx(1 / 3)
    assert _coefficients.fleiss(one) == pytest.approx(-1 / 2)
    assert _coefficients.ac1(one) == pytest.approx(-1 / 5)
    assert _coefficients.alpha(one) == pytest.approx(0)


def test_a_class_that_nobody_used_changes_nothing():
    counts = [[3, 0, 0, 0], [2, 1, 0, 0], [0, 3, 0, 0], [0, 1, 2, 0]]
    short = [row[:3] for row in counts]
    for level in LEVELS:
        values = [1.0, 2.0, 7.0, 30.0]
        with_it = _coefficients.alpha(counts, level=level, values=values)
        assert with_it == pytest.approx(_coefficients.alpha(short, level=level, values=values[:3]))
    for name in ("percent", "fleiss", "ac1"):
        one, other = (getattr(_coefficients, name)(each) for each in (counts, short))
        assert one == pytest.approx(other)
    # There to choose from, it makes agreement by chance rarer: (1 - same) / 3 in place of / 2.
    more = _coefficients.ac1(counts, classes=4)
    assert more > _coefficients.ac1(short)
    same = sum((np.array(row).sum() / 12) ** 2 for row in zip(*short, strict=True))
    percent = (1 + 1 / 3 + 1 + 1 / 3) / 4
    chance = (1 - same) / 3
    assert more == pytest.approx((percent - chance) / (1 - chance))


def test_few_items_are_told():
    notes = labels.agreement(long(KRIPPENDORFF), rng=0).notes
    assert any("With 11 items the intervals are too narrow." in note for note in notes)


# Degenerate tables: each has an answer, and a reason.


def one(table, **options):
    result = labels.agreement(table, rng=0, **options)
    assert result._repr_html_()
    assert result.plot()
    return result, result.table.iloc[0]


def test_one_class():
    result, row = one(long([["a"] * 4] * 3))
    assert (row["percent"], result.n) == (1, 4)
    assert row[["fleiss", "ac1", "alpha", "percent_low"]].isna().all()
    assert "all labels are of one class" in row["why"]
    assert "ac1: there is one class" in row["why"]
    assert repr(result) == "All 12 labels of 3 annotators are of one class: alpha is undefined."


def test_one_class_in_one_group_of_several():
    table = long([["a", "a", "a", "b", "a", "b"]] * 2).assign(
        room=["x", "x", "x", "y", "y", "y"] * 2
    )
    rows = labels.agreement(table, by="room", rng=0).table.query("part == 'room'")
    assert rows["alpha"].isna().tolist() == [True, False]
    assert rows["ac1"].tolist() == [1, 1]  # two classes to choose from
    assert "all labels are of one class" in rows["why"].iloc[0]


def test_full_agreement_has_no_spread_to_show():
    result, row = one(long([["a", "b", "a"]] * 3))
    assert row[list(NAMES)].tolist() == [1, 1, 1, 1]
    assert np.isnan(result.low)
    assert "drawing them anew shows no spread" in row["why"]


def test_one_item():
    result, row = one(long([["a"], ["b"], ["b"]]))
    assert result.alpha == pytest.approx(slow_alpha([["a"], ["b"], ["b"]], "nominal"))
    assert result.n == 1
    assert np.isnan(result.low)
    assert "one item alone says nothing about others" in row["why"]


@pytest.mark.parametrize(
    "table",
    [
        long([["a", "b", "a"]]),  # one annotator
        long([["a", "b", None, None], [None, None, "a", "b"]]),  # no overlap
        long([["a", "b"]] * 2).assign(label=None),  # all missing
        long([["a", "b"]] * 2).iloc[:0],  # no rows
    ],
)
def test_no_two_labels_of_one_item(table):
    result, row = one(table)
    assert result.n == 0
    assert np.isnan(result.alpha)
    assert row[list(NAMES)].isna().all()
    assert "no item has two labels" in row["why"]
    assert repr(result) == "Agreement is undefined: no item has two labels."


def test_all_missing_is_counted():
    result, _ = one(long([["a", "b"]] * 2).assign(label=None))
    assert result.notes == ("4 rows without a label left out.",)


def test_all_ties():
    result, row = one(long([["a", "b", "a", "b"], ["b", "a", "b", "a"]]))
    assert row["percent"] == 0
    assert result.alpha == pytest.approx(-0.75)
    assert row["cohen"] == -1


def test_a_hundred_thousand_classes():
    n = 100_000
    first = [f"name {i:06}" for i in range(n)]
    second = [*first[: n // 2], *first[: n // 2]]
    result = labels.agreement(long([first, second]), rng=0)
    assert result.table.iloc[0]["percent"] == 0.5
    assert 0.49 < result.alpha < 0.51
    assert result.low < 0.5 < result.high
    assert (result.table["part"] == "class").sum() == _agreement.MOST_CLASSES
    assert "The 100 most used of 100,000 classes have a row of their own." in result.notes


def test_many_values_at_the_ratio_level_are_told():
    values = np.arange(_levels.MOST_RATIO_VALUES + 1, dtype=float) + 1
    result = labels.agreement(long([values.tolist(), values.tolist()]), level="ratio", rng=0)
    assert np.isnan(result.alpha)
    assert "too many: round them" in result.table.iloc[0]["why"]
    assert result.table.iloc[0]["percent"] == 1


def test_continuous_ratings_by_closed_form():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    wide = truth + 0.5 * rng.normal(size=(3, 400))
    result = labels.agreement(long(wide.tolist()), level="interval", rng=0)
    assert result.alpha == pytest.approx(slow_alpha(wide[:, :60].tolist(), "interval"), abs=0.1)
    assert slow_alpha(wide[:, :60].tolist(), "interval") == pytest.approx(
        labels.agreement(long(wide[:, :60].tolist()), level="interval").alpha, abs=1e-9
    )
    assert "class" not in set(result.table["part"])
    assert "No row for each of the 1,200 values, which are no classes." in result.notes
    # Alpha of such ratings is the intraclass correlation: 1 / (1 + 0.25).
    assert result.low < 0.8 < result.high
    far = labels.agreement(long((wide + 1e6).tolist()), level="interval", rng=0)
    assert far.alpha == pytest.approx(result.alpha, abs=1e-6)


def test_repeats_duplicates_and_missing_labels_are_counted():
    table = long([["a", "b", "a"], ["a", "b", "b"]])
    more = pd.concat(
        [
            table.assign(repeat=0),
            table.iloc[:2].assign(repeat=1),
            table.iloc[2:3].assign(label="b", repeat=0),
            table.iloc[3:4].assign(label=None, repeat=0),
        ]
    )
    result = labels.agreement(more, rng=0)
    assert result.notes[:3] == (
        "2 repeated labels left out (repeat above 0).",
        "1 row without a label left out.",
        "1 earlier label of the same person for the same item left out: the last one counts.",
    )
    assert result.table.iloc[0]["percent"] == 1
    assert len(more) == 10


def test_items_with_one_label_count_for_the_use_of_classes_alone():
    table = long(KRIPPENDORFF)
    result = labels.agreement(table, rng=0)
    assert result.n == 11
    assert any(note.startswith("1 item with one label") for note in result.notes)
    assert any(note.startswith("Items have 1 to 4 labels") for note in result.notes)


def test_a_prevailing_class_is_told():
    result, _ = one(long([["a"] * 95 + ["b"] * 5, ["a"] * 90 + ["b"] * 5 + ["a"] * 5]))
    assert any("95.0 % of the labels are a: where one class" in note for note in result.notes)


# Kinds of columns.


def test_categories_keep_their_order_and_unused_ones_do_not_count():
    table = long([["low", "high", "mid", "mid"], ["low", "mid", "mid", "high"]])
    kind = pd.CategoricalDtype(["low", "mid", "high", "never"], ordered=True)
    result = labels.agreement(table.astype({"label": kind}), level="ordinal", rng=0)
    numbers = table.assign(label=table["label"].map({"low": 1, "mid": 2, "high": 3}))
    assert result.alpha == labels.agreement(numbers, level="ordinal", rng=0).alpha
    assert result.table.query("part == 'class'")["name"].tolist() == ["low", "mid", "high"]
    fewer = table.astype({"item": "category", "annotator": "category"})[table["item"] > "item 000"]
    assert labels.agreement(fewer, rng=0).n == 3


def test_groups_of_a_column():
    table = long([["a", "b", "a", "b"], ["a", "b", "b", "a"]])
    table["room"] = table["item"].map(
        {"item 000": "x", "item 001": "x", "item 002": "y", "item 003": None}
    )
    result = labels.agreement(table, by="room", rng=0)
    rows = result.table[result.table["part"] == "room"]
    assert rows["name"].tolist() == ["x", "y"]
    assert rows["percent"].tolist() == [1, 0]
    assert "2 labels without a value of room: in no group." in result.notes


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"label": ["a", 1, "b", 2]}, {}, "labels of several types, .*Make them text"),
        ({"label": [["a"], ["b"], ["a"], ["b"]]}, {}, "a text or a number in each cell of label"),
        ({}, {"level": "ordinal"}, "needs ordered classes .*pd.Categorical"),
        ({}, {"level": "interval"}, "needs numbers for level=.interval.*pd.to_numeric"),
        ({}, {"level": "numeric"}, "knows the levels nominal, ordinal, interval, ratio; found 'nu"),
        ({"label": [-1, 2, 1, 2]}, {"level": "ratio"}, "numbers of 0 or more"),
        ({"label": [np.inf, 2, 1, 2]}, {"level": "interval"}, "finite numbers"),
        ({}, {"by": "room"}, "by='room', which is no column. Found: item, annotator, label"),
        ({"annotator": [None] * 4}, {}, "4 rows without an annotator"),
        ({"class": 1}, {"by": "class"}, "a part of the name 'class' already"),
    ],
)
def test_bad_tables_are_told(change, options, words):
    table = long([["a", "b"], ["a", "a"]]).assign(**change)
    with pytest.raises(TableError, match=f"labels.agreement.*{words}"):
        labels.agreement(table, **options)


def test_too_many_groups_are_told():
    table = long([["a"] * 1001] * 2)
    with pytest.raises(TableError, match=r"1,001 different values: .*pd\.cut"):
        labels.agreement(table.assign(room=table["item"]), by="room")


# How it reads.


def test_the_sentence_says_what_the_number_does_not(adult):
    assert repr(adult) == (
        "Alpha 0.32 (0.31 to 0.33) over 10,629 items and 825 annotators: two labels of one item "
        "agree in 70.2 % of pairs, where chance would reach 59.4 %. This says how alike people "
        "label, not whether they are right."
    )
    assert adult.notes[0].startswith("2,922 earlier labels of the same person")
    html = adult._repr_html_()
    assert html.startswith("<p>Alpha 0.32")
    assert "815 annotators more in .table." in html


def test_the_picture_shows_classes_and_who_lowers_alpha(adult):
    ax = adult.plot()
    shown = [tick.get_text() for tick in ax.get_yticklabels()]
    assert {"alpha", "percent", "Fleiss", "AC1", "G", "P", "R", "X"} <= set(shown)
    first = adult.table.query("part == 'without'").iloc[0]
    assert first["gain_low"] > 0
    assert first["name"] in shown
    dots = {line.get_label(): line.get_xdata()[0] for line in ax.lines}
    assert dots[first["name"]] == pytest.approx(first["alpha"])
    assert ax.figure.get_label().startswith("Agreement by coefficient, class and annotator.")


def test_names_with_markup_are_text():
    wide = [["<b>$x$", "y", "y", "<b>$x$"], ["<b>$x$", "y", "<b>$x$", "y"], ["y", "y", "y", "y"]]
    result = labels.agreement(long(wide), rng=0)
    assert "<b>" not in result._repr_html_()
    result.plot().figure.canvas.draw()


def test_the_same_seed_gives_the_same_table_and_the_callers_table_stays():
    table = long(THREE)
    before = table.copy()
    first, second = (labels.agreement(table, rng=4).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    pd.testing.assert_frame_equal(table, before)
    assert first.columns.tolist() == _agreement.COLUMNS


def test_spellings_that_are_alike_are_told():
    said = ["Cat", "cat ", "dog", "cat", "dog", "dog"]
    df = pd.DataFrame({"item": list("aabbcc"), "annotator": list("xyxyxy"), "label": said})
    (note,) = [note for note in labels.agreement(df, rng=0).notes if "different classes" in note]
    assert "'Cat', 'cat', 'cat ' are different classes here" in note
    assert 'df["label"].str.strip().str.lower()' in note


def test_no_share_of_pairs_lies_below_zero():
    df = pd.DataFrame(
        {
            "item": np.repeat(list("abcdef"), 3),
            "annotator": list("xyz") * 6,
            "label": list("ppnpnnppppnpnpnnnp"),
        }
    )
    table = labels.agreement(df, rng=0).table
    low = table["percent_low"].astype(float)
    assert (low.dropna() >= 0).all()
    assert (table["part"] == "without").any()
