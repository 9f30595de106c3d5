"""What a batch finds, a row a case: what was asked, what was decided, what it comes to, and where the documents are.

The columns are the same whatever was found, so that runs can be laid under each other: first what happened, then the
figures, then every requirement (`asked_…`), then every decision (`decided_…`).
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from devops_workbook.evaluate import Evaluation
from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import Requirements, field_specs
from devops_workbook.what_if.outcome import outcome_of

__all__ = ["COLUMNS", "as_csv", "as_parquet", "figures"]

_HAPPENED = {
    "id": str, "name": str, "origin": str, "status": str, "error": str, "seconds": float, "html": str, "pdf": str,
    "md": str, "notebook": str, "key": str,
}  # fmt: skip
_FIGURES = {
    "region": str, "compute": str, "database": str, "monthly_usd": float, "production_usd": float,
    "availability_pct": float, "rto_minutes": float, "rpo_minutes": float, "coverage_pct": float,
    "kgco2e_month": float, "findings_high": int, "findings_medium": int, "findings_low": int, "prices_as_of": str,
}  # fmt: skip
_OF_KIND = {"number": float, "integer": int, "flag": bool}
_ASKED = {f"asked_{spec.name}": _OF_KIND.get(spec.kind, str) for spec in field_specs() if spec.name != "name"}
_DECIDED = {f"decided_{field.replace('.', '_')}": str for field in FIELD_IDS}

COLUMNS: Mapping[str, type] = {**_HAPPENED, **_FIGURES, **_ASKED, **_DECIDED}
"""The columns of the results and their types; any value may be missing."""


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """The columns that an evaluation fills."""
    outcome = outcome_of(evaluation)
    severities = Counter(finding.severity for finding in evaluation.findings)
    found = {
        "region": evaluation.topology.component("compute").region,
        **{f: evaluation.plan.decision(f"infrastructure.{f}").choice.title for f in ("compute", "database")},
        "monthly_usd": outcome.monthly_usd,
        "production_usd": outcome.production_usd, "availability_pct": outcome.availability_pct,
        "rto_minutes": outcome.rto_minutes, "rpo_minutes": outcome.rpo_minutes, "coverage_pct": outcome.compliance_pct,
        "kgco2e_month": outcome.kgco2e_month, "prices_as_of": evaluation.facts_as_of,
        **{f"findings_{severity}": severities[severity] for severity in ("high", "medium", "low")},
    }  # fmt: skip
    decisions = [decision for section in evaluation.plan.sections for decision in section.decisions]
    decided = {f"decided_{d.id.replace('.', '_')}": d.choice.id for d in decisions}
    return found | _asked(evaluation.requirements) | decided


def _asked(requirements: Requirements) -> dict[str, Any]:
    values = requirements.model_dump(mode="json", exclude={"name"})
    return {f"asked_{field}": _flat(value) for field, value in values.items()}


def _flat(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True) if value else ""
    return "+".join(value) if isinstance(value, list | tuple) else value


def as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows as comma-separated values in UTF-8, a spreadsheet's formulas defused."""
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows({column: _cell(row.get(column)) for column in COLUMNS} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> Any:
    """A cell's text. What a spreadsheet would take for a formula gets an apostrophe, which shows it as text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The rows as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    schema = pa.schema([(column, types[kind]) for column, kind in COLUMNS.items()])
    typed = [{column: _typed(row.get(column), kind) for column, kind in COLUMNS.items()} for row in rows]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(typed, schema=schema), out)
    return out.getvalue()


def _typed(value: Any, kind: type) -> Any:
    return None if value is None else kind(value)
