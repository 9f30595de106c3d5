"""Markdown: the one place where free text becomes harmless, and the sectioned plan written in it.

Markdown is read by several programs that disagree at the edges (nbconvert's mistune, JupyterLab's marked, code
hosts), and some of them look for mathematics before they look for Markdown. `escape` therefore leaves no
character that any of them gives a meaning to. Everything else here takes cells and items that are already
Markdown and only puts structure around them.

An anchor is `<a id="..."></a>`, which every one of these programs keeps.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from devops_workbook.design.model import Decision, Option
from devops_workbook.evaluate import Evaluation
from devops_workbook.findings import Finding, WayOut
from devops_workbook.plan.model import Section
from devops_workbook.render.figures import price_dates, quantity, rating, scores
from devops_workbook.render.terms import control_titles, settings
from devops_workbook.render.text import PICTURES

__all__ = [
    "anchor",
    "bullets",
    "decision_anchor",
    "decision_markdown",
    "escape",
    "finding_markdown",
    "join",
    "link",
    "paragraphs",
    "plan_markdown",
    "section_markdown",
    "table",
]

_BLANKS = str.maketrans(dict.fromkeys("\t\n\r\x0b\x0c\x85\u2028\u2029", " "))
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
_MEANT = re.compile(r"([*_#\[\]`~])|([\\{}<>|$&@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""Characters that mean something: those a backslash disarms, and those that only an entity disarms everywhere."""
_LEADING = re.compile(r"^(\d{0,9})([-+=:.)])")
_SPACES = re.compile(r" {2,}")


def escape(text: str) -> str:
    """`text` as Markdown that shows exactly this text, on one line, wherever inline Markdown may stand.

    Line breaks become spaces, other control characters their visible pictures. Text that runs from right to
    left is isolated, so that it cannot reorder what stands beside it.
    """
    text = _SPACES.sub(" ", text.translate(_BLANKS).translate(PICTURES)).strip()
    if not text.isascii() and any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        text = f"\u2068{text.translate(_ISOLATES)}\u2069"
    text = _LEADING.sub("\\1\x00\\2", text)
    return _MEANT.sub(_disarmed, text).replace("\x00", "\\")


def _disarmed(match: re.Match[str]) -> str:
    return f"\\{match[1]}" if match[1] else f"&#{ord(match[2])};"


_RIGHT_TO_LEFT = frozenset({"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})


def paragraphs(text: str) -> str:
    """`text` as Markdown paragraphs, one for each of its lines; "" if it is blank."""
    return join(*(escape(line) for line in re.split(r"[\n\r\u2028\u2029]+", text) if line.strip()))


def link(address: str) -> str:
    """An address or the name of a source as Markdown: a link if it is an http(s) address, else its text."""
    if not re.fullmatch(r"https?://[^\s<>]+", address):
        return escape(address)
    target = quote(address, safe=":/?#@!$&'*+,;=%~")
    return f"[{escape(address)}]({target.replace('&', '&amp;')})"


def anchor(id: str) -> str:
    """A place that `[...](#id)` leads to."""
    return f'<a id="{id}"></a>'


def decision_anchor(field_id: str) -> str:
    """The anchor of the decision of a field of the plan."""
    return "decision-" + re.sub(r"[^a-z0-9]+", "-", field_id.lower())


def join(*blocks: str) -> str:
    """Markdown blocks, one after the other; empty ones are left out."""
    return "\n\n".join(block for block in blocks if block)


def bullets(items: Iterable[str]) -> str:
    """A bulleted list of items that are Markdown."""
    return "\n".join(f"- {item}" for item in items)


def table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", right: Sequence[int] = ()
) -> str:
    """A pipe table of cells that are Markdown; "" if it has no rows.

    caption: Markdown, put before the table as "Table: ..."; right: the columns set flush right.
    """
    body = [f"| {' | '.join(cell or ' ' for cell in row)} |" for row in rows]
    if not body:
        return ""
    rule = " | ".join("---:" if column in right else "---" for column in range(len(headers)))
    lines = [f"| {' | '.join(header or ' ' for header in headers)} |", f"| {rule} |", *body]
    return join(f"Table: {caption}" if caption else "", "\n".join(lines))


def plan_markdown(evaluation: Evaluation) -> str:
    """The sectioned plan: its name, the figures that sum it up, the seven sections and the findings."""
    strip = scores(evaluation)
    return (
        join(
            f"# {escape(evaluation.requirements.name)}",
            paragraphs(evaluation.requirements.description),
            table(
                [escape(s.title) for s in strip], [[escape(s.text) for s in strip], [escape(s.target) for s in strip]]
            ),
            *(section_markdown(section) for section in evaluation.plan.sections),
            "## Findings",
            *([finding_markdown(n, found, evaluation) for n, found in enumerate(evaluation.findings, 1)] or ["None."]),
            f"Prices dated {escape(price_dates(evaluation.assessment.cost))}.",
        )
        + "\n"
    )


def section_markdown(section: Section) -> str:
    """One section of the plan with all its decisions."""
    return join(f"## {escape(section.title)}", *(decision_markdown(decision) for decision in section.decisions))


def decision_markdown(decision: Decision, evidence: str = "") -> str:
    """One decision: what, why, instead of what, and what would change it. `evidence` replaces its figures."""
    return join(
        f"### {anchor(decision_anchor(decision.id))}{escape(decision.title)}",
        f"**{escape(decision.choice.title)}.** {_by_the_team(decision)}{escape(decision.summary)}",
        bullets(map(escape, decision.rationale)),
        table(["Part", "What it is"], [(escape(label), escape(text)) for label, text in decision.detail]),
        _options(decision),
        _labelled("What would change it", map(escape, decision.flips)),
        evidence
        or _labelled("Figures", (f"{escape(e.metric)} {escape(quantity(e.value, e.unit))}" for e in decision.evidence)),
        _labelled("Controls", map(escape, control_titles(decision.controls))),
    )


def _by_the_team(decision: Decision) -> str:
    return "*Decided by the team.* " if decision.overridden else ""


def _labelled(label: str, items: Iterable[str]) -> str:
    text = "; ".join(items)
    return f"**{label}:** {text}" if text else ""


def _options(decision: Decision) -> str:
    """The options as a table, the chosen one first."""
    others = [option for option in decision.alternatives if option.id != decision.choice.id]
    rows = [_option(option, chosen=option is decision.choice) for option in (decision.choice, *others)]
    title = escape(decision.title)
    return (
        table(["Option", "Score", "Outcome", "Because"], rows, caption=f"Options for {title}", right=[1])
        if others
        else ""
    )


def _option(option: Option, *, chosen: bool) -> tuple[str, str, str, str]:
    name = escape(option.title)
    outcome = "chosen" if chosen else "ruled out" if option.ruled_out else "not chosen"
    # A chosen option can carry a reason against it: the team overrode a constraint, and a finding says so.
    against = f"Ruled out: {option.ruled_out.rstrip('.')}." if option.ruled_out else ""
    because = " ".join(filter(None, (against, option.reason)))
    score = "" if option.ruled_out and not chosen else rating(option.score)
    return (f"**{name}**" if chosen else name, score or "–", outcome, escape(because))


def finding_markdown(number: int, finding: Finding, evaluation: Evaluation) -> str:
    """One finding of `evaluation` with its ways out: severity and kind in words, never by colour alone."""
    label = f"**F{number}. {finding.severity.capitalize()} {finding.kind}:**"
    return join(
        f"{anchor(f'finding-{number}')}{label} {escape(finding.message)}",
        bullets(f"Way out: {escape(way.text)} {_settings(way, evaluation)}".rstrip() for way in finding.ways_out),
    )


def _settings(way: WayOut, evaluation: Evaluation) -> str:
    text = "; ".join(settings(way.change, evaluation))
    return escape(f"(set {text})") if text else ""
