"""Requests a second and their times: `serving` beside bare FastAPI with the same model.

``python tests/benchmarks/serving_load.py`` (``--clients 50 --requests 5000 --turns 3``). Each
server is a process of its own; one client process keeps ``clients`` connections open, each with
one request on its way, and the servers take turns. Ours has policy, schema and a log that is on
disk before the answer; the bare ones check no more than the type of the features and keep nothing.
``bare`` is written as the manual of FastAPI shows it (a plain function, which FastAPI runs in a
thread), ``bare-async`` calls the model in the event loop, where a slow model would stop everybody.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path

NAMES = [f"x{k}" for k in range(8)]
KINDS = ("bare", "bare-async", "ours", "ours-shadow")


def make_model(*, seed):
    """A logistic regression on eight numbers, by hand: cheap, so that the serving is measured."""
    import numpy as np

    weights = np.random.default_rng(seed).normal(size=len(NAMES))

    def model(features):
        score = 1 / (1 + float(np.exp(-weights @ [features[name] for name in NAMES])))
        return ("yes" if score > 0.5 else "no"), score

    return model


def serve_bare(port, *, in_loop):
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    class Asked(BaseModel):
        item: str
        user: str
        features: dict[str, float]

    app, model = FastAPI(), make_model(seed=1)

    def predict(asked: Asked):
        prediction, score = model(asked.features)
        return {"item": asked.item, "prediction": prediction, "score": score}

    async def predict_in_loop(asked: Asked):
        return predict(asked)

    app.post("/predict")(predict_in_loop if in_loop else predict)
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def serve_ours(port, folder, *, mode):
    import numpy as np
    import pandas as pd

    from mlkit import serving, validation
    from mlkit.deployment import Policy

    rows = pd.DataFrame(np.random.default_rng(1).normal(size=(500, len(NAMES))), columns=NAMES)
    rules = {name: {"range": (-100, 100), "missing": False} for name in NAMES}
    schema = validation.declare(validation.propose(rows), rules)
    models = {"old": make_model(seed=1), "new": make_model(seed=2)}
    policy = Policy(mode, ramp=(0.5, 1.0))
    with serving.start(models, policy=policy, store=f"{folder}/log.db", schema=schema, port=port):
        time.sleep(3600)


def serve(kind, port, folder):
    if kind.startswith("bare"):
        serve_bare(port, in_loop=kind == "bare-async")
    else:
        serve_ours(port, folder, mode="shadow" if kind == "ours-shadow" else "canary")


def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


async def one_client(port, bodies, times):
    """HTTP by hand: a client library would need more of the machine than the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for body in bodies:
        begun = time.perf_counter()
        writer.write(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head[:15]:
            raise SystemExit(f"refused: {head!r}")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
    writer.close()
    await writer.wait_closed()


def bodies_of(client, n, turn):
    return [
        json.dumps(
            {
                "item": f"{turn}-{client}-{k}",
                "user": f"user{(client * 31 + k) % 1000}",
                "features": {name: (client + k * (place + 1)) % 7 / 3 - 1
                             for place, name in enumerate(NAMES)},
            }
        ).encode()
        for k in range(n)
    ]  # fmt: skip


async def load(port, clients, requests, turn):
    times, each = [], requests // clients
    bodies = [bodies_of(client, each, turn) for client in range(clients)]
    begun = time.perf_counter()
    await asyncio.gather(*(one_client(port, body, times) for body in bodies))
    return len(times) / (time.perf_counter() - begun), times


def processor_s(pid):
    import psutil

    used = psutil.Process(pid).cpu_times()
    return used.user + used.system


async def ready(port):
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the server did not start.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rates, times = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
    spent = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        ports = {kind: free_port() for kind in KINDS}
        servers = []
        for kind in KINDS:
            place = Path(folder, kind)
            place.mkdir()
            servers.append(context.Process(target=serve, args=(kind, ports[kind], str(place))))
            servers[-1].start()
        try:
            for kind in KINDS:
                asyncio.run(ready(ports[kind]))
                asyncio.run(load(ports[kind], 5, 200, "warm"))
            for turn in range(given.turns):
                for number, kind in enumerate(KINDS):
                    before = processor_s(servers[number].pid)
                    rate, took = asyncio.run(load(ports[kind], given.clients, given.requests, turn))
                    rates[kind].append(rate)
                    times[kind] += took
                    spent[kind].append((processor_s(servers[number].pid) - before) / len(took))
        finally:
            for server in servers:
                server.terminate()
                server.join()
    bare = statistics.median(rates["bare"])
    print(f"{given.clients} clients, {given.turns} turns of {given.requests:,} requests")
    for kind in KINDS:
        rate = statistics.median(rates[kind])
        cuts = statistics.quantiles(times[kind], n=100)
        print(
            f"{kind:12} {rate:7,.0f} /s (of bare: {100 * rate / bare:3.0f} %)   "
            f"p50 {1000 * cuts[49]:6.1f} ms   p99 {1000 * cuts[98]:6.1f} ms   "
            f"processor {1000 * statistics.median(spent[kind]):.2f} ms a request   "
            f"turns: {', '.join(f'{one:,.0f}' for one in rates[kind])}"
        )


if __name__ == "__main__":
    sys.exit(main())
