"""How long one evaluation takes: the median and the 95th percentile for every example scenario.

python tests/benchmarks/bench_core.py
"""

from __future__ import annotations

import time
from statistics import median, quantiles

from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load

RUNS = 60
AIM_MS = 10.0


def durations_ms(requirements: Requirements) -> list[float]:
    """Milliseconds of RUNS evaluations, after one that reads the catalog."""
    evaluate(requirements)
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        evaluate(requirements)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def main() -> None:
    """Prints one line a scenario and one for all."""
    print(f"evaluate, {RUNS} runs a scenario, in ms (aim: median of all at most {AIM_MS:g})")
    everything: list[float] = []
    for name, path in examples().items():
        taken = durations_ms(load(path).requirements)
        everything += taken
        print(f"  {name:<20} median {median(taken):6.2f}   p95 {quantiles(taken, n=20)[-1]:6.2f}")
    print(f"  {'all':<20} median {median(everything):6.2f}   p95 {quantiles(everything, n=20)[-1]:6.2f}")


if __name__ == "__main__":
    main()
