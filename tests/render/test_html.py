"""HTML fragments: what they say, that they can be operated by anyone, and that text stays text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from devops_workbook.evaluate import Evaluation, evaluate
from devops_workbook.evidence import Evidence, Quantity
from devops_workbook.findings import Finding, WayOut
from devops_workbook.render import html
from devops_workbook.render.diagram import draw, views
from devops_workbook.render.elements import el
from devops_workbook.render.exhibits import exhibits
from devops_workbook.render.figures import percent
from devops_workbook.requirements import Requirements

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}",
    "`id` $(id) ${id}",
    "# not a heading",
    "\\input{x} \\",
    "\"'><svg onload=alert(1)>",
    "]]> --> <!--",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
    "x" * 10_000,
    "\u202eright to left\u202c مرحبا שלום",
    "👩‍👩‍👧‍👦 emoji",
    "a\nb\tc",
    "cost is $5 and $6",
)


class Reader(HTMLParser):
    """What a browser would make of some HTML: its elements with their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(markup))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def now() -> Evaluation:
    return evaluate(Requirements(monthly_budget_usd=100, compliance=("pci-dss",)))


# Escaping


@given(st.text())
def test_text_stays_text(text: str) -> None:
    read = Reader(el("p", text))
    assert [tag for tag, _ in read.elements] == ["p"]
    assert read.text.replace("\r", "") == text.replace("\r", "")


@given(st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"])))
def test_attributes_stay_attributes(text: str) -> None:
    assert Reader(el("p", title=text)).elements == [("p", {"title": text})]


def test_an_attribute_is_escaped_even_if_it_calls_itself_safe() -> None:
    assert el("p", title=Markup('"><script>')) == '<p title="&#34;&gt;&lt;script&gt;"></p>'


def test_only_elements_are_taken_as_html() -> None:
    assert el("p", "<b>", el("b", "<i>"), None, 3) == "<p>&lt;b&gt;<b>&lt;i&gt;</b>3</p>"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_comes_out_as_that_text(text: str) -> None:
    now = evaluate(Requirements(name=text, description=text, owner=text))
    drawing = draw(now.topology, views(now.topology)[0].id)
    read = Reader(html.summary(now, drawing, ""))
    assert text.strip() in read.text
    assert not {tag for tag, _ in read.elements} & {"script", "svg", "iframe", "object"}
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_in_the_plan_come_out_as_that_text(now: Evaluation, text: str) -> None:
    made = now.plan.decisions[0]
    option = replace(made.choice, title=text, reason=text)
    evidence = Evidence(text, text, text, text, (Quantity(text, text, text),), text, text)
    hostile = replace(
        made,
        title=text,
        choice=option,
        summary=text,
        rationale=(text,),
        alternatives=(replace(option, ruled_out=text),),
        flips=(text,),
        detail=((text, text),),
        evidence=(evidence,),
        controls=(text,),
        artifacts=(text,),
        overridden=True,
    )
    finding = Finding("risk", "high", text, text, (WayOut(text, {"name": text}), WayOut(text)), text)
    for fragment in (html.decision(hostile, (text,), opened=True), html.findings((finding,))):
        read = Reader(fragment)
        assert text in read.text
        assert not {tag for tag, _ in read.elements} & {"script", "img", "svg"}
        assert not [link for link in read.all("a") if (link["href"] or "").startswith("javascript:")]


# Score strip


def test_the_strip_shows_six_figures_with_their_targets(now: Evaluation) -> None:
    read = Reader(html.score_strip(now))
    shown = [attributes["data-score"] for _, attributes in read.elements if "data-score" in attributes]
    assert shown == ["cost", "availability", "rto", "rpo", "compliance", "findings"]
    assert "missed: budget $100" in read.text


def test_a_change_says_whether_it_is_better_or_worse(now: Evaluation) -> None:
    cost = now.assessment.cost
    dearer = replace(now, assessment=replace(now.assessment, cost=replace(cost, monthly_usd=cost.monthly_usd + 250)))
    assert "+$250 (worse) since last edit" in Reader(html.score_strip(dearer, previous=now)).text
    assert "\N{MINUS SIGN}$250 (better) since baseline" in Reader(html.score_strip(now, baseline=dearer)).text
    assert "no change since last edit" in Reader(html.score_strip(now, previous=now)).text


def test_what_is_not_known_is_said_so(now: Evaluation) -> None:
    uptime = replace(now.assessment.availability, pct=None, downtime_minutes_month=None)
    unknown = replace(now, assessment=replace(now.assessment, availability=uptime))
    text = Reader(html.score_strip(unknown, previous=now)).text
    assert "Availabilitynot known" in text
    assert f"was {percent(now.assessment.availability.pct, 4)} since last edit" in text


# Decisions


def test_a_closed_decision_is_one_line(now: Evaluation) -> None:
    made = now.plan.decisions[0]
    read = Reader(html.decision(made))
    assert made.title in read.text
    assert made.choice.title in read.text
    assert made.summary in read.text
    assert not read.all("select")


def test_an_open_decision_holds_all_that_can_be_asked(now: Evaluation) -> None:
    for made in now.plan.decisions:
        text = Reader(html.decision(made, opened=True)).text
        asked = [
            *made.rationale,
            *made.flips,
            *(o.title for o in made.alternatives),
            *(o.ruled_out for o in made.alternatives),
        ]
        asked += [e.formula for e in made.evidence] + [e.as_of for e in made.evidence]
        assert [words for words in asked if words not in text] == []


def test_a_decision_can_be_overridden_by_any_of_its_options(now: Evaluation) -> None:
    made = now.plan.decisions[0]
    read = Reader(html.decision(made, opened=True))
    assert [option["value"] for option in read.all("option")] == [
        "",
        made.choice.id,
        *(o.id for o in made.alternatives),
    ]
    assert "selected" in read.all("option")[0]
    assert (read.all("select")[0]["data-action"], read.all("select")[0]["data-field"]) == ("override", made.id)


def test_an_override_is_marked_and_priced(now: Evaluation) -> None:
    made = replace(now.plan.decisions[0], overridden=True)
    read = Reader(html.decision(made, ("It moves Cost a month by +$9 (worse).",), opened=True))
    assert "overridden" in read.text
    assert "+$9 (worse)" in read.text
    assert [option["value"] for option in read.all("option") if "selected" in option] == [made.choice.id]


def test_only_web_addresses_become_links(now: Evaluation) -> None:
    def links(source: str) -> list[str | None]:
        made = replace(now.plan.decisions[0], evidence=(Evidence("x", 1, "", "1", (), source, "2026-07"),))
        return [link["href"] for link in Reader(html.decision(made, opened=True)).all("a")]

    assert links("https://aws.amazon.com/ecs/sla/") == ["https://aws.amazon.com/ecs/sla/"]
    assert links("javascript:alert(1)") == links("price list") == links("https://a b") == []


# Findings


def test_findings_come_worst_first_with_their_ways_out() -> None:
    change = {"overrides": {"infrastructure.compute": "vms"}, "compliance": ("soc2",)}
    found = (
        Finding("risk", "low", "late", "It may be late."),
        Finding("conflict", "high", "dear", "It is dear.", (WayOut("Pay", change), WayOut("Talk")), "cost.resources"),
    )
    read = Reader(html.findings(found))
    assert read.text.index("It is dear.") < read.text.index("It may be late.")
    (button,) = read.all("button")
    assert button["data-action"] == "change"
    assert json.loads(button["data-change"] or "") == {
        "overrides": {"infrastructure.compute": "vms"},
        "compliance": ["soc2"],
    }
    assert read.all("a")[0]["href"] == f"#{html.anchor('cost.resources')}"


def test_no_finding_is_said_in_words() -> None:
    assert "Nothing found" in html.findings(())


# Diagrams and figures


def test_the_diagram_has_a_button_for_every_view_and_a_table(now: Evaluation) -> None:
    offered = views(now.topology)
    drawing = draw(now.topology, "network")
    read = Reader(html.diagram(offered, "network", drawing, opened=True))
    tabs = [(b["data-view"], b["aria-pressed"]) for b in read.all("button") if b.get("data-action") == "view"]
    assert tabs == [(view.id, "true" if view.id == "network" else "false") for view in offered]
    assert [row.component for row in drawing.table if row.component not in read.text] == []


def test_a_diagram_that_cannot_be_drawn_says_why(now: Evaluation) -> None:
    read = Reader(html.diagram(views(now.topology), "runtime", None, trouble="No layout engine."))
    assert "No layout engine." in read.text
    assert not read.all("svg")


def test_every_figure_opens_to_what_it_is_made_of(now: Evaluation) -> None:
    topics = exhibits(now)
    keys = frozenset(str(part["data-key"]) for part in Reader(html.figures(topics)).all("details"))
    assert keys == {f"figures-{topic.id}" for topic in topics}
    closed, opened = Reader(html.figures(topics)).text, Reader(html.figures(topics, keys)).text
    titles = {component.id: component.title for component in now.topology.components}
    line = now.assessment.cost.lines[0]
    assert line.source in opened
    assert line.source not in closed
    assert titles[line.component] in opened
    assert all(part.title in opened for part in now.assessment.availability.parts)
    assert all(case.title in opened for case in now.assessment.recovery.cases)
    assert all(framework.title in closed for framework in now.assessment.compliance.frameworks)


def test_a_number_in_a_table_opens_to_formula_inputs_and_source(now: Evaluation) -> None:
    read = Reader(html.figures(exhibits(now), frozenset({"figures-cost"})))
    line = next(line for line in now.assessment.cost.lines if line.monthly_usd)
    assert "quantity x unit price" in read.text
    keys = [str(part.get("data-key")) for part in read.all("details")]
    assert f"why-cost-{line.evidence.metric}" in keys
    assert len(keys) == len(set(keys)), "the front end tells open parts apart by their keys"


def test_the_headline_figures_open_too(now: Evaluation) -> None:
    keys = {part["data-key"] for part in Reader(html.score_strip(now)).all("details")}
    assert {"why-score-Cost a month", "why-score-Availability of the users' path"} <= keys
    assert len(keys) == 4, "cost, availability, RTO and RPO; the others are counts"


# Accessibility


@pytest.mark.parametrize(
    "fragment",
    [
        lambda now: html.summary(now, None, ""),
        lambda now: html.findings(now.findings),
        lambda now: html.decision(now.plan.decisions[0], opened=True),
        lambda now: html.figures(exhibits(now), frozenset({"figures-cost", "figures-recovery", "figures-capacity"})),
    ],
)
def test_everything_can_be_reached_and_named(now: Evaluation, fragment: Callable[[Evaluation], str]) -> None:
    read = Reader(fragment(now))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    labels = {label["for"] for label in read.all("label")}
    assert len(ids) == len(set(ids))
    assert all(control["id"] in labels for control in read.all("select"))
    assert all(head.get("scope") for head in read.all("th"))
    assert all(image["alt"] for image in read.all("img"))
    levels = [int(tag[1]) for tag, _ in read.elements if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_summary_stands_alone(now: Evaluation) -> None:
    drawing = draw(now.topology, "runtime")
    read = Reader(html.summary(now, drawing, "p { color: red }"))
    assert not read.all("script")
    assert not read.all("link")
    assert read.all("img")[0]["alt"] == drawing.alt
    assert all(made.choice.title in read.text for made in now.plan.decisions)
