"""AWS Backup: what is backed up, notices, tests of restores, frameworks, and tags of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.backup.models import backup_backends

from tests.clouds.emulator.answers import ACCOUNT, WHEN, Asked, Kept, answers

_selections = Kept("The selection")
_notices = Kept("Notifications of the vault")
_policies = Kept("The policy of the vault")
_tests = Kept("The plan")
_tested = Kept("The selection")
_frameworks = Kept("The framework")
_tags: dict[str, dict[str, str]] = {}


@answers("backup", "CreateBackupSelection", for_="aws_backup_selection")
def create_selection(asked: Asked) -> Mapping[str, Any]:
    made = {"SelectionId": str(uuid4()), "BackupPlanId": asked["BackupPlanId"], "CreationDate": WHEN}
    _selections[asked.region, made["SelectionId"]] = {**made, "BackupSelection": asked["BackupSelection"]}
    return made


@answers("backup", "GetBackupSelection", for_="aws_backup_selection")
def selection(asked: Asked) -> Mapping[str, Any]:
    return _selections[asked.region, asked["SelectionId"]]


@answers("backup", "DeleteBackupSelection", for_="aws_backup_selection")
def delete_selection(asked: Asked) -> Mapping[str, Any]:
    del _selections[asked.region, asked["SelectionId"]]
    return {}


@answers("backup", "PutBackupVaultNotifications", for_="aws_backup_vault_notifications")
def set_notices(asked: Asked) -> Mapping[str, Any]:
    name = asked["BackupVaultName"]
    arn = f"arn:aws:backup:{asked.region}:{ACCOUNT}:backup-vault:{name}"
    _notices[asked.region, name] = {**asked.params, "BackupVaultArn": arn}
    return {}


@answers("backup", "GetBackupVaultNotifications", for_="aws_backup_vault_notifications")
def notices(asked: Asked) -> Mapping[str, Any]:
    return _notices[asked.region, asked["BackupVaultName"]]


@answers("backup", "DeleteBackupVaultNotifications", for_="aws_backup_vault_notifications")
def delete_notices(asked: Asked) -> Mapping[str, Any]:
    del _notices[asked.region, asked["BackupVaultName"]]
    return {}


@answers("backup", "PutBackupVaultAccessPolicy", for_="aws_backup_vault_policy")
def set_policy(asked: Asked) -> Mapping[str, Any]:
    name = asked["BackupVaultName"]
    arn = f"arn:aws:backup:{asked.region}:{ACCOUNT}:backup-vault:{name}"
    _policies[asked.region, name] = {**asked.params, "BackupVaultArn": arn}
    return {}


@answers("backup", "GetBackupVaultAccessPolicy", for_="aws_backup_vault_policy")
def policy(asked: Asked) -> Mapping[str, Any]:
    return _policies[asked.region, asked["BackupVaultName"]]


@answers("backup", "DeleteBackupVaultAccessPolicy", for_="aws_backup_vault_policy")
def delete_policy(asked: Asked) -> Mapping[str, Any]:
    del _policies[asked.region, asked["BackupVaultName"]]
    return {}


@answers("backup", "ListRecoveryPointsByBackupVault", for_="aws_backup_vault")
def recovery_points(asked: Asked) -> Mapping[str, Any]:
    return {"RecoveryPoints": []}


@answers("backup", "CreateRestoreTestingPlan", for_="aws_backup_restore_testing_plan")
def create_test(asked: Asked) -> Mapping[str, Any]:
    wanted = asked["RestoreTestingPlan"]
    name = wanted["RestoreTestingPlanName"]
    arn = f"arn:aws:backup:{asked.region}:{ACCOUNT}:restore-testing-plan:{name}"
    told = {"CreationTime": WHEN, "RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}
    _tests[asked.region, name] = {"StartWindowHours": 24, **wanted, **told}
    _tags[arn] = asked.get("Tags", {})
    return told


@answers("backup", "GetRestoreTestingPlan", for_="aws_backup_restore_testing_plan")
def test(asked: Asked) -> Mapping[str, Any]:
    return {"RestoreTestingPlan": _tests[asked.region, asked["RestoreTestingPlanName"]]}


@answers("backup", "DeleteRestoreTestingPlan", for_="aws_backup_restore_testing_plan")
def delete_test(asked: Asked) -> Mapping[str, Any]:
    del _tests[asked.region, asked["RestoreTestingPlanName"]]
    return {}


@answers("backup", "CreateRestoreTestingSelection", for_="aws_backup_restore_testing_selection")
def create_tested(asked: Asked) -> Mapping[str, Any]:
    plan, wanted = asked["RestoreTestingPlanName"], asked["RestoreTestingSelection"]
    told = {
        "CreationTime": WHEN, "RestoreTestingPlanName": plan, "RestoreTestingPlanArn":
        _tests[asked.region, plan]["RestoreTestingPlanArn"],
        "RestoreTestingSelectionName": wanted["RestoreTestingSelectionName"],
    }  # fmt: skip
    _tested[asked.region, f"{plan}/{told['RestoreTestingSelectionName']}"] = {
        "ValidationWindowHours": 0,
        **wanted,
        **told,
    }
    return told


@answers("backup", "GetRestoreTestingSelection", for_="aws_backup_restore_testing_selection")
def tested(asked: Asked) -> Mapping[str, Any]:
    name = f"{asked['RestoreTestingPlanName']}/{asked['RestoreTestingSelectionName']}"
    return {"RestoreTestingSelection": _tested[asked.region, name]}


@answers("backup", "DeleteRestoreTestingSelection", for_="aws_backup_restore_testing_selection")
def delete_tested(asked: Asked) -> Mapping[str, Any]:
    del _tested[asked.region, f"{asked['RestoreTestingPlanName']}/{asked['RestoreTestingSelectionName']}"]
    return {}


@answers("backup", "CreateFramework", for_="aws_backup_framework")
def create_framework(asked: Asked) -> Mapping[str, Any]:
    name = asked["FrameworkName"]
    arn = f"arn:aws:backup:{asked.region}:{ACCOUNT}:framework:{name}"
    told = {"FrameworkName": name, "FrameworkArn": arn}
    state = {"DeploymentStatus": "COMPLETED", "FrameworkStatus": "ACTIVE", "CreationTime": WHEN}
    _frameworks[asked.region, name] = {**asked.params, **told, **state}
    _tags[arn] = asked.get("FrameworkTags", {})
    return told


@answers("backup", "DescribeFramework", for_="aws_backup_framework")
def framework(asked: Asked) -> Mapping[str, Any]:
    return _frameworks[asked.region, asked["FrameworkName"]]


@answers("backup", "DeleteFramework", for_="aws_backup_framework")
def delete_framework(asked: Asked) -> Mapping[str, Any]:
    del _frameworks[asked.region, asked["FrameworkName"]]
    return {}


@answers("backup", "ListTags", for_=("aws_backup_vault", "aws_backup_plan", "aws_backup_framework"))
def tags(asked: Asked) -> Mapping[str, Any]:
    arn = asked["ResourceArn"]
    return {"Tags": _tags[arn] if arn in _tags else backup_backends[ACCOUNT][asked.region].list_tags(arn)}
