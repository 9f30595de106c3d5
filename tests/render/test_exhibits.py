"""Exhibits: every figure of the assessment is shown, is the assessment's own, and opens to its evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devops_workbook.evaluate import Evaluation
from devops_workbook.render.charts import Bars
from devops_workbook.render.exhibits import exhibits
from devops_workbook.render.exhibits.cost import cost
from devops_workbook.render.exhibits.model import Exhibit, Figure, Number, Proofs, Table, text_of
from devops_workbook.render.figures import money, quantity


def topic(evaluation: Evaluation, id: str) -> Exhibit:
    return next(exhibit for exhibit in exhibits(evaluation) if exhibit.id == id)


def tables(exhibit: Exhibit) -> dict[str, Table]:
    return {block.caption: block for block in exhibit.body() if isinstance(block, Table)}


def test_a_review_goes_through_every_topic(evaluations: dict[str, Evaluation]) -> None:
    ids = [exhibit.id for exhibit in exhibits(evaluations["payments-api"])]
    assert ids[0] == "cost"
    assert {
        "other-clouds", "availability", "recovery", "capacity", "telemetry", "addresses", "framework-pci-dss", "carbon",
        "cleaner-regions",
    } <= set(ids)  # fmt: skip
    assert len(ids) == len(set(ids))


def test_ways_under_the_budget_are_shown_only_over_it(evaluations: dict[str, Evaluation]) -> None:
    for name, evaluation in evaluations.items():
        budget = evaluation.assessment.cost.budget
        over = budget is not None and budget.gap_usd > 0
        assert over == any(exhibit.id == "under-budget" for exhibit in exhibits(evaluation)), name


def test_every_row_has_as_many_cells_as_its_table_has_columns(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for exhibit in exhibits(evaluation):
            for table in tables(exhibit).values():
                assert {len(row) for row in table.rows} <= {len(table.headers)}, table.caption


def test_every_figure_of_the_assessment_opens_somewhere(evaluations: dict[str, Evaluation]) -> None:
    evaluation = evaluations["payments-api"]
    shown = set()
    for exhibit in exhibits(evaluation):
        for block in exhibit.body():
            if isinstance(block, Proofs):
                shown |= set(block.evidence)
            elif isinstance(block, Table):
                shown |= {cell.evidence for row in block.rows for cell in row if isinstance(cell, Number)}
    a = evaluation.assessment
    figures = {
        *a.cost.evidence, a.cost.projection.evidence, *(e.evidence for e in a.cost.environments),
        *(c.evidence for c in a.cost.commitments), *a.availability.evidence,
        *(j.evidence for j in a.availability.journeys),
        *(e for case in a.recovery.cases for e in case.evidence), *(b.evidence for b in a.recovery.backups),
        *a.capacity.evidence, *(s.evidence for s in a.telemetry.signals), *a.carbon.evidence,
        *(line.evidence for line in a.carbon.lines), *evaluation.topology.addresses.evidence,
    }  # fmt: skip
    assert figures - shown == set()


def test_the_sections_add_up_to_the_total(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        found = evaluation.assessment.cost
        *rows, total = tables(cost(evaluation))["Cost by section"].rows
        assert text_of(total[1]) == money(found.monthly_usd)
        assert [text_of(row[1]).partition(" ")[0] for row in rows] == [money(usd) for _, usd in found.by_section]


def test_a_section_of_which_something_is_not_priced_says_so(evaluations: dict[str, Evaluation]) -> None:
    evaluation = evaluations["payments-api"]
    lines = tuple(
        replace(line, monthly_usd=None) if line.section == "infrastructure" and line.component == "database" else line
        for line in evaluation.assessment.cost.lines
    )
    none = tuple(replace(line, monthly_usd=None) if line.section == "cicd" else line for line in lines)
    found = replace(evaluation.assessment.cost, lines=none)
    shown = cost(replace(evaluation, assessment=replace(evaluation.assessment, cost=found)))
    sections = {text_of(row[0]): text_of(row[1]) for row in tables(shown)["Cost by section"].rows}
    assert sections["Infrastructure"].endswith(" + not known")
    assert sections["CI/CD"] == "not known"


def test_the_bill_is_that_of_production_line_by_line(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        lines = [line for line in evaluation.assessment.cost.lines if line.environment == "production"]
        *rows, total = tables(cost(evaluation))["The bill of production, in USD"].rows
        assert [text_of(row[4]) for row in rows] == [money(line.monthly_usd) for line in lines]
        assert text_of(total[4]) == money(evaluation.assessment.cost.production_usd)


def test_an_adjusted_price_is_marked_in_the_bill(evaluations: dict[str, Evaluation]) -> None:
    evaluation = evaluations["payments-api"]
    first, *rest = evaluation.assessment.cost.lines
    found = replace(evaluation.assessment.cost, lines=(replace(first, adjusted="15 % off: agreement"), *rest))
    shown = cost(replace(evaluation, assessment=replace(evaluation.assessment, cost=found)))
    assert "price overlay: 15 % off: agreement" in text_of(tables(shown)["The bill of production, in USD"].rows[0][1])


@pytest.mark.parametrize("name", ["payments-api", "startup-web-shop"])
def test_the_capacity_table_marks_what_was_chosen(evaluations: dict[str, Evaluation], name: str) -> None:
    found = evaluations[name].assessment.capacity
    rows = next(iter(tables(topic(evaluations[name], "capacity")).values())).rows
    marked = [text_of(row[0]) for row in rows if "chosen" in text_of(row[0])]
    assert marked == [f"{quantity(found.replicas)} (chosen)"] or "left when a zone is lost" in marked[0]


def test_every_chart_has_a_caption_and_as_many_values_as_names(evaluations: dict[str, Evaluation]) -> None:
    for exhibit in exhibits(evaluations["payments-api"]):
        for block in exhibit.body():
            if isinstance(block, Figure):
                names = block.chart.categories if hasattr(block.chart, "categories") else block.chart.x
                assert block.caption
                assert all(len(series.values) == len(names) for series in block.chart.series)


def test_lines_and_rows_begin_with_a_capital_or_a_number(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        for exhibit in exhibits(evaluation):
            assert not exhibit.line[:1].islower(), exhibit.line
            for table in tables(exhibit).values():
                first = [text_of(row[0]) for row in table.rows]
                assert [text for text in first if text[:1].islower() and text.split()[0].isalpha()] == [], table.caption


def test_every_subnet_is_in_a_row_of_its_network(evaluations: dict[str, Evaluation]) -> None:
    for evaluation in evaluations.values():
        rows = next(t for c, t in tables(topic(evaluation, "addresses")).items() if c.startswith("Subnets")).rows
        shown = [block for row in rows for block in text_of(row[2]).split(", ")]
        subnets = [s.cidr for network in evaluation.topology.addresses.networks for s in network.subnets]
        assert sorted(shown) == sorted(subnets)


def test_what_always_runs_has_no_break_even_on_spot(evaluations: dict[str, Evaluation]) -> None:
    rows = tables(cost(evaluations["payments-api"]))["What always runs, under other terms"].rows
    assert {text_of(row[5]) == "–" for row in rows if text_of(row[1]) == "Spot"} == {True}
    assert all(text_of(row[5]).endswith("%") for row in rows if text_of(row[1]) != "Spot")


def test_a_recovery_of_many_hours_is_drawn_in_hours(evaluations: dict[str, Evaluation]) -> None:
    chart = next(b.chart for b in topic(evaluations["payments-api"], "recovery").body() if isinstance(b, Figure))
    assert isinstance(chart, Bars)
    assert chart.unit == "hours"
    assert chart.ends[-1].endswith(" h")
    longest = max(case.rto_minutes or 0 for case in evaluations["payments-api"].assessment.recovery.cases)
    assert sum(series.values[-1] for series in chart.series) == pytest.approx(longest / 60)
