"""Backups beyond those that the database keeps itself: copies in buckets that nobody can empty before their time.

A schedule has the database write itself into a bucket: one bucket for each generation, so that each has its own
retention, in the first region or the second, as the plan says. Google's Backup and DR vault would do this too, but not
for this design: a vault of the provider's version 6.50 takes no customer key, and one in another region takes neither
Cloud SQL nor AlloyDB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.terraform.gcp.clock import TIME_ZONE
from devops_workbook.artifacts.terraform.gcp.common import PROVIDERS, bucket_name, labels, name, project, region
from devops_workbook.artifacts.terraform.gcp.compute.identity import on_project
from devops_workbook.artifacts.terraform.gcp.copies import VAULTS, exported
from devops_workbook.artifacts.terraform.gcp.data.files import AUDITED, bucket, replicated
from devops_workbook.artifacts.terraform.gcp.parts import permission, takes_key, whole_days
from devops_workbook.artifacts.terraform.gcp.security import customer_keys
from devops_workbook.artifacts.terraform.hcl import Expr, Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module, Wire
from devops_workbook.assess.model import BackupSet

__all__ = ["backup"]

_BACKUP = "disaster_recovery.backup"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMES = {
    "log": "15 * * * *",
    "daily": "0 1 * * *",
    "weekly": "0 4 * * 0",
    "monthly": "0 5 1 * *",
    "yearly": "0 6 1 1 *",
}
_HOURLY_DAYS = 2  # an hourly copy is kept until the daily one has what it has
# What is kept for less costs as much: https://cloud.google.com/storage/docs/storage-classes (2026-11)
_NEARLINE_DAYS = 30


# --- module ----------------------------------------------------------------------------------------------


def backup(b: Blueprint, datas: Sequence[Module], securities: Sequence[Module]) -> Module:
    """The backups of production; the other environments' data can be made again."""
    m = Module("backup", "Backup", tuple(_about(b)), PROVIDERS, present=b.each(lambda e: e.backed_up))
    made = _buckets(m, b, securities)
    _writes(m, made, datas[0])
    _clock(m, b, made, _workflow(m, b, datas[0]))
    if b.has("files-2") and len(b.sites) == 1:
        _files(m, b, datas[0], securities[0])
    return m


def _about(b: Blueprint) -> Iterator[str]:
    yield ("Copies of the database beyond those that it keeps itself: a schedule has it write itself into a bucket, "
           "one for each generation, where retention forbids to delete or replace a copy before its time.")  # fmt: skip
    yield ("They are exports, not copies in a vault of Backup and DR: such a vault takes no customer key in the "
           "provider's version 6.50, and one in another region takes neither Cloud SQL nor AlloyDB.")  # fmt: skip
    if b.component("database").service == "cloud-sql":
        yield ("The log of Cloud SQL does not leave its region; where the plan wants the last hour elsewhere, there is "
               "an export each hour.")  # fmt: skip
    tests = "; ".join(f"{t.title} (every {t.every_days} days)" for t in b.assessment.recovery.tests)
    yield f"A backup is what has been restored. The plan tests: {tests}."


def _id(s: BackupSet) -> str:
    generation = "hourly" if s.generation == "log" else s.generation
    return f"{s.component}-{generation}"


def _days(s: BackupSet) -> int:
    days = whole_days(s.retention_days)
    return min(_HOURLY_DAYS, days) if s.generation == "log" else days


# --- buckets ---------------------------------------------------------------------------------------------


def _buckets(m: Module, b: Blueprint, securities: Sequence[Module]) -> list[Ref]:
    """The buckets of each region; returns their resources, each with one bucket a generation."""
    sets = list(exported(b))
    return [_region(m, b, id, found, securities) for id in VAULTS if (found := [s for s in sets if s.component == id])]


def _region(m: Module, b: Blueprint, id: str, sets: list[BackupSet], securities: Sequence[Module]) -> Ref:
    copies = m.local(f"{id.replace('-', '_')}_copies", {
        _id(s): {"bucket": bucket_name(b, "production", _id(s)), "days": _days(s), "schedule": _TIMES[s.generation],
                 "class": "NEARLINE" if _days(s) >= _NEARLINE_DAYS else "STANDARD"}
        for s in sets
    })  # fmt: skip
    days = raw("each.value.days")
    held = _key(m, b, id, securities)
    return m.resource(
        "google_storage_bucket", id.replace("-", "_"), id, why=b.why(_BACKUP),
        skips=AUDITED | {"CKV_GCP_78": "Each copy has a name of its own, and retention forbids to replace it."},
        for_each=copies, project=project(m), name=raw("each.value.bucket"), location=_where(m, b, id),
        storage_class=raw("each.value.class"), uniform_bucket_level_access=True,
        public_access_prevention="enforced", labels=labels(id), soft_delete_policy=Nested(retention_duration_seconds=0),
        retention_policy=_retention(sets, raw(f"{days} * 86400")),
        lifecycle_rule=Nested(action=Nested(type="Delete"), condition=Nested(age=days)),
        **takes_key("encryption", "default_kms_key_name", held),
    )  # fmt: skip


def _retention(sets: Sequence[BackupSet], seconds: Ref) -> Noted | Nested:
    locked = any(s.immutable for s in sets)
    policy = Nested(is_locked=locked, retention_period=seconds)
    told = "Locked: not even an administrator can shorten it, and the bucket stays until all has aged."
    return Noted(policy, told) if locked else policy


def _where(m: Module, b: Blueprint, id: str) -> Ref:
    return region(m, b.sites[0]) if id == "backup" else _second(m, b)


def _second(m: Module, b: Blueprint) -> Ref:
    check = ('can(regex("^[a-z]+-[a-z]+[0-9]+$", var.second_region))', "second_region must be a region.")
    return m.variable("second_region", "string", "Region that holds copies.", b.component("backup-2").region,
                      checks=(check,))  # fmt: skip


def _key(m: Module, b: Blueprint, id: str, securities: Sequence[Module]) -> Ref | None:
    """The key of a region's copies: that of files there, or the one made for copies alone."""
    if not customer_keys(b):
        return None
    told = "Keys of the first region by what they encrypt."
    if id == "backup":
        return m.variable("key_ids", "map(string)", told, securities[0].wire("key_ids"))["files"]
    if len(securities) > 1:
        second = securities[1].wire("key_ids")
        return m.variable("second_key_ids", "map(string)", told.replace("first", "second"), second)["files"]
    wire: Wire = securities[0].wire("copies_key_id")
    return m.variable("copies_key_id", "string", "Key of copies in the second region.", wire)


def _writes(m: Module, made: Sequence[Ref], data: Module) -> None:
    """Lets the database write into the buckets."""
    if not made:
        return
    agent = m.variable("database_agent", "string", "Account that the database writes its copies under.",
                       data.wire("database_agent"))  # fmt: skip
    roles = m.local("writer_roles", list(permission("cloud-storage", "exported-to")["actions"]))
    for buckets in made:
        id = str(buckets).rsplit(".", 1)[-1]
        pairs = f'{{ for pair in setproduct(keys(local.{id}_copies), {roles}) : join(" ", pair) => pair }}'
        m.resource(
            "google_storage_bucket_iam_member", id, (id.replace("_", "-"), "database"), for_each=raw(pairs),
            bucket=raw(f"{buckets}[each.value[0]].name"), role=raw("each.value[1]"), member=agent,
        )  # fmt: skip


# --- what makes them -------------------------------------------------------------------------------------

_BodyOf = Callable[[Ref, Ref], tuple[Expr, Mapping[str, Any]]]


def _sql(project_: Ref, database: Ref) -> tuple[Expr, Mapping[str, Any]]:
    url = template("https://sqladmin.googleapis.com/v1/projects/", project_, "/instances/", database, "/export")
    return url, {"exportContext": {"fileType": "SQL", "uri": "${uri}", "databases": ["service"], "offload": True}}


def _alloydb(_: Ref, database: Ref) -> tuple[Expr, Mapping[str, Any]]:
    url = template("https://alloydb.googleapis.com/v1/", database, ":export")
    return url, {"gcsDestination": {"uri": "${uri}"}, "database": "postgres",
                 "sqlExportOptions": {"cleanTargetObjects": False, "schemaOnly": False}}  # fmt: skip


def _firestore(project_: Ref, database: Ref) -> tuple[Expr, Mapping[str, Any]]:
    url = ("https://firestore.googleapis.com/v1/projects/", project_, "/databases/", database, ":exportDocuments")
    return template(*url), {"outputUriPrefix": "${uri}"}


_EXPORTS: Mapping[str, _BodyOf] = {"cloud-sql": _sql, "alloydb": _alloydb, "firestore": _firestore}
_NOW = '${"gs://" + args.bucket + "/" + text.replace_all(text.substring(time.format(sys.now()), 0, 19), ":", "-")}'


def _workflow(m: Module, b: Blueprint, data: Module) -> Ref:
    """The workflow that has the database write itself to a name of its own, and who it works as."""
    service = b.component("database").service
    database = m.variable("database_id", "string", "The database.", data.wire("database_id"))
    worker = m.resource(
        "google_service_account", "this", "backup", why="It may have the database written out, and no more.",
        project=project(m), account_id=template(name(m), "-backup"), display_name="Makes backups",
    )  # fmt: skip
    role = m.resource(
        "google_project_iam_custom_role", "this", "backup", project=project(m),
        role_id=raw('replace("${var.name}_backup", "-", "_")'), title="Makes backups",
        permissions=list(permission(service, "export")["actions"]),
    )  # fmt: skip
    m.resource("google_project_iam_member", "exports", ("backup", "database"), project=project(m), role=role.name,
               member=worker.member)  # fmt: skip
    fact = permission("workflows", "runs")
    on_project(m, "runs", "backup", fact, worker.member, fact["why"], file="main")
    url, body = _EXPORTS[service](project(m), database)
    steps: list[Mapping[str, Any]] = [
        {"name": {"assign": [{"uri": _NOW}]}},
        {"write": {"call": "http.post", "args": {"url": url, "auth": {"type": "OAuth2"}, "body": body},
                   "result": "answer"}},
        {"end": {"return": "${answer.body}"}},
    ]  # fmt: skip
    return m.resource(
        "google_workflows_workflow", "this", "backup", why="Gives each copy a name, and has the database write it.",
        project=project(m), name=template(name(m), "-backup"), region=region(m, b.sites[0]),
        description="Writes the database to a bucket.", service_account=worker.id, call_log_level="LOG_ERRORS_ONLY",
        deletion_protection=False, labels=labels("backup"),
        source_contents=call("jsonencode", {"main": {"params": ["args"], "steps": steps}}),
    )  # fmt: skip


def _clock(m: Module, b: Blueprint, made: Sequence[Ref], workflow: Ref) -> None:
    for buckets in made:
        id = str(buckets).rsplit(".", 1)[-1]
        argument = call("jsonencode", {"bucket": raw(f"{buckets}[each.key].name")})
        m.resource(
            "google_cloud_scheduler_job", id, ("backup", id.replace("_", "-")) if id != "backup" else "backup",
            why=b.why(_BACKUP), for_each=raw(f"local.{id}_copies"), project=project(m), region=region(m, b.sites[0]),
            name=template(name(m), "-", raw("each.key")), description="Has the database written to a bucket.",
            schedule=raw("each.value.schedule"), time_zone=TIME_ZONE, retry_config=Nested(retry_count=3),
            http_target=Nested(
                http_method="POST",
                uri=template("https://workflowexecutions.googleapis.com/v1/", workflow.id, "/executions"),
                headers={"Content-Type": "application/json"},
                body=call("base64encode", call("jsonencode", {"argument": argument})),
                oauth_token=Nested(service_account_email=raw("google_service_account.this.email"), scope=_SCOPE),
            ),
        )  # fmt: skip


# --- files -----------------------------------------------------------------------------------------------


def _files(m: Module, b: Blueprint, data: Module, security: Module) -> None:
    """The copy of the files in a region that serves nothing."""
    source = m.variable("files_id", "string", "Bucket of the files.", data.wire("files_id"))
    held = m.variable("copies_key_id", "string", "Key of copies in the second region.",
                      security.wire("copies_key_id")) if customer_keys(b) else None  # fmt: skip
    where = {"project": project(m), "name": bucket_name(b, "production", "files-2"), "location": _second(m, b)}
    copy = bucket(m, b, "files", "files", "files-2", "files-2", held, where, labels("files-2"))
    replicated(m, b, "files", source, copy.name)
