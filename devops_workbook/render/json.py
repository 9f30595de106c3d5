"""The JSON form of a plan, which other programs rely on.

    {requirements, sections, topology, assessment, findings, facts_as_of}

Names and nesting are a contract: fields may be added, none is renamed or removed. Keys always come in the same
order. What is not known is null. Percentages are 0-100, money is in USD a month, times are in minutes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from devops_workbook.assess.model import Assessment, FrameworkCoverage
from devops_workbook.design.model import Decision, Option
from devops_workbook.evaluate import Evaluation
from devops_workbook.plan.model import Section

__all__ = ["plan_data", "plan_json"]

# JSON lets these stand as they are; a terminal would obey them.
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def plan_json(evaluation: Evaluation) -> str:
    """`plan_data` as indented JSON, ending in a newline."""
    text = json.dumps(plan_data(evaluation), ensure_ascii=False, allow_nan=False, indent=2)
    return text.translate(_CONTROLS) + "\n"


def plan_data(evaluation: Evaluation) -> dict[str, Any]:
    """The plan as dictionaries, lists, strings, numbers, booleans and None."""
    return {
        "requirements": evaluation.requirements.model_dump(mode="json"),
        "sections": [_section(section) for section in evaluation.plan.sections],
        "topology": _data(evaluation.topology),
        "assessment": _assessment(evaluation.assessment),
        "findings": _data(evaluation.findings),
        "facts_as_of": evaluation.facts_as_of,
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "decisions": [_decision(decision) for decision in section.decisions],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "title": decision.title,
        "choice": {"id": decision.choice.id, "title": decision.choice.title},
        "overridden": decision.overridden,
        "summary": decision.summary,
        "rationale": list(decision.rationale),
        "alternatives": [_alternative(option) for option in decision.alternatives],
        "flips": list(decision.flips),
        "detail": [{"label": label, "text": text} for label, text in decision.detail],
        "evidence": _data(decision.evidence),
        "controls": list(decision.controls),
        "principles": list(decision.principles),
        "practices": list(decision.practices),
        "artifacts": list(decision.artifacts),
    }


def _alternative(option: Option) -> dict[str, Any]:
    """`reason` says what rules the option out, or else what its score rests on."""
    return {
        "id": option.id,
        "title": option.title,
        "score": option.score,
        "ruled_out": bool(option.ruled_out),
        "reason": option.ruled_out or option.reason,
    }


def _assessment(assessment: Assessment) -> dict[str, Any]:
    frameworks = [_framework(framework) for framework in assessment.compliance.frameworks]
    return {**_data(assessment), "compliance": {"pct": assessment.compliance.pct, "frameworks": frameworks}}


def _framework(framework: FrameworkCoverage) -> dict[str, Any]:
    requirements = [
        {"id": id, "title": title, "controls": _data(controls)} for id, title, controls in framework.requirements
    ]
    return {**_data(framework), "pct": framework.pct, "requirements": requirements}


def _data(value: Any) -> Any:
    """Dataclasses, mappings and tuples as what JSON has, fields in the order of their definition."""
    if is_dataclass(value):
        return {field.name: _data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (list, tuple)):
        return [_data(item) for item in value]
    return value
