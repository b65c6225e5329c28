"""Notebook 09: what its prose says is so, what its server did, and that nothing of it stays."""

import json
import re
import socket
import urllib.request

import nbformat
import numpy as np
import pandas as pd
import pytest

from mlkit import datasets, deployment
from mlkit.exercises import reveal
from test_notebooks import load, run_offline, said, said_in

NAME = "09_deploy_model"
# What the kernel knows at the end, for the tests to look at.
PROBE = """
_parts = {"train": train, "dev": dev, "arriving": arriving, "fresh": fresh & ~train}
_facts = {
    "rates": {n: false_alarms(n, runs=2000).to_dict() for n in (1, 20)},
    "needs": needs.to_dict(), "waited": waited.to_dict(), "have": have,
    "ways": ways.reset_index(names="way").to_dict("records"),
    "items": {name: clips["item"][rows].tolist() for name, rows in _parts.items()},
    "weeks": [week["item"].tolist() for week in weeks],
    "queue": queue["item"].tolist(),
    "newcomer": clips["item"][clips["speaker"] == newcomer].tolist(),
    "alone": {name: float((rows["prediction"] == rows["label"])[rows["score"] >= limit].mean())
              for name, rows in {"dev": judged, "week two": told}.items()},
    "degrees": {price: [one.degree, float(one.table["by_model"][one.table["cost"].idxmin()])]
                for price in (100, 500) for one in [cost(error_cost=price)]},
    "brought": brought, "apart": by_itself(told).to_dict("index"),
    "share": server.share, "url": server.url, "running": server.running,
    "changed": changed.to_dict(),
}
print("FACTS" + json.dumps(_facts, default=float))
"""


def cells() -> dict[str, str]:
    return {cell.id: cell.source for cell in load(NAME).cells}


def run(folder, data, *extra: str) -> nbformat.NotebookNode:
    folder.mkdir(parents=True, exist_ok=True)
    notebook = load(NAME)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in extra]
    return run_offline(notebook, folder, data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole") / "notebooks"


@pytest.fixture(scope="module")
def done(folder, features_kept):
    again = cells()["start"] + "\nprint('AGAIN', server.share, server.running, len(server.log()))"
    queue = cells()["labeler"] + "\nprint('TWICE', len(told), len(server.log()))"
    gone = "server.stop()\nserver.stop()\nprint('GONE', server.running)"
    nobody = "try:\n    call('/health')\nexcept RuntimeError as told:\n    print('NOBODY', told)"
    return run(folder, features_kept, PROBE, again, queue, queue, gone, queue, nobody)


@pytest.fixture(scope="module")
def facts(done):
    return json.loads(re.search(r"FACTS(\{.*\})", said(done))[1])


@pytest.fixture(scope="module")
def log(done, folder):
    path = folder / "work/serving_log.csv"
    return pd.read_csv(path, dtype={"label": "Int64", "prediction": "Int64"}, low_memory=False)


class TestWhatTheProseSays:
    def test_new_is_better_and_breaks_something(self, facts):
        right, wrong = facts["changed"]["right"], facts["changed"]["wrong"]
        assert right["wrong"] > wrong["right"] > 0  # mended, broken

    def test_a_test_by_request_cries_wolf_and_one_by_user_does_not(self, facts):
        alike, many = facts["rates"]["1"], facts["rates"]["20"]
        assert alike["by request"] == pytest.approx(0.05, abs=0.02)
        assert many["by user"] == pytest.approx(0.05, abs=0.02)
        assert many["by request"] > 0.25

    def test_at_one_percent_waiting_does_not_help(self, facts):
        have, waited = facts["have"], facts["waited"]
        assert [waited[days] > waited[later] for days, later in (("30", "90"), ("90", "3650"))]
        assert min(waited.values()) > 4 * have
        assert facts["needs"]["0.05"] > have > facts["needs"]["0.2"] > facts["needs"]["0.5"]

    def test_peeking_finds_what_is_not_there(self, done):
        shown = said_in(done, "peek-by-hand")
        once, any_day = (float(x) / 100 for x in re.findall(r"([\d.]+)%", shown))
        assert once == pytest.approx(0.05, abs=0.025)
        assert any_day > 0.2

    def test_shadow_is_soonest_and_a_small_canary_sees_nothing(self, facts):
        ways = pd.DataFrame(facts["ways"]).set_index("way")
        assert ways["days"].idxmin() == "shadow"
        assert ways["errors"]["shadow"] == 0
        assert ways.loc[["shadow", "A/B"], "last"].tolist() == ["roll back"] * 2
        assert ways.loc[["canary, 1 %", "canary, 5 %"], "last"].tolist() == ["goes on"] * 2
        assert ways["errors"].idxmax() == "all at once"

    def test_the_threshold_of_dev_lets_more_errors_through_in_week_two(self, facts):
        assert facts["alone"]["week two"] < facts["alone"]["dev"]

    def test_it_is_the_newcomer_who_loses_by_it(self, facts):
        known, newcomer = facts["apart"]["known voices"], facts["apart"]["the newcomer"]
        assert newcomer["right of these"] < known["right of these"]
        assert newcomer["new answers alone"] < known["new answers alone"]

    def test_the_newcomer_gains_and_the_intervals_overlap(self, facts):
        for who in ("everybody", "the newcomer"):
            told = {
                name: [int(x) for x in re.findall(r"(\d+)%", text)]
                for name, text in facts["brought"][who].items()
            }
            assert list(told) == ["new", "+ scans", "+ queue", "+ both"]
            assert all(share >= told["new"][0] for share, *_ in told.values())
            assert max(low for _, low, _ in told.values()) < min(high for *_, high in told.values())
            assert told["+ queue"][0] >= told["+ scans"][0]
        assert len(facts["queue"]) < len(facts["weeks"][0]) / 2

    def test_part_of_it_is_cheapest_and_less_where_errors_cost_more(self, facts):
        (cheap, by_model), (dear, less) = facts["degrees"]["100"], facts["degrees"]["500"]
        assert cheap == dear == "partial automation"
        assert less < by_model


def test_the_interval_for_all_looks_holds_at_all_looks():
    """The same month as in the notebook, by `deployment.compare` and not by its formula."""
    rng, users, alarms = np.random.default_rng(3), 400, {"once": 0, "any": 0}
    version = np.array(["old", "new"])[np.arange(users) % 2]
    for _ in range(60):
        own = rng.beta(17, 3, users)
        right, asked, out = np.zeros(users, int), 0, set()
        for _day in range(10):
            right, asked = right + rng.binomial(2, own), asked + 2
            seen = pd.DataFrame({"user": np.arange(users).astype(str), "version": version})
            seen = seen.assign(requests=asked, labelled=asked, right=right, failed=0, slow=0)
            for looks in alarms:
                found = deployment.compare(seen, looks=looks, expected=0.02)
                if found.low * found.high > 0:
                    out.add(looks)
        for looks in out:
            alarms[looks] += 1
    assert alarms["any"] <= 0.05 * 60 < alarms["once"]


def test_the_plans_of_the_exercise_on_peeking():
    """False alarms of each, in months in which nothing differs; C is the test above."""
    paths = np.random.default_rng(5).normal(size=(20_000, 30)).cumsum(axis=1)
    z = paths / np.sqrt(np.arange(1, 31))
    usual = 1.96
    rates = {
        "A": (abs(z) > usual).any(axis=1).mean(),
        "B": (abs(z[:, -1]) > usual).mean(),
        "D": (z < -usual).any(axis=1).mean(),
    }
    nearly = (abs(z[:, 13]) > 1.3) & (abs(z[:, 13]) <= usual)
    rates["E"] = ((abs(z[:, 13]) > usual) | (nearly & (abs(z[:, -1]) > usual))).mean()
    assert rates["B"] == pytest.approx(0.05, abs=0.005)
    assert min(rates["A"], rates["D"], rates["E"]) > 0.055
    assert reveal("09.peek").answer == "BC"


@pytest.mark.parametrize(
    ("way", "last"), [("shadow", "promote"), ("canary", "roll back"), ("A/B", "roll back")]
)
def test_after_the_change_new_comes_back_from_shadow_alone(way, last):
    """As the sliders stand at first."""
    modes = {"shadow": "shadow", "canary": "canary", "A/B": "ab"}
    asked = datasets.make_traffic(
        days=60, requests=150, label_delay_days=2, kind="concept", onset_day=20, size=0.5
    )
    ramp = (0.2,) if way == "A/B" else (0.2, 1.0)
    run = deployment.simulate(asked, deployment.Policy(modes[way], ramp=ramp), every="1D")
    assert run.events["action"].iloc[-1] == last
    start = asked["timestamp"].min()
    assert ((run.events["timestamp"].iloc[-1] - start).days > 20) == (way == "shadow")


class TestWhoLearntFromWhat:
    def test_nothing_that_arrives_was_seen_before(self, facts):
        items, weeks = facts["items"], facts["weeks"]
        assert not set(items["arriving"]) & {*items["train"], *items["dev"]}
        assert sorted(item for week in weeks for item in week) == sorted(items["arriving"])
        assert len(set(items["arriving"])) == len(items["arriving"])
        assert not set(facts["newcomer"]) & {*items["train"], *items["dev"]}
        assert all(set(week) & set(facts["newcomer"]) for week in weeks)

    def test_week_three_is_told_by_versions_that_have_not_learnt_from_it(self, facts):
        learnt = set(facts["items"]["fresh"])
        assert learnt == {*facts["weeks"][0], *facts["queue"]}
        assert set(facts["queue"]) <= set(facts["weeks"][1])
        assert not learnt & set(facts["weeks"][2])


class TestServer:
    def test_no_headset_sees_the_crash(self, done, log, facts):
        n = len(facts["weeks"][2])
        assert f"Answers by status: {{200: {n}}}" in said_in(done, "crash-run")
        last = log[log["era"] == log["era"][log["failure"].notna()].max()]
        assert last["served"].sum() == n
        failed = last[last["prediction"].isna()]
        assert len(failed) > 20
        assert set(failed["version"]) == {"new"}
        assert not failed["served"].any()
        helped = last[last["served"] & last["item"].isin(failed["item"])]
        assert set(helped["version"]) == {"old"}
        assert len(helped) == len(failed)
        assert "new is worse: failed" in said_in(done, "crash-run")
        assert facts["share"] == 0

    def test_the_comparison_leaves_out_old_where_it_stood_in(self, log):
        last = log[log["era"] == log["era"][log["failure"].notna()].max()]
        counted = deployment.tally(last).groupby("version")[["requests", "failed"]].sum()
        routed = last[last["served"]]["routed"].value_counts()
        assert counted["requests"].to_dict() == routed.to_dict()
        assert counted.loc["new", "failed"] == last["failure"].notna().sum()

    def test_old_serves_in_shadow_new_when_promoted(self, log, facts):
        served = log[log["served"]].drop_duplicates("item").set_index("item")["version"]
        one, two, three = ([served[item] for item in week] for week in facts["weeks"])
        assert (set(one), set(two), set(three)) == ({"old"}, {"new"}, {"old"})
        both = log[log["item"].isin(facts["weeks"][0])]
        assert (both.groupby("item")["version"].nunique() == 2).all()

    def test_labels_are_those_that_came(self, log, facts):
        known = set(log["item"][log["label"].notna()])
        assert known == {*facts["weeks"][0], *facts["queue"], *facts["weeks"][2]}

    def test_nobody_changes_the_share_without_the_token(self, done):
        shown = said_in(done, "promote")
        assert "without the token: 401" in shown
        assert "'share': 1.0" in shown

    def test_the_limits_of_the_card_are_held_against_it(self, done):
        (cell,) = [each for each in done.cells if each.id == "promote"]
        shown = [out.data.get("text/html", "") for out in cell.outputs if "data" in out]
        assert "at most 100 ms" in "".join(shown)
        p50, p95, p99 = map(float, re.findall(r"p\d\d ([\d.]+)", said_in(done, "promote")))
        assert 0 < p50 <= p95 <= p99

    def test_it_was_stopped_and_its_port_is_free(self, facts):
        assert not facts["running"]
        port = int(facts["url"].rsplit(":", 1)[1])
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0

    def test_the_server_and_a_comparison_say_the_same_of_week_one(self, done):
        limits = re.findall(r"\(([+-][\d.]+) to ([+-][\d.]+)", said_in(done, "week-one"))
        assert len(limits) == 2
        assert limits[0] == limits[1]

    def test_nothing_is_sent_twice_and_a_stopped_server_is_named(self, done, facts):
        n = len(facts["weeks"][1])
        assert re.findall(r"TWICE (\d+) (\d+)", said(done)) == [(str(n), str(2 * n))] * 3
        assert "NOBODY No server at http://127.0.0.1" in said(done)

    def test_its_cell_can_be_run_again(self, done):
        assert "AGAIN 0.0 True 0" in said(done)
        assert "GONE False" in said(done)

    def test_it_leaves_what_the_next_notebook_reads_and_no_more(self, done, folder):
        assert [path.name for path in folder.iterdir()] == ["work"]
        names = {path.name.split("-")[0] for path in (folder / "work").iterdir()}
        assert names == {"journal_queue.db", "policy.json", "serving_log.csv"}
        text = (folder / "work/policy.json").read_text("utf-8")
        assert deployment.Policy.from_json(text).mode == "shadow"

    def test_the_log_is_one_that_monitoring_reads(self, log):
        assert {"timestamp", "item", "prediction", "label", "user", "score", "m00"} <= set(log)
        assert log["score"].dropna().between(0, 1).all()


def test_two_notebooks_do_not_meet(tmp_path, monkeypatch):
    """Two kernels in one folder: each its own port, its own log."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    simple = "def answer(model, sent):\n    return model\n"
    names: list[dict] = [{}, {}]
    for one in names:
        exec(cells()["setup"] + "\n" + simple + "old, new = 'o', 'n'\n" + cells()["start"], one)
    try:
        urls = [one["server"].url for one in names]
        assert urls[0] != urls[1]
        for one in names:
            body = {"item": "i", "user": "u", "features": {}}
            data = json.dumps(body).encode()
            headers = {"Content-Type": "application/json"}
            asked = urllib.request.Request(one["server"].url + "/predict", data, headers)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as got:
                assert json.loads(got.read())["prediction"] == "o"
        assert [len(one["server"].log().query("served")) for one in names] == [1, 1]
    finally:
        for one in names:
            one["server"].stop()
            one["folder"].cleanup()
