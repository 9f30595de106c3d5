"""The live board: a form, a score strip, diagrams, findings and the plan, in one notebook cell.

The story: `form` writes the controls of the requirement fields; `session` holds what is being worked on and
answers every request a person can make of it; `page` puts its panels into words of HTML; `panel` is the
widget that shows them, sending only what changed; `board` joins the four and keeps one thread at work.
"""

from __future__ import annotations

from devops_workbook.widgets.board import Board

__all__ = ["Board"]
