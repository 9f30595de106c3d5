"""The README of the generated repository: what it is, what to set, how to begin, what implements what.

What was verified stands in a part of its own, which `verify` renews: between two marks, so that nothing else of the
file is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.model import Infrastructure
from devops_workbook.render.markdown import escape, join, table

__all__ = ["readme", "with_verification"]

_BEGIN, _END = "<!-- verification: written by devops-workbook verify -->", "<!-- end of verification -->"
_NOT_YET = "Nothing has been verified yet. Run `devops-workbook verify .` in this folder."


def readme(b: Blueprint, built: Infrastructure, paths: Collection[str]) -> str:
    """The README, in Markdown. paths: of the other files."""
    return join(*_parts(b, built, paths)) + "\n"


def with_verification(text: str, told: str) -> str:
    """A README with `told`, Markdown, as its account of what was verified; at its end, if the marks are gone."""
    head, found, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2] if found else ""
    return f"{head.rstrip()}\n\n{_BEGIN}\n\n{told}\n\n{_END}\n{tail.lstrip()}"


_FOLDERS = {
    "delivery/": "What the pipeline runs, on any machine with Docker alike, and what it is told.",
    "docs/": "What people read to run the system; docs/index.md leads through it, `mkdocs serve` shows it as a site.",
    "infrastructure/": "The code that builds it, and which resource implements which component.",
    "kubernetes/": "What runs in the clusters: a Kustomize base, and an overlay for each.",
    "observability/": "Objectives, rules, their unit tests, whom alerts reach, and dashboards.",
    "services/": "The images of the services, in stages that test them before they are built.",
}


def _parts(b: Blueprint, built: Infrastructure, paths: Collection[str]) -> Iterator[str]:
    r = b.requirements
    yield f"# {escape(r.name)}"
    yield escape(r.description) if r.description.strip() else ""
    regions = " and ".join(escape(f"{site.region.title} ({site.region.id})") for site in b.sites)
    yield f"Infrastructure for {escape(b.provider.title)} in {regions}, generated from the design by devops-workbook."
    folders = {f"{path.partition('/')[0]}/" for path in paths if "/" in path}
    yield table(("Folder", "What is in it"), [(f"`{x}`", told) for x, told in _FOLDERS.items() if x in folders])
    if built.to_set:
        yield "## Set before the first apply"
        yield "Nobody stated these values; the code holds stand-ins for them."
        yield table(("Value", "What it is"), [(f"`{name}`", escape(what)) for name, what in built.to_set])
    yield "## Build it"
    for number, (what, commands) in enumerate(built.steps, 1):
        yield f"{number}. {escape(what)}"
        yield f"```sh\n{commands}\n```"
    yield from _components(b, built)
    yield join("## What was verified", f"{_BEGIN}\n\n{_NOT_YET}\n\n{_END}")


def _components(b: Blueprint, built: Infrastructure) -> Iterator[str]:
    counts = Counter(trace.component for trace in built.traces)
    reasons = {x.component: x.why for x in built.unbuilt}
    yield "## What implements what"
    yield "Resources by component of the design, over all configurations; `infrastructure/components.json` names them."
    rows = [
        (f"`{c.id}`", escape(c.title), str(counts[c.id]) if c.id in counts else f"none: {escape(reasons[c.id])}")
        for c in b.topology.components
    ]
    yield table(("Component", "Service", "Resources"), rows)
