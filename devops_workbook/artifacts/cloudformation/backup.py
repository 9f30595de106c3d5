"""AWS Backup: the plan's generations of copies and their way into the second region.

Vaults stand in the foundation of each region. Copies that the plan keeps in the second region alone are made at home
first, where they stay as long as they must.
"""

from __future__ import annotations

from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import role, second_region
from devops_workbook.artifacts.cloudformation.data import Stored
from devops_workbook.artifacts.cloudformation.template import ACCOUNT, PARTITION, Template, sub
from devops_workbook.artifacts.yaml import Noted
from devops_workbook.assess.model import BackupSet

__all__ = ["backup"]

_HOURS = {
    "log": "cron(0 * * * ? *)",
    "daily": "cron(0 2 * * ? *)",
    "weekly": "cron(0 3 ? * SUN *)",
    "monthly": "cron(0 4 1 * ? *)",
    "yearly": "cron(0 5 1 1 ? *)",
}
_PASSING_DAYS = 1


def backup(b: Blueprint, stored: Stored) -> Template:
    """The plan of the backups, at the first site of the environments that have them."""
    t = Template("backup", "Copies of the database beyond those that it keeps itself.",
                 ("How often, for how long and where copies are kept is the plan's.",), sites=len(b.sites),
                 present=b.each(lambda e: e.backed_up))  # fmt: skip
    first = t.primary
    rules = [_rule(t, b, x, away=False) for x in _sets(b, "backup")]
    rules += [_rule(t, b, x, away=True) for x in _sets(b, "backup-2")]
    components = ("backup", "backup-2") if b.has("backup-2") else ("backup",)
    plan = t.resource(
        "Plan",
        "AWS::Backup::BackupPlan",
        components,
        condition=first,
        why=b.why("disaster_recovery.backup"),
        BackupPlan={"BackupPlanName": sub(t.name_parameter, "-backups"), "BackupPlanRule": rules},
    )
    worker = role(
        t,
        "BackupRole",
        "backup",
        "backup.amazonaws.com",
        condition=first,
        managed=[
            "service-role/AWSBackupServiceRolePolicyForBackup",
            "service-role/AWSBackupServiceRolePolicyForRestores",
        ],
    )
    assert stored.backed_up is not None
    t.resource(
        "Selection",
        "AWS::Backup::BackupSelection",
        "backup",
        condition=first,
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": sub(t.name_parameter, "-database"),
            "IamRoleArn": worker.arn,
            "Resources": [stored.backed_up(t)],
        },
    )
    _tested(t, b, worker)
    return t


def _sets(b: Blueprint, component: str) -> list[BackupSet]:
    return [x for x in b.assessment.recovery.backups if x.data == "database" and x.component == component]


def _rule(t: Template, b: Blueprint, x: BackupSet, *, away: bool) -> dict[str, Any]:
    home = sub(t.name_parameter, "-backup")
    days = round(x.retention_days)
    body: dict[str, Any] = {
        "RuleName": f"{x.generation}{'-away' * away}",
        "TargetBackupVault": home,
        "ScheduleExpression": _HOURS[x.generation],
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 180 if x.generation == "log" else 720,
    }
    if not away:
        return body | {"Lifecycle": {"DeleteAfterDays": days}}
    far = sub(
        "arn:", PARTITION, f":backup:{second_region(b)}:", ACCOUNT, ":backup-vault:", t.name_parameter, "-backup-2"
    )
    stays = _least_days(b)
    told = "The copy at home is there to be copied away, and the vault's lock keeps it no less."
    return body | {
        "Lifecycle": {"DeleteAfterDays": Noted(stays, told)},
        "CopyActions": [{"DestinationBackupVaultArn": far, "Lifecycle": {"DeleteAfterDays": days}}],
    }


def _least_days(b: Blueprint) -> int:
    """The fewest days that the vault at home keeps anything."""
    sets = _sets(b, "backup")
    locked = [round(x.retention_days) for x in sets if x.immutable]
    return min(locked, default=_PASSING_DAYS)


def _tested(t: Template, b: Blueprint, worker: Any) -> None:
    """Restores that prove the copies, as often as the plan says."""
    days = round(b.catalog.assumptions["restore_test_days"].value or 182)
    months = max(1, min(12, round(days / 30)))
    plan = t.resource(
        "RestoreTest", "AWS::Backup::RestoreTestingPlan", "backup", condition=t.primary,
        why=f"A backup that was never restored is a hope: one is tried every {days} days or so.",
        RestoreTestingPlanName=f"{b.names.system.replace('-', '_')}_restore"[:50],
        ScheduleExpression=f"cron(0 6 1 1/{months} ? *)",
        RecoveryPointSelection={"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"],
                                "IncludeVaults": ["*"], "SelectionWindowDays": 30},
    )  # fmt: skip
    kind = {"rds": "RDS", "aurora": "Aurora", "dynamodb": "DynamoDB"}[b.component("database").service]
    t.resource(
        "RestoreSelection", "AWS::Backup::RestoreTestingSelection", "backup", condition=t.primary,
        RestoreTestingPlanName=plan, RestoreTestingSelectionName="database", ProtectedResourceType=kind,
        IamRoleArn=worker.arn, ProtectedResourceArns=["*"],
    )  # fmt: skip
