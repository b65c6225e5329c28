"""The server when something breaks: the candidate, the disk, the process, a client."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from mlkit import deployment, serving
from mlkit.deployment import Policy, Rule
from mlkit.serving.__main__ import main
from mlkit.serving._store import Store, as_json, now, row
from test_serving import HALF, MODELS, ask, begin, predict  # noqa: F401 - begin is a fixture
from test_tags_faults import database, postgres  # noqa: F401 - a server of our own, as fixtures

ALL = Policy("canary", ramp=(1.0,))


def until(holds, *, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


# --- the candidate ---


def crash(_features):
    raise SystemExit("broken\x00")


def stop_iteration(_features):
    raise StopIteration


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (crash, "RuntimeError: SystemExit: broken"),
        (stop_iteration, "RuntimeError: StopIteration"),
        (lambda features: features["no such"], "KeyError: 'no such'"),
        (lambda features: None, "TypeError: a model returns one prediction"),
        (lambda features: float("nan"), "TypeError: a model returns one prediction"),
        (lambda features: float("inf"), "ValueError"),
        (lambda features: ["new"], "TypeError: a model returns one prediction"),
        (lambda features: ("new", "high"), "ValueError: could not convert string to float"),
    ],
)  # fmt: skip
def test_no_user_sees_a_candidate_that_fails(begin, candidate, words):  # noqa: F811 - a fixture
    server = begin({**MODELS, "new": candidate}, ALL)
    answers = [predict(server, f"i{k}", f"u{k}") for k in range(5)]
    assert [status for status, _ in answers] == [200] * 5
    assert {answer["version"] for _, answer in answers} == {"old"}
    log = server.log()
    new = log[log["version"] == "new"]
    assert log.groupby("item")["served"].sum().tolist() == [1] * 5
    assert len(new) == 5
    assert not new["served"].any()
    assert new["prediction"].isna().all()
    assert new["failure"].str.startswith(words).all()


def test_where_old_stepped_in_is_counted_for_new_alone(begin):  # noqa: F811 - a fixture
    server = begin({**MODELS, "new": crash}, ALL)
    for k in range(4):
        predict(server, f"i{k}", f"u{k}")
    tally = server._rollout.store.tally(0, mode="canary", slow_ms=None)
    assert tally["version"].tolist() == ["new"] * 4
    assert tally["failed"].tolist() == [1] * 4


def test_a_slow_candidate_costs_its_limit_and_then_nothing(begin):  # noqa: F811 - a fixture
    free = threading.Event()
    models = {**MODELS, "new": lambda features: (free.wait(60), "new")[1]}
    server = begin(models, ALL, limit_ms=50, threads=2)
    began = time.monotonic()
    answers = [predict(server, f"i{k}", f"u{k}")[1] for k in range(30)]
    assert {answer["version"] for answer in answers} == {"old"}
    assert time.monotonic() - began < 30 * 0.05 + 10  # not 30 calls of 60 s
    failures = server.log()["failure"].dropna()
    assert failures.head(2).tolist() == ["too slow: no answer within 50 ms"] * 2
    # On a busy machine a call may be given up before its thread began it; then one more is free.
    assert set(failures.tail(20)) == {"too slow: all its threads are still in earlier calls"}
    free.set()  # the threads come back, and with them the candidate
    until(lambda: predict(server, "again", "u")[1]["version"] == "new")


def test_a_candidate_that_never_returns_does_not_keep_the_server(begin):  # noqa: F811 - a fixture
    forever = threading.Event()
    server = begin({**MODELS, "new": lambda features: forever.wait()}, ALL, limit_ms=50)
    assert predict(server, "i", "u")[0] == 200
    server.stop()
    assert not server.running
    forever.set()


def test_when_old_fails_the_user_is_told_no_more_than_that(begin):  # noqa: F811 - a fixture
    server = begin({"old": crash, "new": crash}, ALL)
    assert predict(server, "i", "u") == (500, {"detail": "the model failed; the log says why."})
    log = server.log()
    assert log["version"].tolist() == ["new", "old"]
    assert not log["served"].any()
    assert log["prediction"].isna().all()


# --- the policy at work ---


def test_a_bad_candidate_is_rolled_back_by_the_first_look_that_can_know(begin):  # noqa: F811 - a fixture
    """By the rule's own number of users: one fewer, and nothing may be decided."""
    policy = Policy(ramp=(0.5, 1.0), rules=(Rule("failed", tolerable=0.01),), users=50)
    users = [f"u{k}" for k in range(400)]
    on_new = [k for k, v in enumerate(policy.versions(users, share=0.5)) if v == "new"]
    server = begin({**MODELS, "new": crash}, policy)
    for k in range(on_new[49]):
        predict(server, f"i{k}", users[k])
    assert server.look().action == "hold"
    assert server.share == 0.5
    predict(server, "the fiftieth", users[on_new[49]])
    decision = server.look()
    assert (decision.action, server.share) == ("roll back", 0.0)
    assert decision.why.startswith("new is worse: failed +100.0")
    assert server.changes()[["action", "share"]].to_numpy().tolist() == [
        ["start", 0.5], ["roll back", 0.0],
    ]  # fmt: skip
    before = len(server.log())
    assert {predict(server, f"j{k}", users[k])[1]["version"] for k in range(20)} == {"old"}
    later = server.log().iloc[before:]
    assert (later["version"] == "old").all()
    assert (later["era"] == 1).all()


def test_it_looks_by_itself(begin):  # noqa: F811 - a fixture
    policy = Policy(ramp=(1.0,), rules=(Rule("accuracy"),), users=10)
    server = begin(policy=policy, every_s=0.1)
    server.change(0.5)
    for k in range(80):
        predict(server, f"i{k}", f"u{k}")
        ask(server, "/feedback", {"item": f"i{k}", "label": "old"})
    until(lambda: server.share == 0)
    assert server.changes()["action"].tolist() == ["start", "share", "roll back"]


def test_a_good_candidate_gets_more_users_and_keeps_those_it_had(begin):  # noqa: F811 - a fixture
    policy = Policy(ramp=(0.5, 0.9), rules=(Rule("failed", tolerable=0.4),), users=10)
    server = begin(policy=policy)
    users = [f"u{k}" for k in range(120)]
    had = {u for k, u in enumerate(users) if predict(server, f"i{k}", u)[1]["version"] == "new"}
    assert server.look().action == "ramp"
    assert server.share == 0.9
    have = {u for k, u in enumerate(users) if predict(server, f"j{k}", u)[1]["version"] == "new"}
    assert had < have


def test_in_shadow_a_bad_candidate_is_told_once_and_a_good_one_promoted(begin):  # noqa: F811 - a fixture
    policy = Policy("shadow", rules=(Rule("failed", tolerable=0.4),), users=10)
    ill = [True]
    server = begin({**MODELS, "new": lambda features: None if ill[0] else "new"}, policy)
    for k in range(40):
        predict(server, f"i{k}", f"u{k}")
    until(lambda: len(server.log()) == 80)
    assert [server.look().action for _ in range(2)] == ["roll back"] * 2
    assert server.changes()["action"].tolist() == ["start", "roll back"]
    server.stop()

    ill[0] = False
    server = begin({**MODELS, "new": lambda features: "new"}, policy, candidate="mended")
    for k in range(120):
        assert predict(server, f"j{k}", f"u{k}")[1]["version"] == "old"
    until(lambda: len(server.log()) == 80 + 240)
    assert server.look().action == "promote"
    assert predict(server, "k", "u1")[1]["version"] == "new"


def test_blue_green_switches_all_and_back_at_once(begin):  # noqa: F811 - a fixture
    server = begin(policy=Policy("blue_green"), token="secret")
    users = [f"u{k}" for k in range(20)]
    assert {predict(server, u, u)[1]["version"] for u in users} == {"new"}
    ask(server, "/admin/rollout", {"action": "roll back"}, token="secret")
    assert {predict(server, u, u)[1]["version"] for u in users} == {"old"}


def test_the_look_decides_what_the_policy_says_of_the_log(begin):  # noqa: F811 - a fixture
    server = begin(policy=Policy(ramp=(0.5, 1.0), rules=(Rule("failed", tolerable=0.4),), users=10))
    for k in range(60):
        predict(server, f"i{k}", f"u{k % 30}")
    expected = server.policy.step(deployment.tally(server.log()), share=0.5)
    assert server.look() == expected


@pytest.mark.parametrize("lies_in", ["sqlite", "postgresql"])
def test_the_database_counts_what_the_tally_counts(lies_in, tmp_path, request):
    """Labels late, missing, given twice and spelled otherwise (1 and 1.0, True and 1)."""
    where = tmp_path / "log.db" if lies_in == "sqlite" else request.getfixturevalue("database")
    store, rng = Store(where), np.random.default_rng(5)
    values = [0, 1, 1.0, -0.0, True, 2.5, 2, None]
    rows = [
        row(
            timestamp=now(), item=f"i{k // 2}", user=f"u{rng.integers(9)}", era=int(k > 30),
            routed=(version := ("old", "new")[rng.integers(2)]), version=version, served=True,
            prediction=None if (value := values[rng.integers(8)]) is None else as_json(value),
            score=None, latency_ms=float(rng.integers(5)), failure=None, features="{}",
        )
        for k in range(300)
    ]  # fmt: skip
    labels = [{"label": (f"i{rng.integers(150)}", values[rng.integers(7)])} for _ in range(150)]
    store.write([{"rows": rows}, *labels])
    log = store.log()
    expected = deployment.tally(log[log["era"] == 1], slow_ms=2)
    found = store.tally(1, mode="canary", slow_ms=2)
    found = found.sort_values(["user", "version"], ignore_index=True)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert 0 < found["right"].sum() < found["labelled"].sum() < found["requests"].sum()
    assert store.tally(7, mode="canary", slow_ms=2) is None
    store.close()


# --- the process ---

APP = """
models = {"old": lambda features: "old", "new": lambda features: "new"}
"""


def command(folder, *more):
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "policy.json").write_text(HALF.to_json(), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "mlkit.serving", "app:models", "--policy", "policy.json",
         "--port", "0", "--store", "sqlite:///log.db", *more],
        cwd=folder, env={**os.environ, "MLKIT_SERVING_TOKEN": "secret"}, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip

    class There:
        url = process.stdout.readline().split()[-1]

    until(lambda: _answers(There))
    return process, There


def _answers(server):
    try:
        return ask(server, "/health")[0] == 200
    except OSError:
        return False


def test_killed_and_started_again_it_lost_nothing_and_goes_on(tmp_path):
    process, server = command(tmp_path)
    try:
        assert ask(server, "/admin/rollout", {"share": 0.37}, token="secret")[0] == 200
        answered = []

        def client(number):
            for k in range(10_000):
                try:
                    status, answer = predict(server, f"{number}-{k}", f"u{k % 50}")
                except (OSError, HTTPException):  # the second: killed within an answer
                    return
                assert status == 200
                answered.append((answer["item"], answer["version"]))

        with ThreadPoolExecutor(8) as pool:
            clients = [pool.submit(client, number) for number in range(8)]
            until(lambda: len(answered) > 150)
            process.kill()
        assert not [found for one in clients if (found := one.exception())]
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()
    log = serving.read_log(f"sqlite:///{tmp_path}/log.db")
    assert log["item"].is_unique
    kept = dict(zip(log["item"], log["version"], strict=True))
    assert len(answered) > 150
    assert set(answered) <= set(kept.items())
    assert len(kept) - len(answered) <= 8  # at most what was on its way

    process, server = command(tmp_path)
    try:
        assert ask(server, "/health")[1]["share"] == 0.37
        users = [f"u{k}" for k in range(50)]
        again = [predict(server, f"again {u}", u)[1]["version"] for u in users]
        assert again == HALF.versions(users, share=0.37).tolist()
        if os.name == "posix":
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()
    assert len(serving.read_log(tmp_path / "log.db")) == len(log) + 50


@pytest.mark.parametrize("models", ["nowhere:models", "served_here:nothing"])
def test_the_command_names_what_it_does_not_find(models, tmp_path, monkeypatch, capsys):
    (tmp_path / "served_here.py").write_text(APP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit):
        main([models, "--policy", "policy.json"])
    assert f"{models} is not found:" in capsys.readouterr().err


def test_another_candidate_begins_anew(begin):  # noqa: F811 - a fixture
    server = begin(candidate="spring")
    server.change(1.0)
    server.stop()
    assert begin(candidate="spring").share == 1
    later = begin(candidate="summer")
    assert later.share == 0.5
    assert later.changes()[["action", "candidate"]].to_numpy().tolist() == [
        ["start", "spring"], ["promote", "spring"], ["start", "summer"],
    ]  # fmt: skip


def test_a_running_request_is_answered_before_the_end(begin):  # noqa: F811 - a fixture
    asked = threading.Event()

    def slowly(_features):
        asked.set()
        time.sleep(0.5)
        return "old"

    server = begin({**MODELS, "old": slowly}, Policy("shadow"))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(predict, server, "i", "u")
        assert asked.wait(20)
        server.stop()
        assert answer.result(20)[0] == 200
    assert server.log()["served"].tolist() == [True, False]


# --- many at once, and the store ---


def test_fifty_clients_at_once_share_their_commits(begin):  # noqa: F811 - a fixture
    server = begin()

    def client(number):
        return [predict(server, f"{number}-{k}", f"u{number}") for k in range(10)]

    with ThreadPoolExecutor(50) as pool:
        answers = [one for found in pool.map(client, range(50)) for one in found]
    assert [status for status, _ in answers] == [200] * 500
    log = server.log()
    assert sorted(log["item"]) == sorted(answer["item"] for _, answer in answers)
    kept = dict(zip(log["item"], log["version"], strict=True))
    assert all(kept[answer["item"]] == answer["version"] for _, answer in answers)
    assert log.groupby("user")["version"].nunique().eq(1).all()
    writer = server._rollout._writer
    assert writer.parts == 500
    assert writer.commits < 400


def test_nothing_is_answered_that_is_not_safe(begin, monkeypatch):  # noqa: F811 - a fixture
    server = begin()

    def full(_parts):
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(server._rollout.store, "write", full)
        status, answer = predict(server, "i", "u")
        assert status == 503
        assert answer["detail"].startswith("the log cannot be written, so nothing is answered")
    assert predict(server, "j", "u")[0] == 200
    assert server.log()["item"].tolist() == ["j"]


def test_a_commit_is_on_disk_and_does_not_wait_for_readers(tmp_path):
    store = Store(tmp_path / "log.db")
    with store.engine.connect() as connection:
        found = {
            name: connection.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "fullfsync")
        }
    store.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1}


def test_beyond_the_limit_of_connections_the_answer_is_503(begin):  # noqa: F811 - a fixture
    import socket

    server = begin(limit_concurrency=3)
    host, port = server.url.removeprefix("http://").split(":")
    idle = [socket.create_connection((host, int(port))) for _ in range(4)]
    try:
        until(lambda: predict(server, "i", "u")[0] == 503)
    finally:
        for one in idle:
            one.close()
    until(lambda: predict(server, "j", "u")[0] == 200)


def test_the_log_may_lie_in_postgresql(begin, database):  # noqa: F811 - a fixture
    server = begin(store=database)
    assert [predict(server, f"i{k}", f"u{k}")[0] for k in range(20)] == [200] * 20
    assert ask(server, "/feedback", {"item": "i0", "label": "old"})[0] == 200
    server.change(0.8)
    assert server.look() is None
    cut = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    )
    elsewhere = sa.create_engine(server._rollout.store.url)
    with elsewhere.connect() as connection:
        connection.execute(cut)
    elsewhere.dispose()
    assert predict(server, "after the cut", "u")[0] == 200
    server.stop()
    assert serving.read_log(database)["label"].notna().tolist() == [True] + [False] * 20
    assert begin(store=database).share == 0.8
