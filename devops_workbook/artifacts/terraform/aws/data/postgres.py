"""What PostgreSQL needs, whether on RDS or on Aurora: settings, the administrator, insight, and closing time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.hours import START, STOP, TIMEZONE, WHY
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import ISSUED, PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, call, raw, template
from devops_workbook.design.deployments import Deployment

__all__ = [
    "ENGINE_MAJOR",
    "credentials",
    "insights",
    "logs",
    "monitoring",
    "office_hours",
    "parameters",
    "subnet_group",
    "user",
]

ENGINE_MAJOR = "17"
ADMINISTRATOR, APPLICATION = "administrator", "app"
Kind = Literal["instance", "cluster"]


def subnet_group(d: Scope) -> Ref:
    """Where the database may stand."""
    group = d.module.resource(
        "aws_db_subnet_group", "this", "database", file="database", name=named("database"), subnet_ids=d.subnets(),
        tags=d.tags("database"),
    )  # fmt: skip
    return group.name


def parameters(d: Scope, type: str) -> Ref:
    """The settings: connections only over TLS, and a log of what is slow or changes the schema."""
    slow = int(d.b.requirements.p99_latency_ms)
    settings = [
        Noted(Nested(name="rds.force_ssl", value="1"), "Connections without TLS are refused."),
        Nested(name="log_statement", value="ddl"),
        Noted(Nested(name="log_min_duration_statement", value=str(slow)),
              f"Milliseconds: a query that takes as long as a whole request may, {slow} ms, is worth a line."),
    ]  # fmt: skip
    family = "aurora-postgresql" if "cluster" in type else "postgres"
    group = d.module.resource(
        type, "this", "database", file="database", name=named(f"postgres{ENGINE_MAJOR}"),
        family=f"{family}{ENGINE_MAJOR}", parameter=settings, tags=d.tags("database"),
        lifecycle=Nested(create_before_destroy=True),
    )  # fmt: skip
    return group.name


# --- who signs in ----------------------------------------------------------------------------------------


def user(d: Scope, resource_id: Ref) -> Expr:
    """The user that the service signs in as, by its role and without a password: the name of that right."""
    return template("arn:aws:rds-db:", d.region(), ":", d.account(), ":dbuser:", resource_id, f"/{APPLICATION}")


def credentials(d: Scope, attribute: str, *, managed: bool) -> Mapping[str, Any]:
    """The administrator, who sets up the database; the service signs in by its role.

    attribute: "password" or "master_password"; managed: whether RDS keeps and rotates the password itself, which it
    cannot where the database has replicas of its own engine or is one of a global database.
    """
    m = d.module
    prefix = attribute.removesuffix("password")
    account = {f"{prefix}username": ADMINISTRATOR}
    if managed:
        told = "The secret of the administrator, which RDS rotates."
        kind = "aws_db_instance.primary" if not prefix else "aws_rds_cluster.this"
        m.output("database_secret_id", raw(f"{kind}.master_user_secret[0].secret_arn"), told)
        return account | {"manage_master_user_password": True, **d.keyed("master_user_secret_kms_key_id", "secrets")}
    version = m.variable("database_password_version", "number", "Raise it to change the administrator's password.", 1)
    secret = _secret(d, version)
    read = m.ephemeral("aws_secretsmanager_secret_version", "administrator", file="database", secret_id=secret)
    password = raw(f"jsondecode({read}.secret_string).password")
    return account | {f"{attribute}_wo": password, f"{attribute}_wo_version": version}


def _secret(d: Scope, version: Ref) -> Ref:
    m = d.module
    fresh = m.ephemeral(
        "aws_secretsmanager_random_password", "administrator", file="database", password_length=32,
        exclude_punctuation=True,
    )  # fmt: skip
    skips = {"CKV2_AWS_57": ISSUED}
    if not d.own_keys:
        skips["CKV_AWS_149"] = PROVIDER_KEYS
    secret = m.resource(
        "aws_secretsmanager_secret", "administrator", "database", file="database", skips=skips,
        why="RDS cannot manage the administrator's password where the database is replicated.",
        name=named("database-administrator"), description="The database's administrator.",
        **d.keyed("kms_key_id", "secrets"), recovery_window_in_days=raw("var.deletion_protection ? 30 : 0"),
        tags=d.tags("database"),
    )  # fmt: skip
    text = call("jsonencode", {"username": ADMINISTRATOR, "password": fresh.random_password})
    written = m.resource(
        "aws_secretsmanager_secret_version", "administrator", "database", file="database",
        why="Written and never read back into the state.", secret_id=secret.id, secret_string_wo=text,
        secret_string_wo_version=version,
    )  # fmt: skip
    m.output("database_secret_id", secret.arn, "The secret of the administrator.")
    return written.secret_id


# --- insight ---------------------------------------------------------------------------------------------


def insights(d: Scope) -> Mapping[str, Any]:
    """What a query waits for, kept for the week that is free."""
    return {"performance_insights_enabled": True, **d.keyed("performance_insights_kms_key_id", "database")}


def monitoring(d: Scope) -> Mapping[str, Any]:
    """The operating system's figures, as often as others are scraped."""
    m = d.module
    if "monitoring" not in {r.name for r in m.resources}:
        made = role(m, "monitoring", "database", named("database-monitoring"), trust("monitoring.rds.amazonaws.com"),
                    file="database", tags=d.tags("database"))  # fmt: skip
        m.resource(
            "aws_iam_role_policy_attachment", "monitoring", "database", file="database", role=made.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
        )  # fmt: skip
    seconds = int(d.b.catalog.assumptions["scrape_interval_seconds"].value or 60)
    return {"monitoring_interval": seconds, "monitoring_role_arn": Ref("aws_iam_role.monitoring").arn}


def logs(d: Scope, kind: Kind, name: str, id: tuple[str | Ref, ...], **body: Any) -> Mapping[str, Any]:
    """The database's log, in a group whose retention is ours: RDS makes one that is kept for ever."""
    title = template(f"/aws/rds/{kind}/", *id, "/postgresql")
    group = log_group(d.b, d.module, name, "database", title, d.key("logs"), file="database",
                      tags=d.tags("database"), **body)  # fmt: skip
    return {"enabled_cloudwatch_logs_exports": ["postgresql"], "depends_on": [group]}


# --- closing time ----------------------------------------------------------------------------------------


def office_hours(d: Scope, kind: Kind, id: Ref, arn: Ref, stops: Callable[[Deployment], bool]) -> None:
    """Stops the database outside working hours where the environment keeps to them and the database can stop."""
    wanted = d.at(lambda e: e.hours_per_week < 168 and stops(e))
    if not any(wanted.values.values()):
        return
    m = d.module
    some = m.variable("database_working_hours", "bool", "Whether the database runs in working hours only.", wanted,
                      why=d.b.why("cost.efficiency"))  # fmt: skip
    service = d.service("database").id
    keyed = d.keyed("kms_key_arn", "database")
    reads = [allow("kms", "decrypt", key) for key in keyed.values()]
    made = role(
        m, "working_hours", "database", named("database-hours"), trust("scheduler.amazonaws.com"),
        allow(service, "stop", arn), *reads, file="hours", tags=d.tags("database"),
    )  # fmt: skip
    what, key = ("Instance", "DbInstanceIdentifier") if kind == "instance" else ("Cluster", "DbClusterIdentifier")
    skips = {} if keyed else {"CKV_AWS_297": PROVIDER_KEYS}
    for verb, expression in (("start", START), ("stop", STOP)):
        target = Nested(
            arn=f"arn:aws:scheduler:::aws-sdk:rds:{verb}DB{what}", role_arn=made.arn,
            input=call("jsonencode", {key: id}),
        )  # fmt: skip
        m.resource(
            "aws_scheduler_schedule", verb, "database", file="hours", why=WHY, skips=skips, **keyed,
            count=raw(f"{some} ? 1 : 0"), name=named(f"database-{verb}"), schedule_expression=expression,
            schedule_expression_timezone=TIMEZONE, flexible_time_window=Nested(mode="OFF"), target=target,
        )  # fmt: skip
