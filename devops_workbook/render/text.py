"""The text form of a plan: seven headings in capitals and 33 labelled lines, in the outline's order.

It is meant for pipes, mail and chat: one line a field, no markup, no wrapping, and no character that a
terminal would obey.
"""

from __future__ import annotations

from devops_workbook.design.model import Decision
from devops_workbook.evaluate import Evaluation
from devops_workbook.plan.model import Section

__all__ = ["one_line", "plan_text"]


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
    return "".join(map(_visible, " ".join(text.split())))


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return "�" if 0x80 <= code < 0xA0 else character
