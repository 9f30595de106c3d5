"""The text form: the structured return, to the letter, one line a field."""

from __future__ import annotations

import pytest

from devops_workbook.evaluate import Evaluation
from devops_workbook.render.text import one_line, plan_text

# The headings and labels as they were asked for: this list is the test's own, not a copy of the program's.
STRUCTURED_RETURN = """\
CI/CD PIPELINE DESIGN:
- Platform Choice:
- Pipeline Stages:
- Branch Strategy:
- Artifact Management:
- Deployment Strategy:

INFRASTRUCTURE ARCHITECTURE:
- Cloud Provider:
- Compute Strategy:
- Database Architecture:
- Networking Design:
- Security Architecture:

MONITORING & OBSERVABILITY:
- Monitoring Stack:
- Logging Strategy:
- Alerting Design:
- Dashboard Strategy:
- Distributed Tracing:

SCALING & PERFORMANCE:
- Auto-scaling Strategy:
- Load Balancing:
- Caching Architecture:
- Performance Monitoring:
- Capacity Planning:

SECURITY & COMPLIANCE:
- Security Scanning:
- Secrets Management:
- Network Security:
- Access Control:
- Compliance Monitoring:

DISASTER RECOVERY:
- Backup Strategy:
- Recovery Procedures:
- High Availability:
- Incident Response:

COST OPTIMIZATION:
- Resource Optimization:
- Cost Monitoring:
- Efficiency Improvements:
- Vendor Management:
"""


def labels(text: str) -> str:
    """The text with what stands behind each label cut off."""
    return "".join(line.partition(": ")[0].removesuffix(":") + ":" * bool(line) + "\n" for line in text.splitlines())


def test_the_text_form_is_the_structured_return(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        assert labels(plan_text(evaluation)) == STRUCTURED_RETURN


def test_a_line_says_what_will_be_built_and_why(evaluations: dict[str, Evaluation]) -> None:
    evaluation = evaluations["payments-api"]
    lines = [line for line in plan_text(evaluation).splitlines() if line.startswith("- ")]
    for line, decision in zip(lines, evaluation.plan.decisions, strict=True):
        assert line == f"- {decision.title}: {one_line(decision.summary)} {one_line(decision.rationale[0])}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("\x7f \x9b31m", "␡ �31m"),
        ("\u2028separated\u2029", "separated"),
        ("שלום 👩‍🚀 <b>&amp;`{{", "שלום 👩‍🚀 <b>&amp;`{{"),
    ],
)
def test_text_is_one_line_that_no_terminal_obeys(text: str, expected: str) -> None:
    assert one_line(text) == expected
