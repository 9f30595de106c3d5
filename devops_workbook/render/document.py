"""What a review board reads, chapter by chapter, as Markdown and drawings.

`Chapters(evaluation)` holds an evaluation and what all chapters share: the number every piece of evidence (E7)
and every source (S3) is cited by. Each chapter is a method that returns `Part`s: Markdown, or a drawing with its
caption. Who shows them (a notebook, an exporter, a test) is not this module's business.

No clock is read: the only dates are those of the facts, and those a person will write on the sign-off page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from devops_workbook import catalog
from devops_workbook.design.model import PRIORITIES, Component, Decision, Option
from devops_workbook.design.words import listed
from devops_workbook.evaluate import Evaluation
from devops_workbook.evidence import Evidence
from devops_workbook.findings import Finding
from devops_workbook.outline import FIELD_IDS
from devops_workbook.plan.model import Section
from devops_workbook.render.charts import Picture
from devops_workbook.render.charts import draw as draw_chart
from devops_workbook.render.diagram import Drawing, draw, views
from devops_workbook.render.diagram.text import ellipsis
from devops_workbook.render.exhibits import exhibits
from devops_workbook.render.exhibits.model import Block, Cell, Cited, Exhibit, Figure, Number, Proofs, Table, Text
from devops_workbook.render.figures import (
    NOT_KNOWN,
    Score,
    money,
    price_dates,
    quantity,
    rating,
    scores,
    sentence,
)
from devops_workbook.render.markdown import (
    anchor,
    bullets,
    decision_anchor,
    decision_markdown,
    escape,
    finding_markdown,
    join,
    link,
    paragraphs,
    table,
)
from devops_workbook.render.terms import control_titles, field_title, option_title, stated
from devops_workbook.requirements import GROUPS, FieldSpec, field_specs

__all__ = ["Chapters", "Part"]

_SEVERITIES = ("high", "medium", "low")
_ROLES = ("Owner", "Architecture", "Security", "Operations", "Finance")
_SLA_NOTE = (
    "These are the providers' promises multiplied along the users' path. A service level agreement says what a "
    "provider refunds, not what happens; hold the result against measured availability once the system runs."
)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a chapter: Markdown, or a drawing or chart with its caption.

    role: what an exporter may set in a form of its own: "cover", "scores", "signoff", "" = nothing special.
    """

    markdown: str = ""
    drawing: Drawing | Picture | None = None
    caption: str = ""
    role: str = ""


class Chapters:
    """The chapters of one evaluation's design document."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.requirements = evaluation.requirements

    @cached_property
    def evidence(self) -> Mapping[Evidence, str]:
        """Every figure the document cites, with its number, in the order of the decisions and assessments."""
        found: dict[Evidence, str] = {}
        for item in self._all_evidence():
            found.setdefault(item, f"E{len(found) + 1}")
        return MappingProxyType(found)

    @cached_property
    def sources(self) -> Mapping[tuple[str, str], str]:
        """Every source with the date it was read, with its number."""
        cited = [(item.source, item.as_of) for item in self.evidence]
        cited += [(c.source, c.as_of) for _, body in self.exhibits for c in _cells(body) if isinstance(c, Cited)]
        known = dict.fromkeys(key for key in cited if key[0] not in ("", NOT_KNOWN))
        return MappingProxyType({key: f"S{n}" for n, key in enumerate(known, 1)})

    def _all_evidence(self) -> Iterable[Evidence]:
        for decision in self.evaluation.plan.decisions:
            yield from decision.evidence
        for _, body in self.exhibits:
            for block in body:
                yield from _proofs(block)

    @cached_property
    def exhibits(self) -> tuple[tuple[Exhibit, Sequence[Block]], ...]:
        """Every topic of the assessment, and its body."""
        return tuple((exhibit, exhibit.body()) for exhibit in exhibits(self.evaluation))

    @cached_property
    def drawings(self) -> tuple[tuple[str, str, Drawing], ...]:
        """(title, caption, drawing) of every view; a component leads to the decision behind it."""
        topology = self.evaluation.topology
        links = {c.id: f"#{decision_anchor(c.decision)}" for c in topology.components if c.decision}
        hints = {c.id: self._hint(c) for c in topology.components}
        return tuple(
            (view.title, view.caption, draw(topology, view.id, hints=hints, links=links)) for view in views(topology)
        )

    def _hint(self, component: Component) -> str:
        size = f", {component.count} × {component.sku}" if component.sku else ""
        # Users are in the picture, but nobody provides them.
        cost = (
            f", {money(self.evaluation.assessment.cost.of(component.id))} a month" if component.role != "users" else ""
        )
        return f"{component.title}{size}{cost}"

    # The chapters, in the order a reader meets them

    def cover(self) -> tuple[Part, ...]:
        """Whose design this is, where it runs, and the date of the facts it rests on."""
        wanted = self.requirements
        provider = catalog.load().providers[wanted.provider]
        facts = (
            ("Owner", escape(ellipsis(wanted.owner, 200)) or "not stated"),
            ("Cloud provider", escape(provider.title)),
            ("Region", "; ".join(map(escape, self._regions())) or NOT_KNOWN),
            ("Prices dated", escape(self._price_dates)),
            *((("Price overlay", escape(overlay)),) if (overlay := catalog.load().overlay) else ()),
            ("Status", "Proposed, for review"),
        )
        return (
            Part(
                join(
                    f"# {escape(ellipsis(wanted.name, 200))}",
                    "DevOps and infrastructure design",
                    escape(ellipsis(wanted.description, 600)),
                    table(["", ""], [(f"**{label}**", value) for label, value in facts]),
                ),
                role="cover",
            ),
        )

    @property
    def _price_dates(self) -> str:
        return price_dates(self.evaluation.assessment.cost)

    def _regions(self) -> tuple[str, ...]:
        known = catalog.load().providers[self.requirements.provider].regions
        used = dict.fromkeys(c.region for c in self.evaluation.topology.components if c.region)
        return tuple(f"{known[id].title} ({id})" if id in known else id for id in used)

    def summary(self) -> tuple[Part, ...]:
        """The six figures, the design at a glance, what the team decided itself, and the gravest findings."""
        strip = scores(self.evaluation)
        tiles = table(
            [escape(s.title) for s in strip],
            [[f"**{escape(s.text)}**" for s in strip], [_held_against(s) for s in strip]],
        )
        glance = table(
            ["Section", "What is chosen"],
            [(escape(s.title), "; ".join(_choice(d) for d in s.decisions)) for s in self.evaluation.plan.sections],
            caption="The design at a glance",
        )
        return (
            Part(join("## Executive summary", self._lead())),
            Part(tiles, role="scores"),
            Part(join(glance, self._overrides(), self._findings_at_a_glance())),
        )

    def _lead(self) -> str:
        assessed, wanted = self.evaluation.assessment, self.requirements
        what = (
            f"is planned for {quantity(assessed.capacity.planned_rps)} requests a second at the peak of its "
            f"{wanted.horizon_months}-month horizon, on {catalog.load().providers[wanted.provider].title} "
            f"in {' and '.join(self._regions()) or 'a region still to be chosen'}. {_verdict(scores(self.evaluation))} "
            f"Every number can be traced to its formula and source in the appendices."
        )
        return f"{escape(ellipsis(wanted.name, 120))} {escape(what)}"

    def _overrides(self) -> str:
        taken = [d for d in self.evaluation.plan.decisions if d.overridden]
        if not taken:
            return ""
        return join(
            "**Decided by the team against the scores:**",
            bullets(_cited(d) + f": {escape(d.choice.title)}" for d in taken),
        )

    def _findings_at_a_glance(self) -> str:
        rows = [
            (f"[F{n}](#finding-{n})", f"{f.severity.capitalize()} {f.kind}", escape(f.message))
            for n, f in self._gravest_first()
            if f.severity != "low"
        ]
        return table(["No.", "Kind", "Finding"], rows, caption="What to weigh before approval")

    def _gravest_first(self) -> list[tuple[int, Finding]]:
        """The findings with their numbers."""
        return sorted(enumerate(self.evaluation.findings, 1), key=lambda item: _SEVERITIES.index(item[1].severity))

    def context(self) -> tuple[Part, ...]:
        """What the team asked for, in full."""
        wanted = self.requirements
        rows = [row for group in GROUPS if group not in ("identity", "overrides") for row in self._group(group)]
        overrides = table(
            ["Field", "Option"],
            [
                (escape(field_title(field)), escape(option_title(self.evaluation.plan, field, option)))
                for field, option in wanted.overrides.items()
            ],
            caption="Decisions the team took itself",
        )
        return (
            Part(
                join(
                    "## Context and requirements",
                    f"**Name:** {escape(wanted.name)}",
                    f"**Owner:** {escape(wanted.owner) or 'not stated'}",
                    paragraphs(wanted.description) or "No description was given.",
                    table(["Group", "Requirement", "Stated", "Meaning"], rows, caption="Requirements"),
                    overrides,
                )
            ),
        )

    def _group(self, group: str) -> list[tuple[str, str, str, str]]:
        specs = [spec for spec in field_specs() if spec.group == group]
        return [
            (f"**{escape(GROUPS[group])}**" if n == 0 else "", escape(s.title), self._stated(s), escape(s.description))
            for n, s in enumerate(specs)
        ]

    def _stated(self, spec: FieldSpec) -> str:
        return escape(stated(spec, getattr(self.requirements, spec.name), self.requirements.provider))

    def architecture(self) -> tuple[Part, ...]:
        """Every view of the architecture, and the components in it."""
        opening = "The same design, seen from several sides. A component's link leads to the decision behind it."
        parts = [Part(join("## Architecture", opening, "### Components", self._components()))]
        for title, caption, drawing in self.drawings:
            parts.append(Part(join(f"### {escape(title)} view", escape(caption))))
            parts.append(Part(drawing=drawing, caption=f"{title} view: {caption[0].lower()}{caption[1:]}"))
        return tuple(parts)

    def _components(self) -> str:
        rows = [
            (
                escape(c.title),
                escape(_size(c)),
                escape(", ".join(filter(None, (c.region, f"{c.zones} zones" if c.zones > 1 else "")))) or "global",
                _usd(self.evaluation.assessment.cost.of(c.id)),
                _cite(c.decision),
            )
            for c in self.evaluation.topology.components
            if c.role != "users"
        ]
        headers = ["Component", "Size at the peak", "Where", "A month", "Decision"]
        return table(headers, rows, caption="Components of the design", right=[3])

    def plan(self) -> tuple[Part, ...]:
        """The seven sections, every decision with its reasons, alternatives and evidence."""
        return tuple(Part(self._section(section)) for section in self.evaluation.plan.sections)

    def _section(self, section: Section) -> str:
        decisions = (decision_markdown(d, self._evidence_of(d)) for d in section.decisions)
        return join(f"## {escape(section.title)}", *decisions)

    def _evidence_of(self, decision: Decision) -> str:
        return self._named(decision.evidence)

    def _number(self, evidence: Evidence) -> str:
        number = self.evidence[evidence]
        return f"[{number}](#{number})"

    def _source(self, source: str, as_of: str) -> str:
        number = self.sources.get((source, as_of))
        return f"[{number}](#{number})" if number else "–"

    def assessment(self) -> tuple[Part, ...]:
        """Every topic of the assessment: tables, charts and the figures behind them."""
        return (
            Part("## Assessment"),
            *(part for exhibit, body in self.exhibits for part in self._exhibit(exhibit, body)),
        )

    def _exhibit(self, exhibit: Exhibit, body: Sequence[Block]) -> Iterable[Part]:
        yield Part(join(f"### {escape(exhibit.title)}", f"{escape(exhibit.line)}."))
        yield from map(self._block, body)

    def _block(self, block: Block) -> Part:
        match block:
            case Text():
                return Part(f"**{escape(block.text)}**" if block.tone else escape(block.text))
            case Table():
                return Part(self._table(block))
            case Figure():
                return Part(drawing=draw_chart(block.chart), caption=block.caption)
            case Proofs():
                return Part(self._named(block.evidence))

    def _named(self, evidence: Iterable[Evidence]) -> str:
        """The figures behind a topic by name and value, each with the number it is found by."""
        items = (f"{escape(e.metric)} {escape(quantity(e.value, e.unit))} {self._number(e)}" for e in evidence)
        text = "; ".join(items)
        return f"**Figures:** {text}" if text else ""

    def _table(self, found: Table) -> str:
        rows = [[self._cell(cell) for cell in row] for row in found.rows]
        if found.total and rows:
            rows[-1] = [f"**{cell}**" if cell else "" for cell in rows[-1]]
        return table([escape(h) for h in found.headers], rows, caption=escape(found.caption), right=found.right)

    def _cell(self, cell: Cell) -> str:
        match cell:
            case Number():
                return escape(cell.text) if cell.told else f"{escape(cell.text)} {self._number(cell.evidence)}"
            case Cited():
                number = self._source(cell.source, cell.as_of)
                return f"{escape(sentence(cell.text))} {number}" if cell.text else number
        return escape(cell)

    def findings(self) -> tuple[Part, ...]:
        """Conflicts, gaps and risks with the ways out of them, the gravest first; then principles honoured."""
        listed = [
            join(
                finding_markdown(n, finding, self.evaluation),
                f"Concerns {_cite(finding.field)}." if finding.field else "",
            )
            for n, finding in self._gravest_first()
        ]
        return (Part(join("## Findings and risks", *(listed or ["There are none."]))), *self._principles())

    def _principles(self) -> tuple[Part, ...]:
        facts = catalog.load()
        tables = (("Guiding principles", facts.principles), ("Best practices", facts.practices))
        rows = {
            title: [
                (
                    f"**{escape(practice.title)}**",
                    escape(practice.meaning),
                    " ".join(f"{_cite(field)}: {escape(how)}" for field, how in practice.honoured_by.items()),
                )
                for practice in practices.values()
            ]
            for title, practices in tables
        }
        headers = ["Name", "Meaning", "Honoured by"]
        body = (table(headers, rows[title], caption=title) for title, _ in tables)
        return (Part(join("## Principles and practices", *body)),)

    def appendices(self) -> tuple[Part, ...]:
        """The diagrams in words, every score, all evidence with its sources, and the decision records."""
        return (
            Part(join("## Appendix A: Diagrams in words", *self._diagram_tables())),
            Part(join("## Appendix B: Scores of every option", _SCORES_NOTE, self._scores())),
            Part(join("## Appendix C: Evidence", self._evidence_table())),
            Part(join("## Appendix D: Sources", self._source_table())),
            Part(join("## Appendix E: Decision records", *self._records())),
        )

    def _diagram_tables(self) -> Iterable[str]:
        for title, _, drawing in self.drawings:
            rows = [
                (escape(row.component), escape(row.what), escape(row.where), escape("; ".join(row.connects_to)) or "–")
                for row in drawing.table
            ]
            yield table(["Component", "What", "Where", "Connects to"], rows, caption=f"{escape(title)} view in words")

    def _scores(self) -> str:
        rows = [row for decision in self.evaluation.plan.decisions for row in _score_rows(decision)]
        headers = ["Field", "Option", *(p.capitalize() for p in PRIORITIES), "Score"]
        return table(headers, rows, caption="Scores by priority, 0 to 10", right=range(2, 8))

    def _evidence_table(self) -> str:
        rows = [
            (
                f"{anchor(number)}{number}",
                escape(item.metric),
                f"**{escape(quantity(item.value, item.unit))}**",
                _working(item),
                self._source(item.source, item.as_of),
            )
            for item, number in self.evidence.items()
        ]
        headers = ["No.", "Figure", "Value", "Formula and inputs", "Source"]
        return table(headers, rows, caption="Evidence") or "No figure was computed."

    def _source_table(self) -> str:
        rows = [(f"{anchor(n)}{n}", link(source), escape(as_of) or "–") for (source, as_of), n in self.sources.items()]
        return table(["No.", "Source", "As of"], rows, caption="Sources") or "No source is cited."

    def _records(self) -> Iterable[str]:
        return (self._record(n, decision) for n, decision in enumerate(self.evaluation.plan.decisions, 1))

    def _record(self, number: int, decision: Decision) -> str:
        best = max((o for o in decision.alternatives if not o.ruled_out), key=lambda o: o.score, default=None)
        instead = f"In favour of this, {best.title} (score {rating(best.score)}) was not chosen." if best else ""
        status = "Proposed; decided by the team" if decision.overridden else "Proposed"
        rows = (
            ("Status", f"{status}, on prices dated {self._price_dates}"),
            ("Context", " ".join(decision.rationale)),
            ("Decision", f"{decision.choice.title}. {decision.summary}"),
            ("Consequences", " ".join(filter(None, (instead, *(f"{flip.rstrip('.')}." for flip in decision.flips))))),
            ("Satisfies", "; ".join(control_titles(decision.controls))),
            ("Carried out in", ", ".join(decision.artifacts)),
        )
        lines = [f"**{label}.** {escape(text)}" for label, text in rows if text]
        return join(f"### ADR {number}: {escape(decision.title)}", *lines)

    def sign_off(self) -> tuple[Part, ...]:
        """Who must agree, with room to sign and date."""
        owner = ellipsis(self.requirements.owner, 60)
        names = {"Owner": escape(owner)}
        rows = [(f"**{role}**", names.get(role, ""), "", "", "") for role in _ROLES]
        statement = (
            f"By signing, the undersigned accept this design of {escape(ellipsis(self.requirements.name, 120))}, "
            f"which rests on prices dated {escape(self._price_dates)} and the other sources listed in it, "
            "with all its findings."
        )
        return (
            Part(join("## Sign-off", statement)),
            Part(
                table(["Role", "Name", "Approved, approved with conditions, or refused", "Signature", "Date"], rows),
                role="signoff",
            ),
        )


_SCORES_NOTE = (
    "How each option scores under each priority, 10 is best. The score is their mean, weighted by the team's "
    "priorities. An option that is ruled out has none."
)


def _held_against(score: Score) -> str:
    # Findings have no target; their number by severity speaks for itself.
    judged = score.verdict and score.id != "findings"
    return escape(f"{score.verdict.capitalize()}: {score.target}" if judged else score.target)


def _verdict(strip: Iterable[Score]) -> str:
    """Which targets the design misses, and which figures are not known."""
    targets = [score for score in strip if score.id != "findings"]
    missed = [_in_sentence(score.title) for score in targets if score.verdict == "missed"]
    unknown = [_in_sentence(score.title) for score in targets if score.text == NOT_KNOWN]
    sentences = (
        f"It misses the target for {listed(missed)}." if missed else "It misses no target.",
        f"Not known: {listed(unknown)}." if unknown else "",
    )
    return " ".join(filter(None, sentences))


def _in_sentence(title: str) -> str:
    return title[:1].lower() + title[1:]


def _choice(decision: Decision) -> str:
    return f"[{escape(decision.choice.title)}](#{decision_anchor(decision.id)})"


def _cited(decision: Decision) -> str:
    return f"[{escape(decision.title)}](#{decision_anchor(decision.id)})"


def _cite(field_id: str) -> str:
    """A field of the plan by its title, leading to its decision; a requirement by its title."""
    if field_id in FIELD_IDS:
        return f"[{escape(field_title(field_id))}](#{decision_anchor(field_id)})"
    requirement = {spec.name: spec.title for spec in field_specs()}.get(field_id.removeprefix("requirements."))
    return f"{escape(requirement)} (requirement)" if requirement else escape(field_id) or "–"


def _usd(amount: float | None) -> str:
    return escape(money(amount))


def _size(component: Component) -> str:
    """How many of what size."""
    if component.sku:
        return f"{component.count} × {component.sku}"
    return f"×{component.count}" if component.count > 1 else "managed"


def _score_rows(decision: Decision) -> Iterable[tuple[str, ...]]:
    others = [option for option in decision.alternatives if option.id != decision.choice.id]
    for n, option in enumerate((decision.choice, *others)):
        yield (_cited(decision) if n == 0 else "", *_score_cells(option, chosen=n == 0))


def _score_cells(option: Option, *, chosen: bool) -> tuple[str, ...]:
    name = f"**{escape(option.title)}**" if chosen else escape(option.title)
    total = "ruled out" if option.ruled_out else rating(option.score)
    return (name, *map(quantity, option.scores), total)


def _working(item: Evidence) -> str:
    """Formula and inputs of a figure."""
    inputs = ", ".join(f"{q.name} {quantity(q.value, q.unit)}" for q in item.inputs)
    return escape(item.formula) + (f" ({escape(inputs)})" if inputs else "")


def _cells(body: Iterable[Block]) -> Iterable[Cell]:
    return (cell for block in body if isinstance(block, Table) for row in block.rows for cell in row)


def _proofs(block: Block) -> Iterable[Evidence]:
    """What the figures of a block rest on, as far as the block does not say it itself."""
    if isinstance(block, Proofs):
        return block.evidence
    return (cell.evidence for cell in _cells([block]) if isinstance(cell, Number) and not cell.told)
