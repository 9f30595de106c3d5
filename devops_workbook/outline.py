"""The outline of every plan: seven sections and their 33 fields, in order, with the words of the text form.

Everything that walks a plan (requirements' overrides, decisions, sections, documents, the text form) walks
this list, so that a field exists in one place. A field's id is `section.field`, such as `cicd.platform`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIELDS", "FIELD_IDS", "OUTLINE", "FieldOutline", "SectionOutline"]


@dataclass(frozen=True, slots=True)
class FieldOutline:
    """One field of the plan: its full id and its label."""

    id: str
    title: str

    @property
    def section(self) -> str:
        """The id of the section the field belongs to."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class SectionOutline:
    """One section: id, title in documents, heading in the text form, and its fields in order."""

    id: str
    title: str
    heading: str
    fields: tuple[FieldOutline, ...]


def _section(id: str, title: str, heading: str, **fields: str) -> SectionOutline:
    return SectionOutline(id, title, heading, tuple(FieldOutline(f"{id}.{k}", v) for k, v in fields.items()))


OUTLINE: tuple[SectionOutline, ...] = (
    _section(
        "cicd",
        "CI/CD",
        "CI/CD PIPELINE DESIGN",
        platform="Platform Choice",
        stages="Pipeline Stages",
        branching="Branch Strategy",
        artifacts="Artifact Management",
        deployment="Deployment Strategy",
    ),
    _section(
        "infrastructure",
        "Infrastructure",
        "INFRASTRUCTURE ARCHITECTURE",
        provider="Cloud Provider",
        compute="Compute Strategy",
        database="Database Architecture",
        network="Networking Design",
        security="Security Architecture",
    ),
    _section(
        "observability",
        "Monitoring and observability",
        "MONITORING & OBSERVABILITY",
        metrics="Monitoring Stack",
        logging="Logging Strategy",
        alerting="Alerting Design",
        dashboards="Dashboard Strategy",
        tracing="Distributed Tracing",
    ),
    _section(
        "scaling",
        "Scaling and performance",
        "SCALING & PERFORMANCE",
        autoscaling="Auto-scaling Strategy",
        load_balancing="Load Balancing",
        caching="Caching Architecture",
        performance_monitoring="Performance Monitoring",
        capacity="Capacity Planning",
    ),
    _section(
        "security",
        "Security and compliance",
        "SECURITY & COMPLIANCE",
        scanning="Security Scanning",
        secrets="Secrets Management",
        network="Network Security",
        access="Access Control",
        compliance="Compliance Monitoring",
    ),
    _section(
        "disaster_recovery",
        "Disaster recovery",
        "DISASTER RECOVERY",
        backup="Backup Strategy",
        recovery="Recovery Procedures",
        high_availability="High Availability",
        incident_response="Incident Response",
    ),
    _section(
        "cost",
        "Cost",
        "COST OPTIMIZATION",
        resources="Resource Optimization",
        monitoring="Cost Monitoring",
        efficiency="Efficiency Improvements",
        vendors="Vendor Management",
    ),
)
FIELDS: tuple[FieldOutline, ...] = tuple(field for section in OUTLINE for field in section.fields)
FIELD_IDS: tuple[str, ...] = tuple(field.id for field in FIELDS)
