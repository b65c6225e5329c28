"""Records of one person merged: precision, recall, time and memory, and how the pairs grow.

``python tests/benchmarks/records_link.py`` (``--sizes 1e4 1e5``). The users are simulated, so the
truth is known. Each size runs in a process of its own; memory is the peak above what that process
held before the call, time is that of the processor. Beside it what comparing all pairs would be:
their number, and the time that the same comparison needs for them at the speed just measured.
"""

import argparse
import multiprocessing
import resource
import time

from mlkit import records
from mlkit.datasets import make_user_records


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(n, answer):
    users = make_user_records(n)
    records.link(users.head(200))  # imports are not counted
    held, start = peak_mb(), time.process_time()
    pairs = records.pairs(users)
    blocked = time.process_time()
    links = records.link(users, pairs=pairs, key="benchmark")
    done = time.process_time()
    found = records.evaluate(links, users, pairs=pairs).set_index("measure")
    answer.put(
        {
            "records": pairs.records,
            "pairs": pairs.n,
            "of_all": pairs.of_all,
            "pairs_s": blocked - start,
            "link_s": done - blocked,
            "mb": peak_mb() - held,
            "oversized": int(pairs.blocks["oversized"].sum()),
            "found": {m: tuple(found.loc[m, ["value", "low", "high"]]) for m in found.index},
        }
    )


def told(row, before):
    print(f"{row['records']:,} records that consented")
    for measure, (value, low, high) in row["found"].items():
        print(f"  {measure:10} {value:.4f}  ({low:.4f} to {high:.4f})")
    print(f"  pairs      {row['pairs']:,}, {row['pairs_s']:.2f} s, oversized: {row['oversized']}")
    print(f"  link       {row['link_s']:.2f} s, {row['mb']:.0f} MB")
    hours = row["link_s"] * row["of_all"] / row["pairs"] / 3600
    print(f"  all pairs  {row['of_all']:,}: about {hours:,.1f} h at this speed")
    if before:
        times, grown = (row[name] / before[name] for name in ("records", "pairs"))
        print(f"  {times:.1f} times the records: {grown:.1f} times the pairs, not {times**2:.0f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1e4, 1e5])
    context, before = multiprocessing.get_context("spawn"), None
    for size in parser.parse_args().sizes:
        answer = context.Queue()
        process = context.Process(target=measured, args=(int(size), answer))
        process.start()
        row = answer.get()
        process.join()
        told(row, before)
        before = row


if __name__ == "__main__":
    main()
