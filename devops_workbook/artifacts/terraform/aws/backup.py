"""AWS Backup: vaults, the plan's generations of copies, their way into a second region, and restores that prove them.

Copies that the plan keeps in the second region alone are made at home first, where they stay for a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.aws.data.files import bucket, replicated
from devops_workbook.artifacts.terraform.aws.keys import key_policy, own_keys
from devops_workbook.artifacts.terraform.aws.placed import everywhere, named, tags
from devops_workbook.artifacts.terraform.aws.policies import document, role, trust
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template
from devops_workbook.artifacts.terraform.module import Module
from devops_workbook.assess.model import BackupSet

__all__ = ["backup"]

_AWAY: Mapping[str, Any] = {"provider": raw("aws.second")}
_HOURS = {
    "log": "cron(0 * * * ? *)",
    "daily": "cron(0 2 * * ? *)",
    "weekly": "cron(0 3 ? * SUN *)",
    "monthly": "cron(0 4 1 * ? *)",
    "yearly": "cron(0 5 1 1 ? *)",
}
_TYPES = {"rds": "RDS", "aurora": "Aurora", "dynamodb": "DynamoDB"}
_MANAGED = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor"
_PASSING_DAYS = 1
_GRACE_DAYS = 3  # in which a lock can still be taken off, the fewest that AWS Backup takes


def backup(b: Blueprint, stores: Sequence[Module], securities: Sequence[Module], observed: Module) -> Module:
    """The backups of the environments that have them. stores, securities: the modules of the sites; observed: the
    observability of the first, through which failures are told."""
    away = b.has("backup-2")
    m = everywhere("backup", "Backups", (
        "Copies of the database beyond those that it keeps itself: how often, for how long and where is the plan's. "
        "Restores are tried on a schedule, since a backup that was never restored is a hope.",
    ), passed={"aws": "aws", "aws.second": "aws.second"} if away else None,
        present=b.each(lambda e: e.backed_up))  # fmt: skip
    key = _home_key(b, m, securities[0])
    home = _vault(b, m, "this", "backup", key)
    far = None
    if away:
        far_key = _far_key(b, m, securities) if own_keys(b) else None
        far = _vault(b, m, "copy", "backup-2", far_key, **_AWAY)
        if b.has("files-2") and len(b.sites) == 1:
            _files(b, m, stores[0], key, far_key)
    worker = _worker(b, m)
    _plan(b, m, stores[0], worker, home, far)
    _tested(b, m, worker, home)
    topic = m.variable("notification_id", "string", "The topic through which failures are told.",
                       observed.wire("notification_id"))  # fmt: skip
    m.resource(
        "aws_backup_vault_notifications", "this", "backup", why="A copy that failed is told the same day.",
        backup_vault_name=home.name, sns_topic_arn=topic,
        backup_vault_events=["BACKUP_JOB_FAILED", "COPY_JOB_FAILED", "RESTORE_JOB_FAILED"],
    )  # fmt: skip
    m.output("vault_arn", home.arn, "The vault at home.")
    return m


def _sets(b: Blueprint, component: str) -> list[BackupSet]:
    return [x for x in b.assessment.recovery.backups if x.data == "database" and x.component == component]


# --- vaults ----------------------------------------------------------------------------------------------


def _home_key(b: Blueprint, m: Module, security: Module) -> Ref | None:
    if not own_keys(b):
        return None
    return m.variable("key_ids", "map(string)", "Keys of the first site, by use.", security.wire("key_ids"),
                      why=b.why("infrastructure.security"))["database"]  # fmt: skip


def _far_key(b: Blueprint, m: Module, securities: Sequence[Module]) -> Ref:
    """The second site's key, or one that is made where a region holds nothing but backups."""
    if len(securities) > 1:
        return m.variable("second_key_ids", "map(string)", "Keys of the second site, by use.",
                          securities[1].wire("key_ids"))["database"]  # fmt: skip
    m.data("aws_caller_identity", "current")
    key = m.resource(
        "aws_kms_key", "copy", "backup-2", why=b.why("infrastructure.security"), **_AWAY,
        description="Encrypts backups in the second region", enable_key_rotation=True, deletion_window_in_days=30,
        policy=document(*key_policy(m)), tags=tags(b, m, "backup-2"),
    )  # fmt: skip
    m.resource("aws_kms_alias", "copy", "backup-2", **_AWAY, name=template("alias/", raw("var.name"), "-copies"),
               target_key_id=key.key_id)  # fmt: skip
    return key.arn


def _vault(b: Blueprint, m: Module, name: str, id: str, key: Ref | None, **provider: Any) -> Ref:
    keyed: Mapping[str, Any] = {} if key is None else {"kms_key_arn": key}
    skips = {"CKV_AWS_166": PROVIDER_KEYS} if key is None else {}
    vault = m.resource(
        "aws_backup_vault", name, id, why=b.why("disaster_recovery.backup"), skips=skips, **provider,
        name=named("copies" if id == "backup-2" else "backups"), **keyed, tags=tags(b, m, id),
    )  # fmt: skip
    locked = [x for x in _sets(b, id) if x.immutable]
    if locked:
        days = [int(x.retention_days) for x in locked]
        m.resource(
            "aws_backup_vault_lock_configuration", name, id, **provider,
            why="Nobody can delete a copy before its time, the account's own administrators included.",
            backup_vault_name=vault.name, min_retention_days=min(days), max_retention_days=max(days),
            changeable_for_days=Noted(_GRACE_DAYS, "Until then the lock can be taken off, afterwards never."),
        )  # fmt: skip
    return vault


# --- copies ----------------------------------------------------------------------------------------------


def _worker(b: Blueprint, m: Module) -> Ref:
    worker = role(m, "backup", "backup", named("backup"), trust("backup.amazonaws.com"), tags=tags(b, m, "backup"))
    for what in ("Backup", "Restores"):
        m.resource("aws_iam_role_policy_attachment", what.lower(), "backup", role=worker.name,
                   policy_arn=f"{_MANAGED}{what}")  # fmt: skip
    return worker


def _plan(b: Blueprint, m: Module, store: Module, worker: Ref, home: Ref, far: Ref | None) -> None:
    rules = [_rule(x, home, None) for x in _sets(b, "backup")]
    if far is not None:
        rules += [_rule(x, home, far) for x in _sets(b, "backup-2")]
    plan = m.resource(
        "aws_backup_plan", "this", ("backup", "backup-2") if far is not None else "backup",
        why=b.why("disaster_recovery.backup"), name=named("backups"), rule=rules, tags=tags(b, m, "backup"),
    )  # fmt: skip
    source = m.variable("database_arn", "string", "The database that is backed up.", store.wire("database_arn"))
    m.resource("aws_backup_selection", "database", "backup", name=named("database"), plan_id=plan.id,
               iam_role_arn=worker.arn, resources=[source])  # fmt: skip


def _rule(x: BackupSet, home: Ref, far: Ref | None) -> Nested:
    days = int(x.retention_days)
    body: dict[str, Any] = {
        "rule_name": x.generation if far is None else f"{x.generation}-away", "target_vault_name": home.name,
        "schedule": _HOURS[x.generation],
    }  # fmt: skip
    if far is None:
        return Nested(**body, lifecycle=Nested(delete_after=days))
    told = "The copy at home is there to be copied away."
    return Nested(
        **body, lifecycle=Nested(delete_after=Noted(_PASSING_DAYS, told)),
        copy_action=Nested(destination_vault_arn=far.arn, lifecycle=Nested(delete_after=days)),
    )  # fmt: skip


# --- restores --------------------------------------------------------------------------------------------

_MONTHS = {1: "*", 3: "1,4,7,10", 6: "1,7", 12: "1"}


def _tested(b: Blueprint, m: Module, worker: Ref, home: Ref) -> None:
    """Restores as often as the plan tries them, to prove that copies can be read."""
    days = [x.every_days for x in b.assessment.recovery.tests if x.disruption == "deletion"]
    if not days:
        return
    months = min(_MONTHS, key=lambda n: abs(n * 30.4 - min(days)))
    plan = m.resource(
        "aws_backup_restore_testing_plan", "this", "backup", file="restores",
        why=f"{b.why('disaster_recovery.recovery')} The plan restores every {min(days)} days.",
        name=raw('replace("${var.name}_restores", "-", "_")'), schedule_expression=f"cron(0 6 1 {_MONTHS[months]} ? *)",
        recovery_point_selection=Nested(algorithm="LATEST_WITHIN_WINDOW", include_vaults=[home.arn],
                                        recovery_point_types=["SNAPSHOT"]),
        tags=tags(b, m, "backup"),
    )  # fmt: skip
    m.resource(
        "aws_backup_restore_testing_selection", "database", "backup", file="restores", name="database",
        restore_testing_plan_name=plan.name, protected_resource_type=_TYPES[b.component("database").service],
        iam_role_arn=worker.arn, protected_resource_arns=[raw("var.database_arn")],
    )  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------


def _files(b: Blueprint, m: Module, store: Module, source_key: Ref | None, key: Ref | None) -> None:
    """The copy of the files in a region that serves nothing."""
    bucket(b, m, "files", "files-2", key, tags(b, m, "files-2"), **_AWAY)
    source = m.variable("source_bucket_id", "string", "The bucket that is copied.", store.wire("files_versioned"))
    by = None if source_key is None else raw('var.key_ids["files"]')
    replicated(b, m, source, by, key)
