"""Every exercise takes its right answer, tells its wrong ones apart, and breaks no notebook."""

import json
import os
import re
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from mlkit import scoping
from mlkit.exercises import (
    ExerciseError,
    Revealed,
    check,
    engine,
    exercises,
    hint,
    progress,
    record,
    reveal,
)
from mlkit.exercises.error_analysis import SPEECH
from mlkit.exercises.human_baseline import FORM, WORDS
from mlkit.exercises.kinds import Decision, Function, Number, Order, Subset, left_open

ALL = exercises()
BY_ID = {one.id: one for one in ALL}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def given():
    """What the notebooks hand over, made up so that every figure is known: no check changes it."""
    predictions = pd.DataFrame(
        {
            "item": [f"i{n}" for n in range(20)],
            "label": ["a"] * 20,
            "prediction": ["a"] * 9 + ["b"] + ["a"] * 4 + ["b"] * 6,
            "heard": [True] * 10 + [False] * 10,
        }
    )
    report = SimpleNamespace(
        table=pd.DataFrame(
            {"slice": ["noise"], "errors": [5], "share_of_errors": [5 / 7], "at_most": [0.25]}
        )
    )
    found = SimpleNamespace(
        candidates=pd.DataFrame(index=range(20)), table=pd.DataFrame(index=[0]), searched=600
    )
    fresh = SimpleNamespace(difference=-0.01, low=-0.03, high=0.012, p=0.4)
    return (
        {"predictions": predictions, "report": report, "found": found, "fresh": fresh}
        | {"brought": SimpleNamespace(difference=0.04, low=-0.02, high=0.1)}
        | agreed()
        | people()
        | augmented()
        | audited()
        | organized()
        | scoped()
        | modelled()
        | classed()
        | deployed()
        | monitored()
    )


def handed_to(one, given):
    """What this exercise needs; where two notebooks use one name, that of its own."""
    return {name: given.get(f"{one.id[:2]}.{name}", given.get(name)) for name in one.given}


def classed():
    """What the notebook on a class hands over."""
    pairs = {"label_1": ["good", "good"], "label_2": ["like new", "worn"], "share": [0.6, 0.4]}
    return {"confused": pd.DataFrame(pairs).assign(lift=[0.5, 0.9])}


def agreed():
    """What the notebook on labels hands over."""
    parts = {"part": ["overall", "without", "without"], "alpha": [0.6, 0.7, 0.5]}
    two = pd.DataFrame({"alpha": [0.6, 0.85]})
    ranked = pd.DataFrame({"gain_choosing": [0.2], "alpha_after": [0.55]})
    return {
        "agreed": SimpleNamespace(alpha=0.6, table=pd.DataFrame(parts)),
        "change": SimpleNamespace(gain=0.25, table=two),
        "merges": SimpleNamespace(gain=0.08, low=0.01, table=ranked),
        "suspects": pd.DataFrame({"altered": [True, True, True, False]}),
    }


def people():
    """What the notebook on human level hands over."""
    levels = {"hlp": [0.98, 0.95, 0.8, np.nan], "accuracy": [0.97, 0.6, 0.3, 0.1]}
    raised = {"hlp": [0.80, 0.96], "model": [0.78, 0.93]}
    names = ["human", "googlenet", "vgg19"]
    curves = pd.DataFrame(
        {
            "condition": ["0.05"] * 3 + ["0.10"] * 3,
            "who": names * 2,
            "accuracy": [0.78, 0.79, 0.73, 0.75, 0.58, 0.41],
        }
    )
    return {
        "by_level": pd.DataFrame(levels, index=["none", "low", "middle", "high"]),
        "raised": pd.DataFrame(raised, index=["own rules", "common rule"]),
        "curves": curves,
    }


def deployed():
    """What the notebook on deployment hands over."""
    counts = pd.DataFrame({"right": [400, 120], "wrong": [20, 60]})
    points = {"degree": ["people only", "partial automation"], "cost": [1.0, 0.4]}
    log = pd.DataFrame(
        {"version": ["old"] * 6 + ["new"] * 4, "prediction": [*list("xxxxxxxxx"), None]}
    )
    return {
        "changed": counts.set_axis(["right", "wrong"]),
        "rates": pd.Series({"by request": 0.34, "by user": 0.06}),
        "needs": pd.Series({0.01: 29000, 0.05: 6100, 0.2: 1800, 0.5: 1100}),
        "have": 2000,
        "ways": pd.DataFrame(
            {"errors": [0, 36, 77, 1300]}, index=["shadow", "canary, 5 %", "A/B", "all at once"]
        ),
        "scale": SimpleNamespace(
            degree="partial automation", table=pd.DataFrame(points).assign(by_model=[0.0, 0.8])
        ),
        "crashed": log.assign(served=log["prediction"].notna()),
    }


def monitored():
    """What the notebook on monitoring hands over; a label asked for costs what it says."""
    weeks = pd.DataFrame(
        {
            "inputs drifted": ["", "loud_db", "high_hz", "high_hz", "", "high_hz", ""],
            "accuracy": [0.93, 0.9, 0.8, 0.78, 0.8, 0.65, 0.84],
            "high": [0.97, 0.95, 0.86, 0.85, 0.87, 0.74, 0.9],
            "estimated": [0.92, 0.91, 0.81, 0.75, 0.85, 0.73, 0.94],
            "reference": 0.92,
        },
        index=["A before", "B quieter", "C fan", "D two", "E some", "F most", "G bays"],
    )
    prices = {"false_alarms_per_week": [0.1, 0.1, 0.2, 1.3, 3.0], "delay_days": [19, 17, 16, 5, 3]}
    anew = {"today": [0.74, 0.76, 0.8, 0.88], "old test set": [0.92, 0.91, 0.89, 0.76]}

    def tried(settings):
        asked = settings.get("labels_week", 0)
        changed = settings.get("retrain") != "never"
        return {
            "noticed_days": 7 if asked else 42,
            "lose_users": 0.0 if asked and changed else 1.0,
            "labels": 26 * asked,
            "false_a_week": 0.4 if settings.get("accuracy_below", 0.8) > 0.9 else 0.0,
            "canary": settings.get("canary", 0),
        }

    return {
        "10.weeks": weeks,  # notebook 01 has other ones
        "reading": pd.Series({"as in training": 0.94, "as served": 0.07}),
        "prices": pd.DataFrame(prices, index=list("ABCDE")),
        "anew": pd.DataFrame(anew, index=["A old", "B all", "C month", "D since"]),
        "tried": tried,
    }


def scoped():
    """What the notebook on scoping hands over."""
    return {
        "ranking": SimpleNamespace(first=0.7),
        "saving": SimpleNamespace(table=pd.DataFrame({"narrower": [0.24, 0.34, 0.49]})),
        "weeks": SimpleNamespace(
            likely=19.0,
            total=24.7,
            chance=lambda limit: 0.02 if limit == 19 else 0.5,
            enough=lambda chance: {0.8: 27.1, 0.9: 28.4}[chance],
        ),
    }


def modelled():
    """What the notebook on training hands over."""
    two = {"code": ["a", "a"], "parameters": ["b", "b"], "data": ["c", "d"]}
    two |= {"accuracy_new": [0.66, 0.55], "accuracy_known": [0.97, 0.93]}
    rungs = {"people": 0.04, "train": 0.02, "known voices": 0.06, "new voices": 0.35}
    return {
        "ladder": pd.Series(rungs),
        "searched": pd.Series({"best of the search": 0.7, "on fresh recordings": 0.66}),
        "two": pd.DataFrame(two, index=["winner", "tuesday"]),
    }


def organized():
    """What the notebook on organizing data hands over."""
    shares = {"spam caught": [0.93, 0.72], "good ones stopped": [0.056, 0.048]}
    return {"caught": pd.DataFrame(shares, index=["training", "serving"])}


def audited():
    """What the notebook on audits hands over."""
    by_person = {"by_clip_low": [0.61], "by_clip_high": [0.69]}
    by_person |= {"by_person_low": [0.45], "by_person_high": [0.86]}
    return {
        "saved": pd.Series({"saved": 57.2, "low": 9.8, "high": 110.3}),
        "groups": pd.DataFrame(by_person, index=["all"]),
    }


def augmented():
    """What the notebook on making more data hands over."""
    moved = pd.DataFrame({"n": [60, 40], "mended": [20, 5], "broken": [4, 6]})
    moved = moved.assign(before=[0.4, 0.6], difference=[16 / 60, -1 / 40])
    flips = {"small": [0.95, 0.92, 0.86], "large": [0.99, 0.98, 0.98]}
    flips |= {"small, 6 and 9": [0.94, 0.95, 0.83], "large, 6 and 9": [0.96, 0.96, 0.92]}
    return {
        "told": SimpleNamespace(difference=0.15, low=0.05, high=0.25, table=moved),
        "flips": pd.DataFrame(flips, index=["as they are", "mirrored", "turned"]),
        "curve": pd.DataFrame({"examples": [150, 290, 600], "error": [0.12, 0.62, 0.045]}),
        "worth": pd.Series({"nothing": 0.4, "10 recorded": 0.6, "100 copies": 0.45}),
    }


def judged(one, answer, given):
    return check(one.id, answer, **handed_to(one, given))


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
def test_the_right_answer_is_correct_and_says_why(one, given):
    handed = handed_to(one, given)
    shown = reveal(one.id, **handed)
    outcome = judged(one, shown.answer, given)
    assert outcome.correct
    assert outcome.message == one.why == shown.why


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
def test_wrong_answers_are_told_apart_each_with_its_hint(one, given):
    assert one.wrong
    assert len({words for _, words in one.wrong}) == len(one.wrong)
    for answer, words in one.wrong:
        outcome = judged(one, answer(**handed_to(one, given)), given)
        assert outcome.state == "not quite"
        assert words in outcome.message


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
def test_left_open_is_not_answered_whatever_is_handed_over(one):
    function = [lambda *_: ...] if isinstance(one.kind, Function) else []
    for answer in [..., None, (..., ...), ("A", ...), [], "", *function]:
        assert check(one.id, answer).state == "not answered yet"
    assert not record.PLACE.exists()


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.id)
@pytest.mark.parametrize(
    "answer",
    [
        *("?!", "ABCDEFGHIJKL", "AA", 3, -1e9, float("nan"), True, pd.NA, object(), {1}),
        *(("A", "x"), ("A", 1, 2), np.array([1.0, 2.0]), pd.DataFrame({"a": [1, 2]})),
        *(lambda: 1, lambda *_: "x"),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_no_answer_raises(one, answer, given):
    outcome = judged(one, answer, given)
    assert outcome.state == "not quite"
    assert outcome.message
    assert outcome._repr_html_()


def test_figures_of_the_course_by_hand():
    assert reveal("06.gain").answer == pytest.approx((0.89 - 0.87) * 0.30)
    errors = 0.06 * 0.60, 0.11 * 0.04, 0.13 * 0.30, 0.30 * 0.06
    letter, share = reveal("06.last").answer
    assert letter == "D"
    assert share == pytest.approx(errors[3] / sum(errors))
    assert sum(share for _, _, share in SPEECH.values()) == pytest.approx(1)


def test_the_gap_and_at_most_come_from_what_is_handed_over(given):
    assert reveal("00.gap", predictions=given["predictions"]).answer == pytest.approx(0.9 - 0.4)
    assert reveal("00.at_most", report=given["report"]).answer == 0.25


@pytest.mark.parametrize(
    ("low", "high", "letter"), [(0.01, 0.03, "A"), (-0.01, 0.03, "B"), (-0.03, -0.01, "C")]
)
def test_what_a_change_brought_is_read_off_its_interval(low, high, letter):
    fresh = SimpleNamespace(difference=(low + high) / 2, low=low, high=high, p=0.3)
    assert reveal("06.repaired", fresh=fresh).answer == (letter, (low + high) / 2)


def test_accuracy_on_a_tag_by_counting():
    # 100 errors of which 30 have the tag, 400 correct items of which 40 have it.
    assert reveal("06.accuracy_on_tag").answer(100, 400, 0.3, 0.1) == pytest.approx(40 / 70)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.6, "That is in percent"),
        (0.00006, "divided by 100 once too often"),
        (-0.006, "the sign is not"),
        ("0.006", "This is text, for the quotation marks around it"),
        ("half", "A single number is asked for, and this is 'half' (str)"),
        (0.123, "What would be won on this slice"),
        (True, "A single number"),
    ],
)
def test_a_number_is_told_apart(answer, words):
    assert words in check("06.gain", answer).message


@pytest.mark.parametrize(
    "answer", [0.006, np.float32(0.006), np.array(0.006), pd.Series([0.006]), 0.00609]
)
def test_a_number_may_come_in_any_of_its_types(answer):
    assert check("06.gain", answer).correct


def test_tolerance_holds_at_its_border():
    kind = Number(tolerance=0.01, share=False)
    assert kind.judge(0.26, 0.25, []) is None
    assert kind.judge(0.2601, 0.25, []) == ""


@pytest.mark.parametrize("answer", ["BAFDEC", "bafdec", "B, A, F, D, E, C", list("BAFDEC")])
def test_an_order_may_be_written_in_any_way(answer):
    assert check("06.loop", answer).correct


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("BAFCED", "Up to F it is right"),
        ("ABFDEC", "4 of 6 are right; look again at number 1"),
        ("BAFDE", "6 letters"),
        ("BAFDEX", "There is no X here"),
        ("BAFDEB", "B stands in it more than once"),
    ],
)
def test_an_order_says_how_far_it_holds(answer, words):
    assert words in check("06.loop", answer).message


def test_letters_that_may_repeat_are_judged_place_by_place():
    kind = Order("SDM", repeats=True)
    assert kind.judge("DDM", "SDM", []) == "2 of 3 are right; look again at number 1."


def test_a_subset_tells_too_many_from_too_few():
    kind = Subset("ABCD", too_many="{letter} is not one.")
    assert kind.judge("BA", "AB", []) is None
    assert kind.judge("ABD", "AB", []) == "D is not one."
    assert "still missing" in kind.judge("A", "AB", [])


def test_a_decision_needs_the_option_and_its_figure():
    kind = Decision("AB", Number(tolerance=0.01), figure_is="the share")
    assert kind.judge(("b", 0.5), ("B", 0.5), []) is None
    assert kind.judge(("A", 0.5), ("B", 0.5), []) == (
        "It is not A. For each option, look at the share: that decides."
    )
    assert "Now the share: That is in percent" in kind.judge(("B", 50), ("B", 0.5), [])
    assert kind.judge("B", ("B", 0.5), []).startswith("A letter and a number are asked for")


def test_a_function_that_raises_is_told_what_it_raised():
    said = check("06.accuracy_on_tag", lambda *_: 1 / 0).message
    assert said == "Called with (100, 400, 0.3, 0.3) it raised ZeroDivisionError: division by zero."
    assert "missing" in check("06.accuracy_on_tag", lambda a, b, c, d, e: 1).message


def test_a_function_that_is_right_once_is_not_right():
    assert (
        "no correct item"
        in check("06.accuracy_on_tag", lambda e, c, *_: c / (e + c)).message.lower()
    )


@pytest.mark.parametrize(
    ("name", "near"), [("06.gian", "06.gain"), ("6.gain", "06.gain"), ("06.GAP", "00.gap")]
)
def test_an_unknown_id_names_near_ones(name, near):
    with pytest.raises(
        ExerciseError, match=f"there is no exercise '{name}'. Did you mean .*{near}"
    ):
        check(name, 1)


def test_an_unknown_id_far_from_all_lists_the_notebooks_own():
    with pytest.raises(ExerciseError, match=r"There are 06\.loop, 06\.gain"):
        hint("06.xxxxxxxxxxxx")


def test_what_an_exercise_needs_is_said_with_the_call():
    with pytest.raises(ExerciseError) as caught:
        check("00.gap", 0.5)
    assert str(caught.value) == (
        '00.gap needs predictions: check("00.gap", my_answer, predictions=predictions).'
    )
    with pytest.raises(ExerciseError, match=r'06\.gain knows no report: reveal\("06\.gain"\)'):
        reveal("06.gain", report=1)


def test_progress_is_a_readable_file_and_solved_stays_solved():
    check("06.gain", 0.5)
    check("06.gain", 0.006)
    check("06.gain", 0.5)
    kept = json.loads(record.PLACE.read_text())["exercises"]
    assert kept["06.gain"]["state"] == "correct"
    assert kept["06.gain"]["tries"] == 2
    said = progress()
    assert (said.correct, said.n) == (1, len(ALL))
    assert repr(said) == f"1 of {len(ALL)} exercises solved."
    page = said._repr_html_()
    assert page.count("<tr>") == 1 + len({one.id[:2] for one in ALL})
    assert "06_error_analysis" in page
    assert "✔ gain" in page
    assert "○ rank" in page


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b'{"exercises": 3}', b'{"exercises": {"06.gain": 3}}', b"\xff\xfe"]
)
def test_a_damaged_file_is_kept_aside_and_said(content):
    record.PLACE.parent.mkdir()
    record.PLACE.write_bytes(content)
    outcome = check("06.gain", 0.006)
    assert outcome.correct
    assert "was damaged: it is kept as progress-damaged-1.json" in outcome.message
    assert record.PLACE.with_name("progress-damaged-1.json").read_bytes() == content
    assert progress().correct == 1
    record.PLACE.write_bytes(content)
    assert "progress-damaged-2.json" in progress().note


@pytest.mark.skipif(os.name == "nt", reason="a folder where a file should be, the POSIX way")
def test_an_answer_counts_where_nothing_can_be_written(tmp_path):
    (tmp_path / "work").write_text("a file stands where the folder should be")
    outcome = check("06.gain", 0.006)
    assert outcome.correct
    assert "Not kept" in outcome.message or "cannot be read" in outcome.message


def test_an_outcome_escapes_what_it_shows():
    outcome = check("06.gain", "<script>alert(1)</script>")
    assert "<script>" not in outcome._repr_html_()
    assert "&lt;script&gt;" in outcome._repr_html_()


def test_shape_and_words_stand_beside_the_colour():
    said = [check("06.gain", answer)._repr_html_() for answer in (..., 0.5, 0.006)]
    assert [s[s.index("<strong>") + 8] for s in said] == ["○", "△", "✔"]


def test_hint_says_where_to_look_and_not_the_answer(capsys):
    for one in ALL:
        hint(one.id)
    said = capsys.readouterr().out
    assert all(f"{one.id}: {one.hint}" in said for one in ALL)
    assert "0.006" not in said


def test_left_open_looks_inside():
    assert left_open({"a": ..., "b": 1})
    assert not left_open({"a": 0})
    assert not left_open(0)


def test_ids_are_unique_and_belong_to_their_notebook():
    assert len(BY_ID) == len(ALL)
    assert {one.id[:2] for one in exercises("06")} == {"06"}
    with pytest.raises(ExerciseError, match="there are no exercises for a notebook '99'"):
        exercises("99")


@pytest.mark.parametrize(("low", "letter"), [(0.01, "A"), (-0.01, "B")])
def test_a_merge_stands_where_its_interval_is_above_nothing(low, letter):
    merges = SimpleNamespace(gain=0.08, low=low)
    assert reveal("02.merge", merges=merges).answer == (letter, 0.08)


def test_what_a_label_has_to_pay_by_hand():
    labels_an_hour = 48 * 60 / 18  # a fifth of the hour goes elsewhere
    assert reveal("02.pay").answer * labels_an_hour == pytest.approx(15)


def test_the_widest_gap_is_looked_for_where_somebody_labelled(given):
    letter, gap = reveal("03.gap", by_level=given["by_level"]).answer
    assert (letter, gap) == ("C", pytest.approx(0.5))


def test_each_label_against_the_majority_of_the_other_three_by_counting():
    right = 0.0
    for clip in ["3333", "5559", "1111", "5599"]:
        for place, said in enumerate(clip):
            others = Counter(clip[:place] + clip[place + 1 :])
            most = [label for label, votes in others.items() if votes == max(others.values())]
            right += (said in most) / len(most)
    assert reveal("03.loo").answer == pytest.approx(right / 16)


def test_what_is_ahead_on_average_is_behind_where_it_counts():
    lead = sum(share * (model - people) for share, people, model in (FORM, WORDS))
    assert lead == pytest.approx(0.02)
    assert reveal("03.beats").answer == ("B", pytest.approx(0.08))


def test_a_wrong_figure_that_happens_to_be_the_gap_is_none():
    levels = pd.DataFrame({"hlp": [0.9, 0.8, 0.2, 0.1], "accuracy": [0.9, 0.0, 0.1, 0.1]})
    assert check("03.gap", ("B", 0.8), by_level=levels).correct
    for give, words in BY_ID["03.gap"].wrong:
        assert words in check("03.gap", give(by_level=levels), by_level=levels).message


@pytest.mark.parametrize("name", ["03.gap", "03.beats", "03.raise", "03.cross"])
def test_every_other_letter_has_words_of_its_own(name, given):
    one = BY_ID[name]
    handed = handed_to(one, given)
    right = one.right(**handed)
    said = {
        judged(one, (letter, right[1]), given).message
        for letter in one.kind.options
        if letter != right[0]
    }
    assert len(said) == len(one.kind.options) - 1
    assert not any("that decides." in words for words in said)


def test_the_words_on_the_gap_hold_whatever_the_learner_measured():
    """Right in the noisiest level, wrong in the clean one: the table of a few clips may say so."""
    odd = pd.DataFrame({"hlp": [0.5, 0.6, 0.7, 1.0], "accuracy": [0.9, 0.9, 0.6, 0.0]})
    said = check("03.gap", ("D", 1.0), by_level=odd)
    assert said.correct
    assert not any(word in said.message for word in ("guess", "whole", "gone"))


def test_the_factor_gives_noise_the_ratio_that_was_asked_for():
    factor = reveal("08.noise").answer
    rng = np.random.default_rng(0)
    clip, noise = np.sin(np.arange(4000) / 5), 3 * rng.normal(size=4000)
    added = noise * factor(np.mean(clip**2), np.mean(noise**2), 12.5)
    assert 10 * np.log10(np.mean(clip**2) / np.mean(added**2)) == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("low", "high", "letter"), [(0.01, 0.03, "A"), (-0.01, 0.03, "B"), (-0.03, -0.01, "C")]
)
def test_what_copies_brought_is_read_off_its_interval(low, high, letter):
    table = pd.DataFrame({"n": [100], "mended": [30], "broken": [28]})
    told = SimpleNamespace(difference=0.02, low=low, high=high, table=table)
    assert reveal("08.told", told=told).answer == (letter, 0.02)


@pytest.mark.parametrize(
    ("low", "high", "letter"), [(0.01, 0.03, "A"), (-0.01, 0.03, "B"), (-0.03, -0.01, "C")]
)
def test_what_a_round_brought_is_read_off_its_interval(low, high, letter):
    brought = SimpleNamespace(difference=(low + high) / 2, low=low, high=high)
    assert reveal("11.brought", brought=brought).answer == (letter, (low + high) / 2)


def test_an_interval_of_no_width_has_no_end_of_its_own():
    same = SimpleNamespace(difference=0.0, low=0.0, high=0.0)
    assert check("11.brought", ("B", 0.0), brought=same).state == "correct"


def test_how_little_one_item_says():
    low = binomtest(1, 1).proportion_ci(method="wilson").low
    assert reveal("11.one").answer == pytest.approx(low)


def test_one_row_is_not_all_of_them_and_is_told_so(given):
    table = pd.DataFrame({"n": [100, 100], "mended": [12, 14], "broken": [8, 2]})
    table = table.assign(before=[0.4, 0.6], difference=[0.04, 0.12])
    told = SimpleNamespace(difference=0.08, low=0.02, high=0.14, table=table)
    assert "weakest before" in check("08.told", ("A", 0.04), told=told).message
    assert "gained most" in check("08.told", ("A", 0.12), told=told).message
    near = given["flips"].copy()
    near.loc["mirrored", "small"] = near.loc["turned", "small"] + 0.006
    fall = near.loc["as they are", "small"] - near.loc["mirrored", "small"]
    assert "mirrored" in check("08.flip", ("A", fall), flips=near).message


def test_the_letters_that_keep_their_label_cannot_be_found_one_by_one():
    said = {check("08.keeps", letters).message for letters in ("A", "B", "E", "AB", "AC", "CDE")}
    assert len(said) == 1


def test_what_is_worth_more_may_be_either(given):
    assert reveal("08.worth", worth=given["worth"]).answer == ("A", pytest.approx(0.15))
    other = pd.Series({"nothing": 0.4, "10 recorded": 0.4, "100 copies": 0.5})
    assert reveal("08.worth", worth=other).answer == ("B", pytest.approx(0.1))
    for give, words in BY_ID["08.worth"].wrong:  # over nothing is here the right figure too
        assert words in check("08.worth", give(worth=other), worth=other).message


def test_a_function_that_only_prints_is_told_to_return(capsys):
    outcome = check("02.alpha", lambda agree, chance: print(agree - chance))
    assert outcome.state == "not answered yet"
    assert outcome.message == "Your function returned nothing: end it with return."
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert "three dots" in check("02.alpha", lambda agree, chance: ...).message
    assert "three dots" in check("02.alpha", ...).message


def test_what_is_not_quite_right_says_where_help_is():
    outcome = check("06.gain", 0.6)
    assert outcome.more == 'hint("06.gain") says where to look.'
    assert repr(outcome).endswith(outcome.more)
    assert "hint(&quot;06.gain&quot;) says" in outcome._repr_html_()
    assert check("06.gain", 0.123).more == 'reveal("06.gain") shows the answer.'  # was the hint
    assert check("06.gain", 0.006).more == ""


def test_the_call_that_shows_the_answer_can_be_typed_as_it_stands(given):
    outcome = check("02.who", 0.999, agreed=given["agreed"])
    assert outcome.more == 'reveal("02.who") shows the answer.'
    shown = reveal("02.who")  # of what the check was given
    assert shown.answer == reveal("02.who", agreed=given["agreed"]).answer
    engine._handed.clear()
    with pytest.raises(ExerciseError, match=r'02.who needs agreed: reveal\("02.who", agreed='):
        reveal("02.who")


def test_a_figure_typed_from_a_rounded_table_is_told_so():
    kind = Number(tolerance=0.0011)
    assert kind.judge(0.30, 0.2973, []).startswith("Nearly, but this looks rounded")
    assert kind.judge(0.31, 0.2973, []) == ""
    assert kind.judge(0.297, 0.2973, []) is None


def test_figures_in_an_answer_are_rounded_where_they_show():
    said = repr(Revealed("x", ("B", 0.2973192526401299), "Why."))
    assert said == "x: ('B', 0.2973)\nWhy."


@pytest.mark.parametrize(("first", "letter"), [(0.97, "A"), (0.95, "A"), (0.7, "B")])
def test_a_ranking_is_firm_from_95_in_100_drawn_teams(first, letter):
    ranking = SimpleNamespace(first=first)
    assert reveal("01.rank", ranking=ranking).answer == (letter, pytest.approx(1 - first))


def test_how_much_to_collect_for_a_rare_slice_by_hand():
    items = 1.96**2 * 0.9 * 0.1 / 0.05**2
    assert reveal("01.needs").answer == pytest.approx(items * 50, abs=0.5)


def on_the_screen(result):
    """Whole percentages in the last column of a result's table, typed as shares."""
    rows = re.findall(r"<tr.*?</tr>", result._repr_html_(), re.DOTALL)
    return [int(row[-1]) / 100 for row in (re.findall(r">(\d+) %<", row) for row in rows) if row]


def test_scoping_takes_its_figures_as_they_stand_on_the_screen():
    tables = scoping.example_tables()
    ranking, saving = scoping.rank(tables["scores"]), scoping.chain(tables["links"])
    typed = on_the_screen(ranking)
    assert typed[:3] == [0.7, 0.25, 0.05]
    assert check("01.rank", ("B", round(1 - typed[0], 2)), ranking=ranking).correct
    assert check("01.rank", ("B", round(sum(typed[1:]), 2)), ranking=ranking).correct
    typed = on_the_screen(saving)
    assert typed == [0.24, 0.34, 0.49]
    assert check("01.chain", ("C", max(typed)), saving=saving).correct
    weeks = scoping.total(tables["milestones"])
    assert check("01.plan", ("B", round(weeks.enough(0.9), 1)), weeks=weeks).correct
    for name, answer, given in [
        ("01.rank", ("B", 30), {"ranking": ranking}),
        ("01.chain", ("C", 49), {"saving": saving}),
    ]:
        assert "That is in percent" in check(name, answer, **given).message


def test_scoping_reveals_what_one_would_write():
    tables = scoping.example_tables()
    given = {
        "01.rank": {"ranking": scoping.rank(tables["scores"])},
        "01.chain": {"saving": scoping.chain(tables["links"])},
        "01.plan": {"weeks": scoping.total(tables["milestones"])},
    }
    for name in ("01.rank", "01.chain", "01.plan", "01.needs", "01.targets"):
        answer = reveal(name, **given.get(name, {})).answer
        figure = answer[1] if isinstance(answer, tuple) else answer
        assert len(repr(figure)) <= 5, name


class TestSettings:
    """Any settings that reach what is asked are right; the first property that fails is told."""

    @staticmethod
    def said(answer, given):
        return check("10.policy", answer, tried=given["tried"])

    def test_other_settings_than_those_shown_are_right_too(self, given):
        assert self.said({"labels_week": 40, "canary": 0.3}, given).correct

    def test_a_setting_left_open_is_not_answered(self, given):
        assert self.said({"labels_week": 40, "canary": ...}, given).state == "not answered yet"

    def test_the_world_is_not_to_be_set(self, given):
        outcome = self.said({"kind": "none"}, given)
        assert "kind is not yours to set here; there are retrain, inputs_above" in outcome.message

    def test_what_the_trial_refuses_is_told_and_not_raised(self):
        def tried(settings):
            raise ValueError(f"canary lies from 0 to 1; got {settings['canary']}.")

        outcome = check("10.policy", {"canary": 7}, tried=tried)
        assert "canary lies from 0 to 1; got 7." in outcome.message

    def test_something_else_than_settings(self, given):
        assert 'Settings by name are asked for, like {"retrain": ...}' in (
            self.said(0.5, given).message
        )
