"""A module's README, laid out as terraform-docs lays it out: what it needs, builds, takes and gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devops_workbook.artifacts.terraform.module import LANGUAGE, Module
from devops_workbook.render.markdown import escape, join, table

__all__ = ["module_readme"]


def module_readme(module: Module) -> str:
    """The README of a module, in Markdown."""
    return join(f"# {escape(module.title)}", *map(escape, module.about), *_sections(module)) + "\n"


def _sections(module: Module) -> Iterator[str]:
    needed = [("terraform", LANGUAGE), *((p.name, p.version) for p in module.providers)]
    yield from _section("Requirements", ("Name", "Version"), [(n, f"`{v}`") for n, v in needed])
    built = [(f"`{r.type}.{r.name}`", escape(", ".join(r.components))) for r in module.resources]
    yield from _section("Resources", ("Name", "Component"), built)
    taken = [(f"`{v.name}`", escape(v.description), f"`{v.type}`") for v in module.variables.values()]
    yield from _section("Inputs", ("Name", "Description", "Type"), taken)
    given = [(f"`{o.name}`", escape(o.description)) for o in module.outputs.values()]
    yield from _section("Outputs", ("Name", "Description"), given)


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield from (f"## {title}", table(head, rows))
