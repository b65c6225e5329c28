"""A log of 10^5 runs: how long it takes to read it, and to follow it back and forth.

``python tests/benchmarks/lineage_trace.py`` (``--runs 1e5``). Seconds on the clock and of the
processor; beside them the bare ``json.loads`` of the same lines, which nothing can go below.
"""

import argparse
import datetime
import hashlib
import json
import tempfile
import time
from pathlib import Path

from mlkit import lineage


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def artifact(n):
    return {"name": f"f{n}", "kind": "file", "path": f"data/f{n}.csv", "sha256": sha(f"f{n}")}


def written(log, runs, shape):
    """A chain, each run reading what the last one made; or a net, two inputs from before."""
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    environment = {"python": "3.11.7", **{f"package {n}": "1.2.3" for n in range(14)}}
    with log.open("w") as file:
        for n in range(runs):
            near = [n] if shape == "chain" else [n - n * 7919 % 50, n - n * 104729 % 1000]
            row = {
                "run": sha(f"run {n}")[:16], "step": f"step {n % 7}", "status": "done", "why": "",
                "at": (start + datetime.timedelta(seconds=n)).isoformat(), "duration_s": 0.5,
                "person": "ana", "inputs": [artifact(max(0, i)) for i in near],
                "outputs": [artifact(n + 1)], "parameters": {"n": n},
                "code": {"commit": "a" * 40, "dirty": False, "functions": {"f": "b" * 64}},
                "environment": environment,
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")


def timed(name, work):
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds = time.perf_counter() - clock
    print(f"  {name:22} {seconds:6.2f} s, processor {time.process_time() - processor:6.2f} s")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=float, default=1e5)
    runs = int(parser.parse_args().runs)
    for shape in ("chain", "net"):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "lineage.jsonl"
            written(log, runs, shape)
            print(f"{shape} of {runs:,} runs, {log.stat().st_size / 1e6:.0f} MB")
            timed("bare json.loads", lambda log=log: len(list(map(json.loads, log.open("rb")))))
            timed("runs", lambda log=log: len(lineage.runs(log)))
            back = timed("trace", lambda log=log: lineage.trace(sha(f"f{runs}"), log=log))
            timed("trace, drawn", back.plot)
            del back
            forth = timed("downstream", lambda log=log: lineage.downstream(sha("f1"), log=log))
            print(f"  {forth!r}")
            del forth
            timed("one more line", lambda log=log: lineage.record("more", inputs=[b"x"], log=log))


if __name__ == "__main__":
    main()
