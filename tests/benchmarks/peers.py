"""Ours and another tool side by side: a fresh process each, one core, time and peak memory.

A `Contestant` is a piece of Python: `setup` (imports and data, not measured), `call` (one
expression, measured) and `tell` (what to print of its `result`, not measured). The tool of the
other gets an environment of its own, built once with uv in the user's cache (`MLKIT_PEERS` names
another folder; delete it at any time), so nothing of it comes near ours. `race` runs them in
turns and keeps the best time and the least peak of each:

    race([
        Contestant("ours", "from mlkit import labels; x = ...", "labels.agreement(x)"),
        Contestant("krippendorff", "import krippendorff; k = ...",
                   "krippendorff.alpha(value_counts=k)", PEERS["krippendorff"]),
    ])

Memory is the peak of the process above what it held when the call began: imports and data are
not counted, whatever the call makes is. Every module in this folder can be imported in `setup`
(for the same data on both sides); one that is should import no more than numpy and pandas.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

HERE = Path(__file__).resolve().parent

# One environment each: they do not agree on the versions below them.
PEERS = {
    "krippendorff": ("krippendorff==0.9.0", "numpy==2.4.6", "pandas==2.3.3"),
    "statsmodels": ("statsmodels==0.15.0", "scikit-learn==1.9.1", "pandas==2.3.3"),
    "crowd-kit": ("crowd-kit==1.4.2", "pandas==2.3.3"),
    "cleanlab": ("cleanlab==2.9.0", "pandas==2.3.3"),
    "sliceline": ("sliceline==0.3.0", "pandas==2.3.3"),
}

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA", "BLIS", "VECLIB_MAXIMUM")

CHILD = r"""
import gc, json, os, resource, sys, time

task = json.load(sys.stdin)
sys.path.insert(0, task["folder"])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))

def begin():
    # Linux forgets the peak so far; elsewhere the peak of the set-up is all there is to compare.
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return status("VmRSS")
    except OSError:
        return lifetime()

def lifetime():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 ** (2 if sys.platform == "darwin" else 1)

space = {}
exec(compile(task["setup"], "setup", "exec"), space)
code = compile(task["call"], "call", "eval")
gc.collect()
before, start, used = begin(), time.perf_counter(), time.process_time()
result = eval(code, space)
seconds, used = time.perf_counter() - start, time.process_time() - used
after = status("VmHWM") if os.path.exists("/proc/self/clear_refs") else lifetime()
space["result"] = result
told = str(eval(task["tell"], space))
found = {"seconds": seconds, "cpu": used, "peak_mb": after - before, "result": told}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Contestant:
    name: str
    setup: str
    call: str
    needs: tuple[str, ...] = ()  # requirements, pinned; none: the environment that runs this
    tell: str = "result"


def python(needs: tuple[str, ...]) -> str:
    """The interpreter that has these packages; its environment is built on the first use."""
    if not needs:
        return sys.executable
    name = hashlib.sha256(" ".join([platform.python_version(), *needs]).encode()).hexdigest()
    folder = _cache() / name[:16]
    inside = Path("Scripts", "python.exe") if os.name == "nt" else Path("bin", "python")
    if not (folder / inside).exists():
        _build(folder, needs, inside)
    return str(folder / inside)


def _cache() -> Path:
    return Path(os.environ.get("MLKIT_PEERS") or Path.home() / ".cache" / "mlkit-peers")


def _build(folder: Path, needs: tuple[str, ...], inside: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("The peers need uv to build their environments: see docs of uv.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Moved into place when whole: two benchmarks may build at once, or one may be stopped.
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        new = Path(place) / folder.name
        options = ["--relocatable", "--python", platform.python_version()]
        subprocess.run([uv, "venv", "-q", *options, str(new)], check=True)
        install = [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(new / inside)]
        subprocess.run([*install, *needs], check=True)
        if not folder.exists():
            new.rename(folder)


def run(contestant: Contestant, *, timeout_s: float = 1800) -> dict:
    """Once, in a fresh process on one core: `seconds, cpu, peak_mb, result`, or `failed`."""
    task = asdict(contestant) | {"folder": str(HERE)}
    threads = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    command = [python(contestant.needs), "-c", CHILD]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(task),
            env=os.environ | threads | {"PYTHONWARNINGS": "ignore"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {timeout_s:.0f} s"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
        return {"failed": last[0]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def race(
    contestants: Iterable[Contestant], *, turns: int = 3, timeout_s: float = 1800
) -> pd.DataFrame:
    """In turns, the best of each: `contestant, seconds, cpu, peak_mb, result, failed`.

    ``times`` is the processor seconds (`cpu`: what else the machine does counts least there) and
    ``memory`` the peak, both as so many times the first contestant's.
    """
    contestants = list(contestants)
    found: dict[str, list[dict]] = {each.name: [] for each in contestants}
    for _ in range(turns):
        for each in contestants:
            if not any("failed" in one for one in found[each.name]):
                found[each.name].append(run(each, timeout_s=timeout_s))
    rows = []
    for name, runs in found.items():
        good = [one for one in runs if "failed" not in one]
        row: dict = {"contestant": name}
        for what in ("seconds", "cpu", "peak_mb"):
            row[what] = min((one[what] for one in good), default=float("nan"))
        row["result"] = good[0]["result"].replace("\n", " ")[:80] if good else ""
        row["failed"] = next((one["failed"] for one in runs if "failed" in one), "")
        rows.append(row)
    table = pd.DataFrame(rows)
    table.insert(3, "times", table["cpu"] / table["cpu"].iloc[0])
    table.insert(5, "memory", table["peak_mb"] / table["peak_mb"].iloc[0])
    return table


def show(title: str, table: pd.DataFrame) -> None:
    forms = dict.fromkeys(["seconds", "cpu"], "{:.3f}") | {"peak_mb": "{:.0f}"}
    forms |= dict.fromkeys(["times", "memory"], "{:.1f}")
    formatters = {name: form.format for name, form in forms.items()}
    print(f"\n{title}", table.to_string(index=False, formatters=formatters), sep="\n", flush=True)
