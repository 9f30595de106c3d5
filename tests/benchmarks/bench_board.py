"""How fast the board answers, in a real JupyterLab and a real Chromium.

From an input event to all panels repainted (the answer in the document, then two animation frames), over 20
changes, beside a bare ipywidgets slider that a callback echoes into an `HTML` widget on the same page. The
two are measured in turns, so that both see the same machine. Run it with `make bench`, or as a program.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

from lab import browse, chromium, run_all, serve, settled

from devops_workbook.evaluate import evaluate
from devops_workbook.scenario import examples, load

CHANGES = 20
AIM = 2.5
REST_MS = 300  # so that neither waits for what the other left behind

_ECHO = """
import ipywidgets
slider, echo = ipywidgets.IntSlider(max=1000), ipywidgets.HTML("0")
slider.observe(lambda change: setattr(echo, "value", f"<b>{change.new}</b>"), "value")
ipywidgets.VBox([slider, echo])
"""

_MEASURE_ECHO = """() => new Promise((done, fail) => {
  setTimeout(() => fail(new Error('no answer within a minute')), 60000);
  const echo = document.querySelector('.jupyter-widgets .widget-html-content');
  const handle = document.querySelector('.noUi-handle');
  handle.focus({preventScroll: true});
  const start = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  }).observe(echo, {childList: true, subtree: true, characterData: true});
  handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true, cancelable: true}));
})"""

_MEASURE_BOARD = """(value) => new Promise((done, fail) => {
  setTimeout(() => fail(new Error('no answer within a minute')), 60000);
  const root = document.querySelector('.dw-root');
  const input = root.querySelector('[data-field="peak_rps"]');
  input.focus({preventScroll: true});
  input.value = value;
  const start = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  }).observe(root, {attributes: true, attributeFilter: ['data-answered']});
  input.dispatchEvent(new Event('change', {bubbles: true}));
})"""


_OPEN = """() => document
  .querySelectorAll('.dw-root [data-key="section-cicd"] [data-lazy], .dw-root [data-key="figures-cost"]')
  .forEach((part) => { part.open = true; })"""


def measure(page: Any, first: float) -> tuple[list[float], list[float]]:
    """Milliseconds of every change: of the echo, and of the board. The first two of each are a warm-up."""
    echo, board = [], []
    for change in range(CHANGES + 2):
        page.wait_for_timeout(REST_MS)
        echo.append(page.evaluate(_MEASURE_ECHO))
        page.wait_for_timeout(REST_MS)
        board.append(page.evaluate(_MEASURE_BOARD, str(round(first * (1 + change / 10), 3))))
        settled(page)
    return echo[2:], board[2:]


def report(name: str, echo: Sequence[float], board: Sequence[float]) -> None:
    """Print what was measured, and the ratio of the medians."""
    print(line("bare ipywidgets slider to HTML", echo))
    ratio = statistics.median(board) / statistics.median(echo)
    print(f"{line(name, board)}   {ratio:.2f} x the echo (aim: at most {AIM})")


def line(name: str, times: Sequence[float]) -> str:
    """Median and 95th percentile."""
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return f"{name:<44} median {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms"


def sizes() -> dict[str, int]:
    """The example scenarios and how many components each has."""
    return {name: len(evaluate(load(path).requirements).topology.components) for name, path in examples().items()}


def main() -> int:
    """Measure the smallest and the biggest scenario, and print the report."""
    if chromium() is None:
        print("board: not measured, because there is no Chromium on this machine")
        return 0
    counted = sorted(sizes().items(), key=lambda item: item[1])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, serve(Path(folder)) as lab, browse() as context:
        for name, components in (counted[0], counted[-1]):
            board = f"from devops_workbook import Board\nboard = Board('scenarios/{name}.yaml')\nboard"
            page = context.new_page()
            run_all(page, lab.url(lab.notebook(f"bench-{name}.ipynb", [_ECHO, board])))
            page.wait_for_selector(".noUi-handle")
            peak = load(examples()[name]).requirements.peak_rps
            report(f"board, {name}, {components} components", *measure(page, peak))
            page.evaluate(_OPEN)
            settled(page)
            # Other values, so that no drawing is remembered.
            report("  with five decisions and the bill open", *measure(page, peak * 1.03))
            page.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
