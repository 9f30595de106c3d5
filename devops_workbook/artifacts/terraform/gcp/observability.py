"""What an environment sees of itself, once for all its sites: where logs are kept, whom alarms reach, and the synthetic
user who asks for the health of the system from outside."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, labels, name, project, region
from devops_workbook.artifacts.terraform.gcp.edge import HEALTH_PATH
from devops_workbook.artifacts.terraform.gcp.front import domain
from devops_workbook.artifacts.terraform.gcp.parts import assumed, key, takes_key
from devops_workbook.artifacts.terraform.hcl import Nested, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["observability"]

_LOGGING = "observability.logging"
_ALERTING = "observability.alerting"
_MOST_DAYS = 3650  # https://cloud.google.com/logging/quotas (2026-11)
_AUDIT = ("activity", "data_access", "system_event", "policy")


def observability(b: Blueprint, security: Module) -> Module:
    """Logs, the channel that alarms go to, and the check from outside."""
    about = ("Where logs are kept and for how long, whom alarms reach, and what asks for the system's health from "
             "outside. Alarms themselves are in the module `alarms`.",)  # fmt: skip
    m = Module("observability", "Observability", about, PROVIDERS)
    channel = _channel(m, b)
    if b.component("logs").service == "cloud-logging":
        _logs(m, b, security)
    if _asks(b):
        _asked(m, b, channel)
    m.output("notification_id", channel.id, "Channel that alarms and budget alerts go to.")
    return m


def _channel(m: Module, b: Blueprint) -> Ref:
    check = ('can(regex("^[^@ ]+@[^@ ]+$", var.notification_address))', "notification_address must be an address.")
    address = m.variable("notification_address", "string", "E-mail address for alarms.",
                         raw("var.notification_address"), checks=(check,))  # fmt: skip
    native = b.has("alerting") and b.component("alerting").service == "cloud-alerting"
    component = ("alerting", "budget") if native else "budget"
    return m.resource(
        "google_monitoring_notification_channel", "this", component, why=b.why(_ALERTING), project=project(m),
        display_name=template("On call for ", name(m)), type="email", labels={"email_address": address},
        user_labels=labels("alerting" if native else "budget"),
    )  # fmt: skip


# --- logs ------------------------------------------------------------------------------------------------


def _logs(m: Module, b: Blueprint, security: Module) -> None:
    check = (f"var.log_retention_days >= 1 && var.log_retention_days <= {_MOST_DAYS}",
             f"log_retention_days must be 1 to {_MOST_DAYS}.")  # fmt: skip
    days = m.variable("log_retention_days", "number", "Days that logs are kept.", b.requirements.log_retention_days,
                      why=b.why(_LOGGING), checks=(check,))  # fmt: skip
    bucket = m.resource(
        "google_logging_project_bucket_config", "logs", "logs", file="logs", why=b.why(_LOGGING), project=project(m),
        location=region(m, b.sites[0]), bucket_id=template(name(m), "-logs"),
        description="Logs of the platform and of the service.", retention_days=days, enable_analytics=True,
        **takes_key("cmek_settings", "kms_key_name", key(m, b, security, "logs")),
    )  # fmt: skip
    audit = " OR ".join(f'log_id("cloudaudit.googleapis.com/{id}")' for id in _AUDIT)
    kept = m.local("kept", f"NOT ({audit})")
    m.resource(
        "google_logging_project_sink", "logs", "logs", file="logs", why="The audit trail has a bucket of its own.",
        project=project(m), name=template(name(m), "-logs"),
        destination=template("logging.googleapis.com/", bucket.id), filter=kept, unique_writer_identity=True,
    )  # fmt: skip
    m.resource(
        "google_logging_project_exclusion", "logs", "logs", file="logs",
        why="What lies in that bucket is not kept, and paid for, in the project's default one as well.",
        project=project(m), name=template(name(m), "-logs"), description="Kept in a bucket of their own.", filter=kept,
    )  # fmt: skip
    m.output("log_bucket_id", bucket.id, "Bucket of the logs.", exported=True)
    m.output("log_bucket_name", bucket.bucket_id, "Name of the bucket of the logs.")


# --- from outside ----------------------------------------------------------------------------------------


def _asks(b: Blueprint) -> bool:
    """Whether somebody asks from outside: only what the internet reaches, and only where a path of ours answers."""
    synthetic = b.choice("scaling.performance_monitoring") == "golden-signals-synthetics"
    return synthetic and b.requirements.public_facing and not b.has("intake")


def _asked(m: Module, b: Blueprint, channel: Ref) -> None:
    why = b.why("scaling.performance_monitoring")
    told = "Whether somebody is told when the system does not answer."
    alarmed = m.variable("alarmed", "bool", told, b.each(lambda e: e.alarmed))
    count = raw(f"{alarmed} ? 1 : 0")
    check = m.resource(
        "google_monitoring_uptime_check_config", "this", "entry", file="uptime", why=why, count=count,
        project=project(m), display_name=template(name(m), " from outside"),
        period=f"{_period(b)}s", timeout="10s", selected_regions=["USA", "EUROPE", "ASIA_PACIFIC"],
        http_check=Nested(path=HEALTH_PATH, port=443, use_ssl=True, validate_ssl=True),
        monitored_resource=Nested(type="uptime_url", labels={"project_id": project(m), "host": domain(m)}),
    )  # fmt: skip
    metric = 'metric.type = "monitoring.googleapis.com/uptime_check/check_passed" AND resource.type = "uptime_url"'
    passed = template(f'{metric} AND metric.labels.check_id = "', raw(f"{check}[0].uptime_check_id"), '"')
    m.resource(
        "google_monitoring_alert_policy", "uptime", ("entry", "alerting") if b.has("alerting") else "entry",
        file="uptime", why="Two regions that get no answer are no accident of the way there.", count=count,
        project=project(m), display_name=template(name(m), " does not answer"), combiner="OR", severity="CRITICAL",
        conditions=Nested(display_name="Health is not answered", condition_threshold=Nested(
            filter=passed, comparison="COMPARISON_GT", threshold_value=1, duration="120s",
            aggregations=Nested(alignment_period="1200s", per_series_aligner="ALIGN_NEXT_OLDER",
                                cross_series_reducer="REDUCE_COUNT_FALSE",
                                group_by_fields=["resource.label.project_id", "resource.label.host"]),
            trigger=Nested(count=1),
        )),
        notification_channels=[channel.id], user_labels=labels("entry"),
    )  # fmt: skip


def _period(b: Blueprint) -> int:
    """Seconds between two checks, of those that the service offers."""
    return min((60, 300, 600, 900), key=lambda s: abs(s - assumed(b, "scrape_interval_seconds")))
