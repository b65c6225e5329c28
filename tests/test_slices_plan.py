import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import (
    proportion_confint,
    samplesize_proportions_2indep_onetail,
)

from mlkit import slices
from mlkit._tables import TableError
from mlkit.slices import _plan

HLP = pd.DataFrame(
    {"slice": ["far", "near", "odd"], "hlp": [0.96, 0.95, 0.5], "n": [200, 200, 200]}
)


def predictions(n=1000):
    """A fifth of the items is *far*, of which 30 % are errors; 5 % of the others are."""
    far = np.arange(n) % 5 == 0
    wrong = np.where(far, np.arange(n) % 50 < 15, np.arange(n) % 25 == 1)
    return pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(n)],
            "label": 1,
            "prediction": 1 - wrong.astype(int),
            "score": np.linspace(0, 1, n),
            "far": far,
        }
    )


def made(hlp=HLP, **kwargs):
    table = predictions()
    member = slices.memberships(
        table, conditions={"far": "far", "near": "not far", "odd": lambda t: t["score"] < 0.3}
    )
    return slices.report(table, member, hlp=hlp, **kwargs)


def number(card, step):
    return card.table.set_index("step").loc[step, "number"]


@pytest.mark.parametrize(("before", "after"), [(0.7, 0.8), (0.90, 0.95), (0.5, 0.55)])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_unrelated_answers_need_what_statsmodels_gives_for_two_samples(before, after, power):
    _, least, most = _plan.share_changed(before, after)
    assert least == pytest.approx(after - before)
    ours = _plan.items_needed(after - before, most, power)
    theirs = samplesize_proportions_2indep_onetail(
        after - before, before, power, ratio=1, alpha=0.05
    )
    assert ours == pytest.approx(theirs, rel=0.03)


@pytest.mark.parametrize(("before", "after"), [(0.7, 0.8), (0.90, 0.93)])
def test_mcnemars_test_on_that_many_items_has_about_that_power(before, after):
    changed = _plan.share_changed(before, after)[0]
    n = _plan.items_needed(after - before, changed)
    mended = (changed + after - before) / 2
    rng = np.random.default_rng(0)
    counts = rng.binomial(n, changed, 1000)
    gains = rng.binomial(counts, mended / changed)
    shown = [binomtest(int(g), int(c)).pvalue <= 0.05 for g, c in zip(gains, counts, strict=True)]
    # The exact test asks a little more than the formula: some points less are expected.
    assert 0.72 <= np.mean(shown) <= 0.84


def test_connors_formula_by_hand():
    """(1.960 sqrt(0.2) + 0.8416 sqrt(0.2 - 0.01))^2 / 0.01 = 154.6, and 1.2816 for nine in ten."""
    assert _plan.items_needed(0.1, 0.2) == 155
    assert _plan.items_needed(0.1, 0.2, 0.9) == 206
    # Broken for none: changed is the gain.
    assert _plan.items_needed(0.1, 0.1) == 77
    planned, least, most = _plan.share_changed(0.7, 0.83)
    assert (planned, least, most) == pytest.approx((0.368, 0.13, 0.368))  # 3 x 0.13 is too many
    assert _plan.share_changed(0.5, 0.55) == pytest.approx((0.15, 0.05, 0.5))


def test_a_card_gives_the_numbers_between_which_it_counts():
    card = slices.plan(made(), "far", power=0.9)
    reason = card.table.set_index("step").loc["Fresh items to see it on", "reason"]
    least, most = (_plan.items_needed(0.13, changed, 0.9) for changed in (0.13, 0.368))
    assert "in 90 % of cases" in reason
    assert f"({least:,} if the new model breaks nothing, {most:,} if it answers as" in reason
    assert number(card, "What it can bring").startswith("5.20 points (")  # 0.26 x 200 of 1,000
    guide = slices.plan(made(), "far", action="label guide").table["reason"].str.cat()
    agreed = proportion_confint(25, 50, method="wilson")
    assert number(
        slices.plan(made(), "far", action="label guide"), _plan.ACTIONS["label guide"]
    ) == ("50")
    assert f"known to about {50 * (agreed[1] - agreed[0]):.0f} points either way" in guide


def test_where_the_card_gives_more_data_or_none():
    odd = slices.plan(made(), "far", hoped=0.3, action="augment")
    assert number(odd, _plan.ACTIONS["augment"]) == "2 times as many"  # no error would be left
    small = slices.plan(made(), "far", hoped=0.1, action="augment")
    assert number(small, _plan.ACTIONS["augment"]) == f"{1.5 ** (1 / 0.35):.1f} times as many"
    assert number(slices.plan(made(), "far", action="relabel"), _plan.ACTIONS["relabel"]) == (
        "60 + 60"
    )
    for wrong in (0, -0.1, 1.5):
        with pytest.raises(ValueError, match="hoped is a gain of accuracy within the slice"):
            slices.plan(made(), "far", hoped=wrong)


def test_the_curve_of_the_picture_goes_through_the_plan():
    card = slices.plan(made(), "far")
    curve = card.plot().lines[0]
    many, chance = curve.get_data()
    assert (many[0], many[-1]) == (1, 2 * card.n)
    assert np.interp(card.n, many, chance) == pytest.approx(80, abs=0.3)
    assert (np.diff(chance) > 0).all()


def test_the_chance_to_see_a_gain_turns_the_formula_round():
    n = _plan.items_needed(0.05, 0.12, 0.9)
    assert _plan.chance_to_see(0.05, 0.12, n) == pytest.approx(0.9, abs=0.002)
    assert _plan.chance_to_see(0.05, 0.12, n / 4) < 0.5


def test_a_card_says_what_how_many_how_seen_and_when_to_stop():
    card = slices.plan(made(), "far")
    assert card.action == "collect"
    assert (card.accuracy, card.target) == (pytest.approx(0.7), pytest.approx(0.83))
    assert card.n == _plan.items_needed(0.13, min(3 * 0.13, 0.7 * 0.17 + 0.83 * 0.3))
    assert number(card, "Fresh items to see it on") == f"{card.n:,}"
    assert number(card, "Items to look through for them") == f"{5 * card.n:,}"
    assert number(card, "Accuracy to reach in the slice") == "83.0 %"
    times = (0.3 / 0.17) ** (1 / 0.35)
    assert (
        number(card, "Collect more training examples of this kind.") == f"{times:.1f} times as many"
    )
    # Nobody else gains anything (near stands at human level): go on until human level.
    assert number(card, "Stop at an accuracy of") == "96.0 %"
    assert (card.table["reason"].str.len() > 10).all()
    assert f"to be seen on {card.n:,} fresh items" in repr(card)
    assert repr(card) in card._repr_html_()


def test_the_surest_errors_come_first():
    report = made()
    card = slices.plan(report, "far")
    errors = report.items[report.items["error"] & report.members["far"]]
    surest = errors.sort_values("score", ascending=False)["item"].head(10)
    assert card.items == tuple(surest)


def test_stop_where_another_slice_brings_more():
    hlp = HLP.assign(hlp=[0.96, 0.97, 0.5])
    report = made(hlp)
    gains = report.table.set_index("slice")["possible_gain"]
    assert gains["near"] == pytest.approx(0.02 * 0.8)
    level = 0.96 - gains["near"] / 0.2
    assert number(slices.plan(report, "far"), "Stop at an accuracy of") == f"{100 * level:.1f} %"
    assert number(slices.plan(report, "near"), "Stop after") == "2 rounds"
    reasons = slices.plan(report, "far").table.set_index("step")["reason"]
    assert reasons["Stop at an accuracy of"].startswith("there another slice brings more; ")


def test_where_no_other_gain_is_known_one_goes_on_until_human_level():
    card = slices.plan(made(HLP.iloc[:1]), "far")
    assert number(card, "Stop at an accuracy of") == "96.0 %"
    why = card.table.set_index("step").loc["Stop at an accuracy of", "reason"]
    assert why.startswith("that is human level; ")


def test_where_people_do_no_better_the_label_guide_comes_first():
    card = slices.plan(made(), "odd")
    assert card.action == "label guide"
    assert "people do no better than the model here" in card.table["reason"].str.cat()


@pytest.mark.parametrize("action", list(_plan.ACTIONS))
def test_each_action_has_its_step_with_a_number(action):
    card = slices.plan(made(), "far", action=action)
    assert any(char.isdigit() for char in number(card, _plan.ACTIONS[action]))


def test_without_hlp_half_of_the_errors_is_the_target():
    card = slices.plan(made(hlp=None), "far")
    assert card.target == pytest.approx(0.85)
    assert "human level is not known here" in card.table["reason"].str.cat()
    assert number(card, "What it can bring at most").startswith("6.00 points")


def test_with_errors_alone_the_first_step_is_to_tag_correct_items():
    table = predictions()
    member = slices.memberships(table, conditions={"far": "far"})
    member.loc[table["label"] == table["prediction"], "far"] = pd.NA
    card = slices.plan(slices.report(table, member), "far")
    assert card.n is None
    assert number(card, "First, tag a random sample of correct items") == "150"
    assert "accuracy is not known yet" in repr(card)
    assert card.plot()


def test_a_hoped_for_gain_can_be_given():
    assert slices.plan(made(), "far", hoped=0.1).target == pytest.approx(0.8)
    with pytest.raises(ValueError, match=r"no more than its share of errors \(0.300\); got 0.5"):
        slices.plan(made(), "far", hoped=0.5)


def test_bad_input_is_told():
    with pytest.raises(TableError, match=r"found no slice 'fra' in the report\. Slices: 'far'"):
        slices.plan(made(), "fra")
    with pytest.raises(
        TableError, match=r"as slices\.report\(\) gave it, not its table; .* a Data"
    ):
        slices.plan(made().table, "far")
    with pytest.raises(ValueError, match="action is one of collect, augment, relabel, label guide"):
        slices.plan(made(), "far", action="pray")
    with pytest.raises(ValueError, match=r"power lies between 0 and 1, for example 0\.8; got 80"):
        slices.plan(made(), "far", power=80)
    table = predictions().assign(prediction=1)
    report = slices.report(table, slices.memberships(table, conditions={"far": "far"}))
    with pytest.raises(TableError, match="'far' has no errors; plan another"):
        slices.plan(report, "far")


def test_exports_and_picture(tmp_path):
    table = predictions()
    name = "<b>far</b> | $x$"
    report = slices.report(table, slices.memberships(table, conditions={name: "far"}))
    card = slices.plan(report, name)
    page = card.to_html(tmp_path / "p.html").read_text("utf-8")
    assert "<b>far" not in page
    assert "&lt;b&gt;far" in page
    text = card.to_markdown(tmp_path / "p.md").read_text("utf-8")
    assert r"## &lt;b&gt;far&lt;/b&gt; \| $x$" in text
    ax = card.plot()
    assert ax.figure.get_label() == (
        f"Chance to see the gain by number of fresh items; 80 % at {card.n:,}."
    )
