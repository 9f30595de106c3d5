"""The chapter of the design document on the generated code: what there is, and what was verified of it.

A record of `verify` counts only if it is about exactly the code of this design; of anything else the chapter says that
it was not verified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from devops_workbook.artifacts.repository import Repository
from devops_workbook.artifacts.verification import Verification, told
from devops_workbook.render.markdown import escape, join, table

__all__ = ["code_chapter"]


def code_chapter(made: Repository, verified: Verification | None) -> str:
    """The chapter, in Markdown, under a heading of the second level."""
    return join(
        "## Generated code",
        f"`devops-workbook generate` writes {len(made.artifacts)} files for this design. Every component of it is "
        "implemented by resources of this code or has a reason why not.",
        table(("Configuration", "Resources"), _configurations(made), caption="Configurations and their resources",
              right=(1,)),
        table(("Component", "Why no resource implements it"),
              [(f"`{x.component}`", escape(x.why)) for x in made.infrastructure.unbuilt],
              caption="Components without resources"),
        "### What was verified",
        _verified(made, verified),
    )  # fmt: skip


def _configurations(made: Repository) -> Iterable[tuple[str, str]]:
    counts = Counter(trace.root for trace in made.infrastructure.traces)
    return [(f"`{root}`", f"{count:,}") for root, count in counts.items()]


def _verified(made: Repository, verified: Verification | None) -> str:
    if verified is None:
        return (
            "Nothing: this document was made without a record of `devops-workbook verify`. Generate the code, verify "
            "it, and export the document with `--verified` and that folder."
        )
    if verified.digest != made.digest:
        return (
            "Nothing: the record that was given is about other code than this design's. Generate the code again, "
            "verify it, and export the document once more."
        )
    return told(verified)
