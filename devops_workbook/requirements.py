"""What a team states it needs: one flat, frozen model.

Every surface derives from these fields: the form's controls, papermill's parameters cell, the scenario file's
comments, `--help`, the JSON schema and the table in the documents. A new requirement is one `Field` here.

Bounds say what is possible, not what is wise: two wishes that cannot both be had are a finding of the design
(see `findings`), not an error. An error is raised only for what has no meaning: an average above the peak,
a region the provider does not have, an override of a field that does not exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from devops_workbook import catalog
from devops_workbook.outline import FIELD_IDS

__all__ = ["GROUPS", "FieldSpec", "Requirements", "field_specs", "nearest"]

GROUPS: dict[str, str] = {
    "identity": "Identity",
    "platform": "Platform",
    "delivery": "Delivery",
    "workload": "Workload",
    "data": "Data",
    "reliability": "Reliability",
    "security": "Security and compliance",
    "operations": "Operations",
    "budget": "Budget",
    "priorities": "Priorities",
    "overrides": "Overrides",
}

TEXT_LIMIT = 20_000

Language = Literal["python", "java", "go", "node", "dotnet"]
Framework = Literal["soc2", "iso27001", "pci-dss", "hipaa", "gdpr", "fedramp-moderate", "nist-800-53-moderate", "cis"]
Jurisdiction = Literal["none", "us", "eu", "uk", "ch", "ca", "br", "au", "jp", "in", "sg", "kr", "za", "ae"]
Priority = Annotated[int, Field(ge=0, le=5)]

_CHOICE_TITLES = {
    "terraform": "Terraform", "cloudformation": "CloudFormation", "github": "GitHub", "gitlab": "GitLab",
    "self-hosted": "self-hosted", "python": "Python", "java": "Java", "go": "Go", "node": "Node.js", "dotnet": ".NET",
    "web-api": "web API", "event-driven": "event-driven", "key-value": "key-value", "1y": "1 year", "3y": "3 years",
    "us": "United States", "eu": "European Union", "uk": "United Kingdom", "ch": "Switzerland", "ca": "Canada",
    "br": "Brazil", "au": "Australia", "jp": "Japan", "in": "India", "sg": "Singapore", "kr": "South Korea",
    "za": "South Africa", "ae": "United Arab Emirates",
}  # fmt: skip


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


Text = Annotated[str, Field(max_length=TEXT_LIMIT)]


def _field(
    default: Any, group: str, title: str, description: str, unit: str = "", takes: str = "", **bounds: Any
) -> Any:
    extra: dict[str, JsonValue] = {"group": group, "unit": unit, "takes": takes}
    return Field(default, title=title, description=description, json_schema_extra=extra, **bounds)


class Requirements(BaseModel):
    """What a team needs. Frozen; `Requirements()` alone is a valid, modest web API.

    Raises pydantic.ValidationError, with every problem, when a value is out of bounds or contradicts another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    # fmt: off
    # Identity
    name: Text = _field("Untitled system", "identity", "Name", "What people call the system.", min_length=1)
    description: Text = _field("", "identity", "Description", "What it does and for whom, in a few sentences.")
    owner: Text = _field("", "identity", "Owner", "The team or person who answers for it.")

    # Platform
    provider: str = _field("aws", "platform", "Cloud provider", "The cloud the system runs on.")
    region: str = _field(
        "", "platform", "Region",
        "The provider's region for the primary site. Empty: chosen from the catalog within the data residency.",
        takes="a region of the provider, or empty",
    )
    secondary_region: str = _field(
        "", "platform", "Secondary region",
        "The region for a second site. Empty: chosen from the catalog when the design needs one.",
        takes="another region of the provider, or empty",
    )
    iac_tool: Literal["terraform", "cloudformation"] = _field(
        "terraform", "platform", "Infrastructure as code", "The language of the generated infrastructure."
    )

    # Delivery
    source_host: Literal["github", "gitlab", "self-hosted"] = _field(
        "github", "delivery", "Source host", "Where the source code lives."
    )
    team_size: int = _field(8, "delivery", "Team size", "Engineers who change the system.", "people", ge=1, le=5000)
    deploys_per_week: float = _field(
        5, "delivery", "Deployments a week", "How often production should change.", "per week", ge=0, le=5000
    )
    release_approval: Literal["none", "peer", "change-board"] = _field(
        "peer", "delivery", "Release approval", "Who must agree before production changes."
    )
    languages: Annotated[tuple[Language, ...], AfterValidator(_unique)] = _field(
        ("python",), "delivery", "Languages", "Programming languages of the services.", min_length=1
    )

    # Workload
    workload_type: Literal["web-api", "event-driven", "batch", "streaming"] = _field(
        "web-api", "workload", "Workload type", "How work arrives."
    )
    peak_rps: float = _field(
        200, "workload", "Peak load", "Requests (or events) a second in the busiest minute.", "req/s",
        gt=0, le=10_000_000,
    )
    average_rps: float = _field(
        50, "workload", "Average load", "Requests (or events) a second, averaged over a month.", "req/s",
        gt=0, le=10_000_000, validate_default=True,
    )
    service_time_ms: float = _field(
        40, "workload", "Service time", "Mean time one worker is busy with one request.", "ms", gt=0, le=3_600_000
    )
    service_time_cv: float = _field(
        1.0, "workload", "Service time variation",
        "Standard deviation of the service time divided by its mean; 0 = constant, 1 = exponential.", "",
        ge=0, le=20,
    )
    cpu_pct: float = _field(
        50, "workload", "CPU share", "Share of the service time that uses a processor; the rest is waiting.", "%",
        gt=0, le=100,
    )
    p99_latency_ms: float = _field(
        400, "workload", "p99 latency target", "99 of 100 requests are answered within this.", "ms",
        gt=0, le=86_400_000,
    )
    response_kb: float = _field(
        20, "workload", "Response size", "Mean bytes sent back for one request.", "kB", ge=0, le=10_000_000
    )
    cacheable_pct: float = _field(
        30, "workload", "Cacheable", "Share of responses that may be served from a cache.", "%", ge=0, le=100
    )
    read_pct: float = _field(
        80, "workload", "Reads", "Share of data queries that only read.", "%", ge=0, le=100
    )
    growth_pct_per_year: float = _field(
        30, "workload", "Growth", "Yearly growth of the load.", "% per year", ge=0, le=1000
    )
    horizon_months: int = _field(
        12, "workload", "Planning horizon", "How far ahead capacity is planned.", "months", ge=0, le=60
    )
    spike_factor: float = _field(
        1.5, "workload", "Spike factor",
        "How far load may jump above the peak before new capacity has started.", "×", ge=1, le=100,
    )

    # Data
    data_model: Literal["relational", "document", "key-value"] = _field(
        "relational", "data", "Data model", "The shape of the main data."
    )
    database_gb: float = _field(100, "data", "Database size", "Primary data, one copy.", "GB", ge=0, le=10_000_000)
    object_storage_gb: float = _field(
        200, "data", "Object storage", "Files, images, exports, one copy.", "GB", ge=0, le=1_000_000_000
    )
    queries_per_request: float = _field(
        3, "data", "Queries per request", "Database queries one uncached request makes.", "", ge=0, le=10_000
    )

    # Reliability
    availability_target_pct: float = _field(
        99.9, "reliability", "Availability target", "Share of requests (or time) that must succeed.", "%",
        ge=90, le=99.9999,
    )
    rto_minutes: float = _field(
        240, "reliability", "Recovery time objective", "Longest acceptable outage after a disruption.", "min",
        ge=0, le=43_200,
    )
    rpo_minutes: float = _field(
        60, "reliability", "Recovery point objective", "Longest acceptable loss of data, as time.", "min",
        ge=0, le=43_200,
    )

    # Security
    data_sensitivity: Literal["public", "internal", "confidential", "restricted"] = _field(
        "internal", "security", "Data sensitivity", "The most sensitive data the system holds."
    )
    compliance: Annotated[tuple[Framework, ...], AfterValidator(_unique)] = _field(
        (), "security", "Compliance", "Frameworks the system must answer to."
    )
    data_residency: Jurisdiction = _field(
        "none", "security", "Data residency", "Jurisdiction the data must not leave."
    )
    public_facing: bool = _field(
        True, "security", "Public facing", "Whether users reach it from the internet."
    )

    # Operations
    kubernetes_skill: Literal["none", "some", "expert"] = _field(
        "some", "operations", "Kubernetes skill", "How well the team can run Kubernetes."
    )
    on_call: Literal["business-hours", "24x7"] = _field(
        "business-hours", "operations", "On call", "When somebody answers an alert."
    )
    log_retention_days: int = _field(
        30, "operations", "Log retention", "How long logs are kept.", "days", ge=1, le=3650
    )

    # Budget
    monthly_budget_usd: float = _field(
        0, "budget", "Monthly budget", "What the system may cost a month; 0 = no budget stated.", "USD",
        ge=0, le=1_000_000_000,
    )
    commitment: Literal["none", "1y", "3y"] = _field(
        "none", "budget", "Commitment", "How long the company would commit to a usage level for a discount."
    )

    # Priorities
    priority_cost: Priority = _field(3, "priorities", "Low cost", "Weight of low cost.", "0-5")
    priority_resilience: Priority = _field(3, "priorities", "Resilience", "Weight of surviving failures.", "0-5")
    priority_performance: Priority = _field(3, "priorities", "Performance", "Weight of speed under load.", "0-5")
    priority_simplicity: Priority = _field(3, "priorities", "Simplicity", "Weight of little to run and learn.", "0-5")
    priority_portability: Priority = _field(
        2, "priorities", "Portability", "Weight of being able to leave the provider.", "0-5"
    )

    # Overrides
    overrides: dict[str, Text] = _field(
        {}, "overrides", "Overrides", "Decisions taken by the team: {field id: option id}.",
        takes="field id: option id, such as infrastructure.compute: containers",
    )
    # fmt: on

    @field_validator("provider")
    @classmethod
    def _provider_exists(cls, value: str) -> str:
        return _one_of(value, catalog.load().providers, "provider")

    @field_validator("overrides")
    @classmethod
    def _fields_exist(cls, value: dict[str, str]) -> dict[str, str]:
        for field in value:
            _one_of(field, FIELD_IDS, "field of the plan")
        return value

    # Fields are validated in their order, so that each may look at those above it that are valid themselves.

    @field_validator("average_rps")
    @classmethod
    def _average_within_peak(cls, value: float, info: ValidationInfo) -> float:
        peak = info.data.get("peak_rps", value)
        if value > peak:
            raise ValueError(
                f"{value:,.10g} is above peak_rps; the average over a month cannot exceed the busiest minute "
                f"(allowed: number above 0 to {peak:,.10g} req/s)"
            )
        return value

    @field_validator("region", "secondary_region")
    @classmethod
    def _region_exists(cls, value: str, info: ValidationInfo) -> str:
        if not value or "provider" not in info.data:
            return value
        provider = catalog.load().providers[info.data["provider"]]
        others = [region for region in provider.regions if region != info.data.get("region")]
        if value in provider.regions and value not in others:
            raise ValueError(f"{value!r} is the region already (allowed: empty, or one of {', '.join(others)})")
        return _one_of(value, others, f"region of {provider.title}")


def _one_of(value: str, allowed: Iterable[str], what: str) -> str:
    allowed = tuple(allowed)
    if value in allowed:
        return value
    hint = f"; did you mean {guess!r}?" if (guess := nearest(value, allowed)) else ""
    raise ValueError(f"{value[:100]!r} is not a {what}{hint} (allowed: {', '.join(allowed)})")


def nearest(word: str, words: Iterable[str]) -> str:
    """The most similar of `words` to `word`, or "" if none is near."""
    return next(iter(difflib.get_close_matches(word[:100].lower(), tuple(words), n=1, cutoff=0.6)), "")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A requirement as forms, help and documents need it.

    kind: "text", "choice", "choices", "number", "integer", "flag" or "overrides"; choices: what is allowed,
    for the choice kinds; minimum and maximum: bounds of numbers, None = none; exclusive: whether the minimum
    itself is not allowed; takes: what is allowed, in words, where kind, choices and bounds do not say it.
    """

    name: str
    title: str
    description: str
    unit: str
    group: str
    kind: str
    default: Any
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False
    takes: str = ""

    def choice_title(self, choice: str) -> str:
        """A choice in words: the catalog's title for what the catalog knows."""
        facts = catalog.load()
        known: dict[str, Mapping[str, Any]] = {"provider": facts.providers, "compliance": facts.frameworks}
        if choice in known.get(self.name, {}):
            return str(known[self.name][choice].title)
        return _CHOICE_TITLES.get(choice, choice.replace("-", " "))

    @property
    def allowed(self) -> str:
        """What the field takes, in words for an error message or a table."""
        if self.takes:
            return self.takes
        if self.choices:
            return ("any of " if self.kind == "choices" else "one of ") + ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            low = "above" if self.exclusive else "from"
            unit = "" if self.unit == f"{self.minimum:g}-{self.maximum:g}" else self.unit  # a scale is its bounds
            return f"{self.kind} {low} {self.minimum:,.10g} to {self.maximum:,.10g} {unit}".rstrip()
        return {"text": f"text of at most {TEXT_LIMIT:,} characters", "flag": "true or false"}.get(self.kind, self.kind)


def field_specs() -> tuple[FieldSpec, ...]:
    """One FieldSpec for every requirement, in the order of the model. Choices of provider are the catalog's."""
    return tuple(_spec(name, info) for name, info in Requirements.model_fields.items())


def _spec(name: str, info: FieldInfo) -> FieldSpec:
    extra: Mapping[str, Any] = info.json_schema_extra  # type: ignore[assignment]
    bounds = {k: getattr(m, k) for m in info.metadata for k in ("ge", "gt", "le") if hasattr(m, k)}
    kind, choices = _kind(name, info.annotation)
    return FieldSpec(
        name=name,
        title=info.title or name,
        description=info.description or "",
        unit=str(extra["unit"]),
        group=str(extra["group"]),
        kind=kind,
        default=info.default,
        choices=choices,
        minimum=bounds.get("ge", bounds.get("gt")),
        maximum=bounds.get("le"),
        exclusive="gt" in bounds,
        takes=str(extra["takes"]),
    )


def _kind(name: str, annotation: Any) -> tuple[str, tuple[str, ...]]:
    if name == "provider":
        return "choice", tuple(catalog.load().providers)
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) is tuple:
        return "choices", get_args(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return "overrides", ()
    return {str: "text", bool: "flag", int: "integer", float: "number"}[annotation], ()
