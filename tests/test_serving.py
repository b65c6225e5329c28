"""The server on the loopback: what is served to whom, what is refused, what is kept."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from threading import Event, Timer

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlkit import deployment, serving, validation
from mlkit.deployment import Policy, Rule

HALF = Policy("canary", ramp=(0.5, 1.0))
MODELS = {"old": lambda features: "old", "new": lambda features: ("new", 0.75)}


def ask(server, path, body=None, *, token=None, raw=None, kind="application/json"):
    """Status and answer of one request; the answer as JSON where it is JSON."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{server.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text) if text.startswith("{") else text


def predict(server, item, user, **features):
    return ask(server, "/predict", {"item": item, "user": user, "features": features or {"x": 1}})


@pytest.fixture
def begin(tmp_path):
    servers = []

    def start(models=MODELS, policy=HALF, store=tmp_path / "log.db", **more):
        more = {"every_s": 3600, **more}
        servers.append(serving.start(models, policy=policy, store=store, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


# --- who gets what ---


def test_routing_equals_the_policy_and_every_answer_has_its_row(begin):
    server = begin()
    users = [f"user {k}" for k in range(60)]
    answers = [predict(server, f"item {k}", user, x=k)[1] for k, user in enumerate(users)]
    versions = HALF.versions(users, share=0.5).tolist()
    assert {"old", "new"} == set(versions)
    assert [answer["version"] for answer in answers] == versions
    assert [answer["prediction"] for answer in answers] == versions
    assert {answer["score"] for answer in answers} == {None, 0.75}
    log = server.log()
    assert log["item"].tolist() == [answer["item"] for answer in answers]
    assert log["user"].tolist() == users
    assert log["version"].tolist() == log["prediction"].tolist() == versions
    assert log["served"].all()
    assert log["x"].tolist() == list(range(60))
    assert (log["latency_ms"] >= 0).all()


@pytest.mark.parametrize(("share", "version"), [(0.0, "old"), (1.0, "new")])
def test_canary_of_nobody_and_of_all(begin, share, version):
    server = begin()
    server.change(share)
    answers = [predict(server, f"i{k}", f"u{k}")[1] for k in range(20)]
    assert {answer["prediction"] for answer in answers} == {version}


def test_shadow_serves_old_and_keeps_both(begin):
    server = begin(policy=Policy("shadow"))
    answers = [predict(server, f"i{k}", f"u{k}")[1] for k in range(20)]
    assert {answer["version"] for answer in answers} == {"old"}
    server.stop()  # waits for the shadow calls
    log = server.log()
    assert log.groupby("version")["item"].nunique().to_dict() == {"new": 20, "old": 20}
    assert log.groupby("version")["served"].mean().to_dict() == {"new": 0.0, "old": 1.0}
    assert set(log.loc[log["version"] == "new", "prediction"]) == {"new"}


def test_a_user_does_not_wait_for_the_shadow(begin):
    free = Event()
    models = {**MODELS, "new": lambda features: (free.wait(20), "new")[1]}
    server = begin(models, Policy("shadow"), limit_ms=20_000)
    assert predict(server, "i", "u")[1]["version"] == "old"  # while new has not answered
    assert server.log()["version"].tolist() == ["old"]
    Timer(0.6, free.set).start()
    server.stop()  # which waits for it
    assert server.log()["prediction"].tolist() == ["old", "new"]


def test_a_model_cannot_change_what_the_other_gets_or_the_log_keeps(begin):
    def greedy(features):
        features["x"].clear()
        raise ValueError

    models = {"old": lambda features: sum(features["x"]), "new": greedy}
    server = begin(models, Policy(ramp=(1.0,)))
    assert predict(server, "i", "u", x=[1, 2])[1]["prediction"] == 3
    assert server.log()["x"].tolist() == [[1, 2], [1, 2]]


def test_the_simulation_routes_the_same_users_alike(begin):
    requests = pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-01-01", periods=80, freq="min"),
            "item": [f"i{k}" for k in range(80)],
            "user": [f"u{k % 40}" for k in range(80)],
            "label": "old",
            "prediction_old": "old",
            "prediction_new": "new",
        }
    )
    simulated = deployment.simulate(requests, HALF, every="1D").log.set_index("item")["version"]
    server = begin()
    for row in requests.to_dict("records"):
        predict(server, row["item"], row["user"])
    served = server.log().set_index("item")["version"]
    assert served.to_dict() == simulated.to_dict()


def test_a_log_without_a_request_has_its_columns(begin):
    log = begin().log()
    assert log.empty
    assert str(log["timestamp"].dtype).endswith("UTC]")
    predict(begin(), "i", "u", label=3)
    assert set(log) < set(found := begin().log())
    assert found["feature_label"].tolist() == [3]
    assert found["score"].dtype == log["score"].dtype == float


# --- labels ---


def test_a_late_label_reaches_the_log_and_the_last_one_counts(begin):
    server = begin()
    predict(server, "i", "u")
    assert server.log()["label"].isna().all()
    assert ask(server, "/feedback", {"item": "i", "label": "wrong"}) == (
        200,
        {"item": "i", "rows": 1},
    )
    assert ask(server, "/feedback", {"item": "i", "label": "new"})[0] == 200
    row = server.log().iloc[0]
    assert row["label"] == "new"
    assert row["label_at"] > row["timestamp"]


def test_a_label_for_an_unknown_item_is_refused(begin):
    server = begin()
    assert ask(server, "/feedback", {"item": "nobody's", "label": "x"}) == (
        404,
        {"detail": 'no request had the item "nobody\'s".'},
    )


def test_a_label_that_no_prediction_could_equal_is_refused(begin):
    server = begin({"old": lambda f: 3, "new": lambda f: 3})
    predict(server, "i", "u")
    status, answer = ask(server, "/feedback", {"item": "i", "label": "3"})
    assert status == 422
    assert answer["detail"] == "the prediction for this item was 3, so its label cannot be '3'."
    assert ask(server, "/feedback", {"item": "i", "label": 3})[0] == 200
    counted = deployment.tally(server.log())
    assert counted[["labelled", "right"]].to_numpy().tolist() == [[1, 1]]


# --- what is refused ---


def test_input_is_held_against_the_schema(begin, tmp_path):
    draft = validation.propose(pd.DataFrame({"age": list(range(20, 60)) * 5}))
    schema = validation.declare(draft, {"age": {"range": (0, 120), "missing": False}})
    path = validation.write_schema(schema, tmp_path / "schema.json")
    server = begin(schema=path)
    assert predict(server, "i", "u", age=30)[0] == 200
    status, answer = predict(server, "j", "u", age=-3)
    assert (status, answer["detail"]) == (422, "age is -3; declared: 0 to 120.")
    assert server.log()["item"].tolist() == ["i"]


@pytest.mark.parametrize(
    ("raw", "status", "words"),
    [
        (b"{", 400, "the body is not JSON."),
        (b"\xff\xfe", 400, "the body is not JSON."),
        (b"[" * 30_000, 400, "the body is not JSON."),
        (b"[1]", 422, "the body is one JSON object."),
        (b'{"user": "u", "features": {}}', 422, "item is missing"),
        (b'{"item": "i", "user": 3, "features": {}}', 422, "user is missing"),
        (b'{"item": "\\ud800", "user": "u", "features": {}}', 422, "item is missing"),
        (b'{"item": "i\\u0000", "user": "u", "features": {}}', 422, "item is missing"),
        (b'{"item": "i", "user": "u"}', 422, "features is missing"),
        (b'{"item": "i", "user": "u", "features": {"x": NaN}}', 422, "a number is NaN or infinite"),
        (b'{"item": "i", "user": "u", "features": {"x": 1e999}}', 422, "a number is NaN"),
        (b'{"x": "' + b"y" * 70_000 + b'"}', 413, "the body is larger than 65,536 bytes."),
    ],
)  # fmt: skip
def test_malformed_and_oversized_bodies(begin, raw, status, words):
    server = begin()
    found, answer = ask(server, "/predict", raw=raw)
    assert found == status
    assert words in answer["detail"]
    assert predict(server, "i", "u")[0] == 200  # and it goes on
    assert len(server.log()) == 1


def test_an_oversized_body_that_hides_its_length(begin):
    server = begin(max_bytes=1_000)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + 3 * (b"190\r\n" + 400 * b" " + b"\r\n")
        )
        assert wire.recv(1_000).startswith(b"HTTP/1.1 413 ")


def test_only_json_is_taken(begin):
    """Else any page in the browser of somebody on this machine could post here."""
    status, answer = ask(begin(), "/predict", {"item": "i"}, kind="text/plain")
    assert status == 415
    assert "Content-Type: application/json" in answer["detail"]


# --- the administrator ---


def test_the_rollout_is_shown_and_changed_with_the_token_alone(begin):
    server = begin(token="secret")
    for token in (None, "wrong", "secre"):
        assert ask(server, "/admin/rollout", token=token)[0] == 401
        assert ask(server, "/admin/rollout", {"share": 1}, token=token)[0] == 401
    assert server.share == 0.5
    half = {"share": 0.7, "why": "a second shop"}
    assert ask(server, "/admin/rollout", half, token="secret")[1]["share"] == 0.7
    assert server.changes()["why"].tolist()[-1] == "a second shop"
    assert ask(server, "/admin/rollout", {"action": "promote"}, token="secret")[1]["share"] == 1
    status, answer = ask(server, "/admin/rollout", {"action": "roll back"}, token="secret")
    assert (status, answer["share"], server.share) == (200, 0, 0)
    assert [change["action"] for change in answer["changes"]] == [
        "start", "share", "promote", "roll back",
    ]  # fmt: skip
    assert ask(server, "/admin/rollout", token="secret")[1] == answer


@pytest.mark.parametrize(
    "body", [{}, {"share": 2}, {"share": True}, {"share": "1"}, {"action": "explode"}]
)
def test_a_change_that_makes_no_sense_is_refused(begin, body):
    server = begin(token="secret")
    assert ask(server, "/admin/rollout", body, token="secret")[0] == 422
    assert server.share == 0.5


def test_shadow_has_no_share_between(begin):
    server = begin(policy=Policy("shadow"), token="secret")
    status, answer = ask(server, "/admin/rollout", {"share": 0.3}, token="secret")
    assert status == 422
    assert answer["detail"].startswith("in shadow old serves all")
    with pytest.raises(ValueError, match="in shadow old serves all"):
        server.change(0.3)


# --- what is told of it ---


def test_metrics_parse_and_count(begin):
    server = begin()
    for k in range(10):
        predict(server, f"i{k}", f"u{k}")
    predict(server, "", "u")
    ask(server, "/feedback", {"item": "i0", "label": "x"})
    _, text = ask(server, "/metrics")
    found = {
        (sample.name, *map(sample.labels.get, sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    new = int((HALF.versions([f"u{k}" for k in range(10)], share=0.5) == "new").sum())
    assert found["mlkit_answers_total", "served", "new"] == new
    assert found["mlkit_answers_total", "served", "old"] == 10 - new
    assert found["mlkit_refused_total", "422"] == 1
    assert found["mlkit_labels_total",] == 1
    assert found["mlkit_share",] == 0.5
    assert found["mlkit_request_seconds_count",] == 10


def test_health_has_percentiles(begin):
    server = begin()
    assert ask(server, "/health")[1]["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    predict(server, "i", "u")
    about = ask(server, "/health")[1]
    assert (about["status"], about["mode"], about["share"]) == ("ok", "canary", 0.5)
    assert 0 < about["latency_ms"]["p50"] <= about["latency_ms"]["p99"]


def test_small_packets_leave_at_once(begin):
    server = begin()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.recv(1_000).startswith(b"HTTP/1.1 200 ")
        (connection,) = server._uvicorn.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_shows_a_link_and_says_when_it_is_stopped(begin):
    server = begin()
    assert f'href="{server.url}/health"' in server._repr_html_()
    assert "canary, new serves 50 % of users" in repr(server)
    server.stop()
    server.stop()
    assert repr(server) == f"A server at {server.url}, stopped."
    with pytest.raises(RuntimeError, match="the server was stopped"):
        server.look()


def test_a_cell_run_again_replaces_its_server(begin):
    first = begin()
    predict(first, "i", "u")
    second = begin()
    assert not first.running
    assert predict(second, "j", "u")[0] == 200
    assert second.log()["item"].tolist() == ["i", "j"]


def test_importing_it_imports_no_server():
    program = "import sys; from mlkit import serving; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"fastapi", "uvicorn", "sqlalchemy", "prometheus_client"}
    assert not heavy & set(done.stdout.split())


# --- what start refuses ---


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"models": {"old": MODELS["old"]}}, 'under the names "old" and "new"'),
        ({"models": {"old": MODELS["old"], "new": 3}}, "the new model is called with one dict"),
        ({"policy": "canary"}, "policy is a deployment.Policy; got str"),
        ({"policy": Policy(rules=(Rule("slow"),))}, "say from when with slow_ms"),
        ({"host": "0.0.0.0"}, "choose a token yourself"),
        ({"store": "sqlite://"}, "a log in memory is lost"),
        ({"limit_ms": 0}, "limit_ms is above 0"),
    ],
)
def test_start_says_what_is_wrong(begin, more, words):
    with pytest.raises((ValueError, TypeError), match=words):
        begin(**more)


def test_a_port_that_is_taken(begin):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="port=0 takes a free one"):
            begin(port=port)
