"""How long the repository of a design takes, and how large it is, for every example.

python tests/benchmarks/bench_generate.py
"""

from __future__ import annotations

import time
from statistics import median

from devops_workbook.artifacts.repository import repository
from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

RUNS = 5


def main() -> None:
    """Prints one line a scenario: seconds from the evaluation to all files, their number, their size."""
    print("generate (aim: 1 s for the largest)")
    for name, path in examples().items():
        evaluation = evaluate(load(path).requirements)
        made = repository(evaluation)
        taken = []
        for _ in range(RUNS):
            start = time.perf_counter()
            repository(evaluation)
            taken.append(time.perf_counter() - start)
        size = sum(len(a.text.encode()) for a in made.artifacts)
        print(f"  {name:<20} median of {RUNS} {1000 * median(taken):6.0f} ms   {len(made.artifacts):4} files   "
              f"{size / 1024:6,.0f} kB   {len(made.infrastructure.traces):5} resources")  # fmt: skip


if __name__ == "__main__":
    main()
