"""The text form of a plan: seven headings in capitals and 33 labelled lines, in the outline's order.

It is meant for pipes, mail and chat: one line a field, no markup, no wrapping, and no character that a
terminal would obey.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from devops_workbook.design.model import Decision
from devops_workbook.evaluate import Evaluation
from devops_workbook.plan.model import Section

__all__ = ["PICTURES", "one_line", "plan_text"]

PICTURES: Mapping[int, str] = MappingProxyType(
    {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
)
"""What is shown in place of a control character, for `str.translate`."""


def plan_text(evaluation: Evaluation) -> str:
    """The whole plan as text, ending in a newline."""
    return "\n\n".join(_section(section) for section in evaluation.plan.sections) + "\n"


def _section(section: Section) -> str:
    return "\n".join([f"{section.heading}:", *(_field(decision) for decision in section.decisions)])


def _field(decision: Decision) -> str:
    why = decision.rationale[:1]
    return f"- {decision.title}: {one_line(' '.join([decision.summary, *why]))}"


def one_line(text: str) -> str:
    """`text` on one line: runs of white space become one space, control characters their visible pictures."""
    return " ".join(text.split()).translate(PICTURES)
