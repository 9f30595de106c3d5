"""The report notebook, run once with a real scenario and once with hostile text, and a browser to look with."""

from __future__ import annotations

import nbformat
import pytest

from devops_workbook.export.document import run_report
from devops_workbook.requirements import Requirements

HOSTILE = (
    '<script>alert("x")</script> {{ 7*7 }} `back` # heading \\ "q" \'s\' $math$ $$x$$ | pipe '
    "[l](javascript:alert(1)) ![i](http://evil.example/x.png) <img src=x onerror=alert(1)> *b* _u_ ~~s~~ --- &amp; "
    "\\(a\\) #set page(width: 1cm) https://evil.example www.evil.example a@b.c"
)
RIGHT_TO_LEFT = "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
EMOJI = "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f3\ufe0f\u200d\U0001f308"


@pytest.fixture(scope="session")
def report(scenarios: dict[str, Requirements]) -> nbformat.NotebookNode:
    """The executed report of an example scenario."""
    return run_report(scenarios["startup-web-shop"])


@pytest.fixture(scope="session")
def hostile_requirements(scenarios: dict[str, Requirements]) -> Requirements:
    """Requirements whose every free text is out to break something."""
    texts = {
        "name": f"{HOSTILE} {RIGHT_TO_LEFT} {EMOJI}",
        "description": f"- item\n# head\n```\n{HOSTILE}\n\n{'x' * 10_000}\n\u202e{RIGHT_TO_LEFT} \u4e2d\u6587",
        "owner": f"../../{HOSTILE}",
        "overrides": {"infrastructure.compute": HOSTILE},
    }
    return Requirements(**{**scenarios["payments-api"].model_dump(), **texts})


@pytest.fixture(scope="session")
def hostile_report(hostile_requirements: Requirements) -> nbformat.NotebookNode:
    """The executed report of hostile requirements."""
    return run_report(hostile_requirements)
