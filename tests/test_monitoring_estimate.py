"""Accuracy without labels: right where the items changed, wrong as said where the link did."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.proportion import proportion_confint

from mlkit._tables import TableError
from mlkit.monitoring import estimate
from mlkit.monitoring._estimate import isotonic, logistic


def world(rng, n=300, *, hardness=(5, 2), concept=0.0, users=None):
    """Scores that overstate; ``concept`` takes away from the chance to be right at any score."""
    rng = np.random.default_rng(rng)
    score = rng.beta(*hardness, n)
    user = rng.integers(users, size=n) if users else np.arange(n)
    luck = rng.normal(0, 0.2, users)[user] if users else 0.0
    right = rng.random(n) < np.clip(0.3 + 0.65 * score**2 - concept + luck, 0, 1)
    made = pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(n)],
            "label": np.where(right, "a", "b"),
            "prediction": "a",
            "score": score,
        }
    )
    return made.assign(user=user) if users else made


def truth(hardness, concept=0.0):
    """E[0.3 + 0.65 s^2] of a beta distribution, in closed form."""
    a, b = hardness
    return 0.3 + 0.65 * a * (a + 1) / ((a + b) * (a + b + 1)) - concept


def covered(hardness, *, concept=0.0, runs=60):
    held, errors = 0, []
    for k in range(runs):
        rng = np.random.default_rng(k)
        before, now = world(rng), world(rng, hardness=hardness, concept=concept)
        found = estimate(now.drop(columns="label"), before, replicates=100, rng=k)
        held += found.low <= truth(hardness, concept) <= found.high
        errors.append(found.accuracy - truth(hardness, concept))
    return held, float(np.mean(errors))


class TestSimulated:
    @pytest.mark.parametrize("hardness", [(5, 2), (2, 2)])
    def test_it_covers_when_the_items_changed(self, hardness):
        held, bias = covered(hardness)
        assert held >= 52  # of 60: fewer in 1 of 100 runs at 95 %
        assert abs(bias) < 0.02

    def test_it_fails_when_the_link_changed_and_says_so(self):
        held, bias = covered((5, 2), concept=0.15)
        assert held <= 3
        assert bias == pytest.approx(0.15, abs=0.02)
        found = estimate(world(1, concept=0.15), world(0), rng=0)
        assert "it cannot see concept drift" in repr(found)
        assert found.assumption in found._repr_html_()

    def test_labels_of_the_current_table_are_not_looked_at(self):
        now = world(1)
        other = now.assign(label="b")
        assert estimate(now, world(0), rng=0).low == estimate(other, world(0), rng=0).low

    def test_users_who_are_alike_widen_it(self):
        widths = {}
        for name in ("users", "rows"):
            before, now = (world(k, 1000, users=25) for k in (0, 1))
            if name == "rows":
                before, now = before.drop(columns="user"), now.drop(columns="user")
            found = estimate(now, before, rng=0)
            widths[name] = found.high - found.low
        assert widths["users"] > 1.5 * widths["rows"]


class TestCalibration:
    def test_isotonic_is_scikit_learns_where_scores_are_few(self):
        rng = np.random.default_rng(0)
        score = rng.choice([0.2, 0.5, 0.6, 0.9], 600)
        right = (rng.random(600) < np.array([0.5, 0.3, 0.6, 0.8])[
            np.searchsorted([0.2, 0.5, 0.6, 0.9], score)
        ]).astype(float)  # fmt: skip
        times = rng.integers(1, 3, 600).astype(float)
        at = np.array([0.1, 0.2, 0.5, 0.55, 0.75, 0.95])
        theirs = IsotonicRegression(out_of_bounds="clip").fit(score, right, sample_weight=times)
        np.testing.assert_allclose(isotonic(score, right, times, at), theirs.predict(at))

    def test_logistic_is_scikit_learns_with_targets_of_platt(self):
        rng = np.random.default_rng(0)
        score = rng.uniform(0.05, 0.95, 400)
        right = (rng.random(400) < score**2).astype(float)
        times = rng.integers(0, 3, 400).astype(float)
        good, bad = times @ right, times @ (1 - right)
        target = np.where(right > 0, (good + 1) / (good + 2), 1 / (bad + 2))
        x = np.log(score / (1 - score))[:, None]
        theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500).fit(
            np.r_[x, x], np.r_[np.ones(400), np.zeros(400)],
            sample_weight=np.r_[times * target, times * (1 - target)],
        )  # fmt: skip
        at = np.array([0.1, 0.4, 0.9])
        expected = theirs.predict_proba(np.log(at / (1 - at))[:, None])[:, 1]
        np.testing.assert_allclose(logistic(score, right, times, at), expected, atol=1e-5)

    @pytest.mark.parametrize("calibration", ["isotonic", "logistic"])
    def test_the_reference_itself_has_its_own_accuracy(self, calibration):
        before = world(0, 2000)
        found = estimate(before, before, calibration=calibration, replicates=50, rng=0)
        share = (before["label"] == "a").mean()
        assert found.reference_accuracy == share
        assert found.accuracy == pytest.approx(share, abs=0.005)

    def test_scores_may_be_any_numbers(self):
        before = world(0, 1000)
        margin = before.assign(score=np.log(before["score"] / (1 - before["score"])))
        for calibration in ("isotonic", "logistic"):
            one, other = (
                estimate(side, side, calibration=calibration, replicates=20, rng=0)
                for side in (before, margin)
            )
            assert one.accuracy == pytest.approx(other.accuracy, abs=0.005)


class TestTable:
    def test_it_counts_every_item_once(self):
        before, now = world(0, 500), world(1, 200, hardness=(1, 3))
        table = estimate(now, before, replicates=20, rng=0).table
        assert len(table) == 10
        assert table["reference_n"].sum() == 500
        assert table["current_n"].sum() == 200
        assert (table["right"] * table["reference_n"]).sum() == (before["label"] == "a").sum()
        assert (table["score_from"] <= table["score_to"]).all()

    def test_each_row_by_hand(self):
        before, after = world(0, 500), world(1, 200, hardness=(1, 3))
        found = estimate(after, before, replicates=2, confidence=0.8, rng=0)
        table = found.table
        assert table["score_from"].iloc[0] == min(before["score"].min(), after["score"].min())
        assert table["score_to"].iloc[-1] == max(before["score"].max(), after["score"].max())
        assert table["score_from"].iloc[1:].tolist() == table["score_to"].iloc[:-1].tolist()
        assert table["reference_n"].tolist() == [50] * 10  # tenths of the reference
        for row in table.iloc[:-1].itertuples():
            inside, now = (
                side[(side["score"] >= row.score_from) & (side["score"] < row.score_to)]
                for side in (before, after)
            )
            right = (inside["label"] == "a").sum()
            assert (row.reference_n, row.current_n) == (len(inside), len(now))
            assert row.right == right / len(inside)
            limits = proportion_confint(right, len(inside), alpha=0.2, method="wilson")
            assert (row.right_low, row.right_high) == pytest.approx(limits)
        told = table["expected"].fillna(0) @ table["current_n"] / table["current_n"].sum()
        assert told == pytest.approx(found.accuracy)
        by_item = isotonic(
            before["score"].to_numpy(),
            (before["label"] == "a").to_numpy(float),
            np.ones(500),
            after["score"].to_numpy(),
        )
        lowest = after["score"] < table["score_to"].iloc[0]
        assert table["expected"].iloc[0] == pytest.approx(by_item[lowest].mean())

    @pytest.mark.parametrize("confidence", [0.5, 0.9])
    def test_limits_are_percentiles_of_what_drawing_anew_gives(self, confidence):
        """Scores all alike: what is drawn is the share right of the reference, a binomial."""
        before = world(0, 400).assign(score=0.5)
        found = estimate(before, before, replicates=2000, confidence=confidence, rng=0)
        share = found.reference_accuracy
        half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(share * (1 - share) / 400)
        assert share - found.low == pytest.approx(half, rel=0.12)
        assert found.high - share == pytest.approx(half, rel=0.12)

    def test_shares_beyond_and_at_the_ends_are_told_as_they_are(self):
        score = np.linspace(0.4, 0.8, 400)
        before = world(0, 400).assign(score=score)
        now = world(1, 100).assign(score=np.r_[np.full(7, 0.1), np.full(5, 0.9), np.full(88, 0.6)])
        notes = " ".join(estimate(now, before, replicates=2, rng=0).notes)
        assert "12.0 % of the current scores lie outside those of the reference" in notes
        assert "tenth of the" not in notes  # 7 and 5 of 100 there: fewer than in the reference
        now["score"] = np.r_[np.full(60, 0.42), np.full(40, 0.6)]
        notes = " ".join(estimate(now, before, replicates=2, rng=0).notes)
        assert "60.0 % of the current scores lie in the lowest tenth" in notes
        assert "highest" not in notes
        assert "outside" not in notes

    def test_it_shows_itself(self):
        found = estimate(world(1), world(0), replicates=20, rng=0)
        assert repr(found).startswith("Expected accuracy ")
        assert "<table" in found._repr_html_()
        ax = found.plot()
        assert ax.get_figure().get_label() == repr(found)
        assert ax.get_xlabel() == "score"

    def test_the_same_seed_gives_the_same(self):
        one, other = (estimate(world(1), world(0), rng=3) for _ in range(2))
        assert (one.low, one.high) == (other.low, other.high)


class TestEdges:
    def test_a_reference_all_right_tells_its_own_share(self):
        before = world(0, 40).assign(label="a")
        found = estimate(world(1), before, rng=0)
        assert found.accuracy == pytest.approx(1, abs=0.03)
        assert found.low == pytest.approx(0.912, abs=0.001)  # Wilson, 40 of 40
        assert any("was right: its scores could tell nothing" in note for note in found.notes)

    def test_one_item_of_the_reference(self):
        found = estimate(world(1), world(0, 1).assign(label="a"), rng=0)
        assert found.low == pytest.approx(0.2065, abs=1e-3)  # Wilson, 1 of 1
        assert any("too narrow" in note for note in found.notes)

    def test_rows_without_a_score_or_label_are_counted(self):
        before, now = world(0), world(1)
        before.loc[:3, "label"] = None
        now.loc[:1, "score"] = np.nan
        kept = now.copy()
        found = estimate(now, before, rng=0)
        assert (found.n, found.reference_n) == (298, 296)
        assert any("Left out: 4 rows of the reference table" in note for note in found.notes)
        assert any("Left out: 2 rows of the current table" in note for note in found.notes)
        pd.testing.assert_frame_equal(now, kept)

    def test_scores_beyond_the_reference_are_told(self):
        found = estimate(world(1).assign(score=0.001), world(0), rng=0)
        assert any("lie outside those of the reference" in note for note in found.notes)
        assert any("the lowest tenth" in note for note in found.notes)

    def test_scores_all_alike(self):
        before = world(0).assign(score=0.5)
        share = (before["label"] == "a").mean()
        for calibration in ("isotonic", "logistic"):
            found = estimate(before, before, calibration=calibration, rng=0)
            assert found.accuracy == pytest.approx(share, abs=0.005)
            assert found.low < share < found.high

    def test_missing_columns_are_named(self):
        with pytest.raises(TableError, match="missing: score"):
            estimate(world(1).drop(columns="score"), world(0))
        with pytest.raises(TableError, match="missing: label"):
            estimate(world(1), world(0).drop(columns="label"))

    def test_nothing_to_use(self):
        with pytest.raises(TableError, match="found no row of the current table with all of"):
            estimate(world(1).assign(score=np.nan), world(0))
        with pytest.raises(TableError, match="needs numbers in the column score of the reference"):
            estimate(world(1), world(0).assign(score="high"))

    def test_what_is_asked_is_checked(self):
        with pytest.raises(ValueError, match="calibration is one of isotonic, logistic"):
            estimate(world(1), world(0), calibration="beta")
        with pytest.raises(ValueError, match="confidence lies between 0 and 1"):
            estimate(world(1), world(0), confidence=95)
        with pytest.raises(ValueError, match="replicates is how often"):
            estimate(world(1), world(0), replicates=0)
