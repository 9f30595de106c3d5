"""What `report.ipynb` calls: one `Document`, one method a chapter, shown in standard MIME types only.

Any viewer of notebooks shows Markdown and SVG. The alternative text and caption of a drawing, and the role of a
table, travel beside them in the output's metadata for our exporters (see `reader`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from IPython.display import display
from pydantic import ValidationError

from devops_workbook.artifacts.chapter import code_chapter
from devops_workbook.artifacts.repository import carried_out, repository
from devops_workbook.artifacts.verification import RECORD, read_record
from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.render.document import Chapters, Part
from devops_workbook.requirements import Requirements, nearest
from devops_workbook.scenario import ScenarioError, problems_of

__all__ = ["CHAPTERS", "VERIFIED_VARIABLE", "Document", "bundle"]

VERIFIED_VARIABLE = "DEVOPS_WORKBOOK_VERIFIED"

CHAPTERS: tuple[tuple[str, ...], ...] = (
    ("cover",), ("summary",), ("context",), ("architecture",), ("plan",),
    ("assessment", "findings"), ("code", "appendices", "sign_off"),
)  # fmt: skip
"""The methods of a Document, in the order of the document; one group is one cell of the report notebook."""


class Document:
    """The design document of one set of requirements. Every method shows one chapter.

    show: what is done with the parts of a chapter; a notebook's cell displays them.
    """

    def __init__(
        self,
        requirements: Requirements,
        evaluation: Evaluation | None = None,
        show: Callable[[Iterable[Part]], None] | None = None,
    ) -> None:
        found = evaluation or evaluate(requirements)
        self._show = show or _show
        self._repository = repository(found)
        self._chapters = Chapters(carried_out(found, self._repository))

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Document:
        """The document of the parameters among the variables of a notebook.

        papermill accepts any name, so a variable that is nearly one of ours is taken for a misspelt parameter. Raises
        ScenarioError naming each misspelt parameter and each value that is not allowed.
        """
        fields = Requirements.model_fields
        others = [name for name in parameters if name not in fields and not name.startswith("_")]
        if misspelt := {name: near for name in others if (near := nearest(name, fields))}:
            raise ScenarioError(
                f"{name}: there is no such parameter; did you mean {near}?" for name, near in misspelt.items()
            )
        try:
            return cls(Requirements(**{name: parameters[name] for name in fields if name in parameters}))
        except ValidationError as error:
            raise ScenarioError(sentence for _, sentence in problems_of(error)) from None

    def cover(self) -> None:
        """Show whose design this is, where it runs, and the date of the facts it rests on."""
        self._show(self._chapters.cover())

    def summary(self) -> None:
        """Show the six figures, the design at a glance and what needs a decision."""
        self._show(self._chapters.summary())

    def context(self) -> None:
        """Show what the team asked for."""
        self._show(self._chapters.context())

    def architecture(self) -> None:
        """Show every view of the architecture, and its components."""
        self._show(self._chapters.architecture())

    def plan(self) -> None:
        """Show the seven sections with every decision."""
        self._show(self._chapters.plan())

    def assessment(self) -> None:
        """Show cost, availability, recovery, capacity, compliance and carbon."""
        self._show(self._chapters.assessment())

    def findings(self) -> None:
        """Show conflicts, gaps and risks with the ways out, and the principles honoured."""
        self._show(self._chapters.findings())

    def code(self) -> None:
        """Show the generated code, and what was verified of it (the folder is named by DEVOPS_WORKBOOK_VERIFIED)."""
        folder = os.environ.get(VERIFIED_VARIABLE)
        record = read_record(Path(folder) / RECORD) if folder else None
        self._show((Part(code_chapter(self._repository, record)),))

    def appendices(self) -> None:
        """Show the diagrams in words, scores, evidence, sources and decision records."""
        self._show(self._chapters.appendices())

    def sign_off(self) -> None:
        """Show the page where those who must agree sign."""
        self._show(self._chapters.sign_off())


def _show(parts: Iterable[Part]) -> None:
    for part in parts:
        data, metadata = bundle(part)
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


def bundle(part: Part) -> tuple[dict[str, str], dict[str, Any]]:
    """The MIME data and metadata of a part, as a notebook's output holds them."""
    if part.drawing is None:
        return {"text/markdown": part.markdown}, {"text/markdown": {"role": part.role}} if part.role else {}
    data = {"image/svg+xml": part.drawing.svg, "text/plain": part.drawing.alt}
    return data, {"image/svg+xml": {"alt": part.drawing.alt, "caption": part.caption}}
