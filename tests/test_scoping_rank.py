"""Which idea first: feasibility x value, and the spread from the team's disagreement."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import scoping
from mlkit.scoping import _rank

CRITERIA = list(scoping.CRITERIA)


def judged(rows):
    """Rows of (idea, annotator, five scores)."""
    return pd.DataFrame(rows, columns=["idea", "annotator", *CRITERIA])


TEAM = judged(
    [
        *(("a", "p", 4, 4, 4, 4, 5), ("a", "q", 3, 5, 2, 4, 3), ("a", "r", 5, 5, 3, 4, 2)),
        *(("b", "p", 2, 3, 3, 2, 4), ("b", "q", 4, 4, 5, 5, 4), ("b", "r", 2, 4, 4, 3, 5)),
    ]
)


def by_hand(team):
    means = team.groupby("idea")[CRITERIA].mean()
    return means[CRITERIA[:-1]].mean(axis=1) * means["value"]


def all_teams(team):
    """Score of each idea in every team of one annotator fewer, each as likely as any other."""
    people = list(team["annotator"].unique())
    rows = []
    for drawn in itertools.product(people, repeat=len(people) - 1):
        drawn_team = pd.concat([team[team["annotator"] == who] for who in drawn])
        rows.append(by_hand(drawn_team))
    return pd.DataFrame(rows)


def test_the_score_is_feasibility_times_value_of_the_means():
    table = scoping.rank(TEAM).table.set_index("idea")
    expected = by_hand(TEAM)
    pd.testing.assert_series_equal(table["score"], expected[table.index], check_names=False)
    assert table["feasibility"]["a"] == pytest.approx((4 + 14 / 3 + 3 + 4) / 4)
    assert table["value"].to_dict() == pytest.approx({"a": 10 / 3, "b": 13 / 3})


def test_chance_to_be_first_and_range_are_those_of_all_teams():
    every = all_teams(TEAM)
    first = every.eq(every.max(axis=1), axis=0)
    first = first.div(first.sum(axis=1), axis=0).mean()
    table = scoping.rank(TEAM).table.set_index("idea")
    four_errors = 4 * np.sqrt(0.25 / _rank.DRAWS)
    assert table["first"].to_dict() == pytest.approx(first.to_dict(), abs=four_errors)
    assert table["first"].sum() == pytest.approx(1)
    for idea in "ab":
        assert table["score_low"][idea] == pytest.approx(every[idea].min())
        assert table["score_high"][idea] == pytest.approx(every[idea].max())


def test_the_variance_of_a_drawn_mean_is_the_unbiased_one():
    rng = np.random.default_rng(3)
    values = rng.integers(1, 6, 7)
    drawn = _rank._teams(7, rng) @ values / 6
    assert drawn.var() == pytest.approx(values.var(ddof=1) / 7, rel=0.06)


def test_how_often_the_range_holds_what_a_large_team_would_say():
    """The figures of the note, simulated anew with a smaller number of teams."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(150):
        truth = rng.uniform(2, 4, (4, 5))
        teams = [
            np.clip(
                np.rint(truth + rng.normal(0, 0.5, (n, 1, 1)) + rng.normal(0, 0.8, (n, 4, 5))), 1, 5
            )
            for n in (2000, 4)
        ]
        large = _rank._figures(teams[0], np.ones((1, 2000)))[0, :, 2]
        low, high = _rank._ends(_rank._figures(teams[1], _rank._teams(4, rng))[:, :, 2])
        held += [(low <= large) & (large <= high)]
    assert np.mean(held) == pytest.approx(_rank.COVERAGE[4] / 100, abs=0.06)


def test_with_one_annotator_nothing_is_known_of_the_spread():
    one = scoping.rank(TEAM[TEAM["annotator"] == "p"])
    assert one.n == 1
    assert np.isnan([one.low, one.high, one.first]).all()
    assert one.table["why"].tolist() == ["one annotator: whether others agree is not known"] * 2
    assert repr(one) == (
        "First of 2 ideas: a, 20 of 25, by 1 annotator; how sure that is is not known: one "
        "annotator: whether others agree is not known."
    )
    assert one.plot().get_figure().get_label()
    assert "—" in one._repr_html_()


def test_one_idea_has_nothing_to_be_compared_with():
    alone = scoping.rank(TEAM[TEAM["idea"] == "a"])
    assert alone.first == 1
    assert "nothing to compare it with" in repr(alone)


def test_an_idea_that_one_of_many_scored_has_no_range():
    more = scoping.rank(pd.concat([TEAM, judged([("c", "p", 5, 5, 5, 5, 5)])]))
    row = more.table.set_index("idea").loc["c"]
    assert row["score"] == 25
    assert np.isnan([row["score_low"], row["value_high"]]).all()
    assert row["why"] == "one annotator scored it: whether others agree is not known"
    assert more.table["first"].sum() == pytest.approx(1)


def test_what_does_not_apply_is_left_out_of_the_mean_and_told():
    empty = TEAM.astype({"people": object})
    empty.loc[empty["idea"] == "a", "people"] = ""
    ranking = scoping.rank(empty)
    row = ranking.table.set_index("idea").loc["a"]
    assert row["feasibility"] == pytest.approx((14 / 3 + 3 + 4) / 3)
    assert any("'a'" in note and "not all four questions" in note for note in ranking.notes)


def test_without_value_or_feasibility_there_is_no_score():
    table = scoping.rank(TEAM.assign(value=np.nan))
    assert repr(table) == "No idea can be ranked: nobody scored its value."
    assert table.table["first"].isna().all()
    bare = TEAM.copy()
    bare[CRITERIA[:-1]] = bare[CRITERIA[:-1]].where(bare["idea"] == "a")
    ranking = scoping.rank(bare)
    assert ranking.table["why"].tolist() == ["", "nobody scored its feasibility"]
    assert ranking.first == 1


def test_a_tie_is_shared():
    same = pd.concat([TEAM, TEAM.assign(idea=TEAM["idea"] + "2")])
    table = scoping.rank(same).table.set_index("idea")
    assert table["first"]["a"] == pytest.approx(table["first"]["a2"])
    assert table["first"].sum() == pytest.approx(1)


def test_of_duplicates_the_last_counts_and_it_is_told():
    twice = pd.concat([TEAM, judged([("a", "p", 1, 1, 1, 1, 1)])])
    ranking = scoping.rank(twice)
    assert by_hand(twice.drop_duplicates(["idea", "annotator"], keep="last"))["a"] == (
        pytest.approx(ranking.table.set_index("idea")["score"]["a"])
    )
    assert "1 row repeated an idea and an annotator: the last one counts." in ranking.notes


def test_a_team_of_one_mind_is_asked_about_it():
    same = pd.concat([TEAM[TEAM["annotator"] == "p"].assign(annotator=who) for who in "xyz"])
    assert any("Did they score before they talked?" in note for note in scoping.rank(same).notes)


def test_few_annotators_are_told_and_many_are_not():
    many = pd.concat([TEAM.assign(annotator=TEAM["annotator"] + str(n)) for n in range(3)])
    assert any("3 annotators are few" in note for note in scoping.rank(TEAM).notes)
    assert any("with 3 it does so in about 73 (sim" in note for note in scoping.rank(TEAM).notes)
    assert not any("are few" in note for note in scoping.rank(many).notes)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (TEAM.head(0), "a table without a row: write down one idea"),
        (TEAM.drop(columns="benchmark"), "missing: benchmark"),
        (TEAM.rename(columns={"annotator": "judge"}), '"judge": "annotator"'),
        (TEAM.assign(value=6), "value of 'a' by 'p' is 6, and the scale runs from 1 to 5"),
        (TEAM.assign(progress=0), "progress of 'a' by 'p' is 0, and the scale"),
        (TEAM.assign(people="high"), "people of 'a' is no number: 'high'"),
        (TEAM.assign(people=True), "people of 'a' is no number: True"),
        (TEAM.assign(annotator=None), "needs annotator in each row, and row 1 has none"),
    ],
)
def test_what_cannot_be_ranked_is_told(table, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        scoping.rank(table)


def test_the_table_given_stays_and_the_same_seed_gives_the_same():
    before = TEAM.copy()
    one, two = scoping.rank(TEAM), scoping.rank(TEAM)
    pd.testing.assert_frame_equal(TEAM, before)
    pd.testing.assert_frame_equal(one.table, two.table)


def test_names_are_escaped():
    assert "<b>" not in scoping.rank(TEAM.replace({"idea": {"a": "<b>a"}}))._repr_html_()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=5, max_size=5), min_size=6, max_size=6),
    st.permutations(range(6)),
)
def test_laws(scores, order):
    """Within the scale, interval around the score, chances add up, the order of rows is nothing."""
    names = [("a", "p"), ("a", "q"), ("a", "r"), ("b", "p"), ("b", "q"), ("b", "r")]
    team = judged([(*pair, *row) for pair, row in zip(names, scores, strict=True)])
    table = scoping.rank(team).table
    assert table["score"].between(1, 25).all()
    assert (table["score"].diff().dropna() <= 1e-12).all()
    assert (table["value_low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["value_high"] + 1e-9).all()
    assert table["first"].sum() == pytest.approx(1)
    other = scoping.rank(team.iloc[list(order)]).table.set_index("idea")["score"]
    assert other.to_dict() == pytest.approx(table.set_index("idea")["score"].to_dict())


def test_the_table_gives_each_column_the_same_number_of_decimals():
    table = scoping.rank(TEAM)._repr_html_()
    assert "20.0" in table  # feasibility 4 times value 5
    assert "5.00" in table
    assert ">5<" not in table
