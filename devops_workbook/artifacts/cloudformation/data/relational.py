"""PostgreSQL: an instance of Amazon RDS with its standby and read replicas, or a cluster of Amazon Aurora.

The service signs in by its role and without a password. The administrator's password is managed by RDS where it can;
of a database that is replicated it cannot, so it is made and kept by Secrets Manager and referred to, never written.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import (
    allow,
    arn,
    doubled,
    kept,
    key,
    log_group,
    role,
    unlocked,
)
from devops_workbook.artifacts.cloudformation.data.stored import Stored
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.schedule import office_hours, rests
from devops_workbook.artifacts.cloudformation.template import (
    Condition,
    Resource,
    Template,
    by_site,
    choose,
    sub,
)
from devops_workbook.artifacts.yaml import Noted

__all__ = ["cluster", "instance"]

_MAJOR, _VERSION = "17", "17.11"  # minor versions follow by themselves
_APPLICATION, _ADMINISTRATOR = "app", "administrator"
_PLANNED = {"CKV_AWS_157": "as the plan has it for each environment, by a parameter"}
_COPY = {**_PLANNED, "CKV_AWS_16": "a replica is encrypted as its source is: RDS takes no word on it"}
_INSIGHTS_DAYS = 7  # of Performance Insights, at no charge


def instance(b: Blueprint, stored: Stored, net: Net) -> None:
    """An instance of RDS with its read replicas; at a second site a replica of the first's."""
    t = stored.template
    size, first = _size(t, b), t.primary
    storage = t.parameter("DatabaseStorage", "Number", "Storage of the database, GiB.",
                          b.sized("database", lambda s: max(20, round(s.storage_gb))), bounds=(20, 65536),
                          why="What the data takes, and at least the 20 GiB that RDS starts at.")  # fmt: skip
    common = _common(b, t, net)
    sized = {
        "DBInstanceClass": size, "StorageType": "gp3",
        "MaxAllocatedStorage": Noted(_growth(b), "The data as it will have grown by the planning horizon."),
    }  # fmt: skip
    primary = t.resource(
        "Database",
        "AWS::RDS::DBInstance",
        "database",
        condition=first,
        keep="Snapshot",
        why=b.why("infrastructure.database"),
        skips=_PLANNED,
        DBInstanceIdentifier=sub(t.name_parameter, "-database"),
        Engine="postgres",
        EngineVersion=_VERSION,
        DBName=_APPLICATION,
        AllocatedStorage=storage,
        **sized,
        MultiAZ=_standby(t, b),
        StorageEncrypted=True,
        KmsKeyId=key(t, b, "database"),
        BackupRetentionPeriod=_retention(t, b),
        **_credentials(b, t, first),
        **common,
    )
    for i in range(1, _most(b, lambda s: s.read_replicas) + 1):
        where = t.both(first, _at_least(t, b, "ReadReplicas", "Read replicas of the database.", i))
        t.resource(f"ReadReplica{i}", "AWS::RDS::DBInstance", "database", condition=where, keep="Delete",
                   why="A replica holds nothing that the primary has not.", skips=_COPY,
                   SourceDBInstanceIdentifier=primary,
                   **sized, **common)  # fmt: skip
    here, resource_id = primary.att("Endpoint.Address"), primary.att("DbiResourceId")
    if len(b.sites) > 1:
        source = arn("rds", "db:", t.name_parameter, "-database", region=b.sites[0].region.id)
        copy = t.resource(
            "DatabaseCopy", "AWS::RDS::DBInstance", "database", condition=t.secondary, keep="Snapshot",
            why="An asynchronous replica of the first site's database; promoting it is the failover.",
            skips=_COPY,
            DBInstanceIdentifier=sub(t.name_parameter, "-database-2"), SourceDBInstanceIdentifier=source,
            SourceRegion=b.sites[0].region.id, **sized, MultiAZ=_standby(t, b),
            KmsKeyId=key(t, b, "database"), BackupRetentionPeriod=_retention(t, b), **common,
        )  # fmt: skip
        here = choose(first, here, copy.att("Endpoint.Address"))
        resource_id = choose(first, resource_id, copy.att("DbiResourceId"))
    _told(
        b, stored, here, resource_id, "db", {"DBInstanceIdentifier": sub(t.name_parameter, "-database", *t.site_suffix)}
    )


def cluster(b: Blueprint, stored: Stored, net: Net) -> None:
    """A cluster of Aurora; with two sites one of a global database, whose second cluster follows the first."""
    t = stored.template
    two, first = len(b.sites) > 1, t.primary
    world = _global(t, b) if two else None
    common = _cluster(b, t, net)
    made = t.resource(
        "Database", "AWS::RDS::DBCluster", "database", keep="Snapshot", why=b.why("infrastructure.database"),
        condition=first, DBClusterIdentifier=sub(t.name_parameter, "-database"), DatabaseName=_APPLICATION,
        GlobalClusterIdentifier=world,
        **_credentials(b, t, first), **common,
    )  # fmt: skip
    _members(b, t, made, "Database", first)
    here, resource_id = made.att("Endpoint.Address"), made.att("DBClusterResourceId")
    if two:
        copy = t.resource(
            "DatabaseCopy", "AWS::RDS::DBCluster", "database", keep="Snapshot", condition=t.secondary,
            why="The second cluster of the global database: it takes no writes until it is promoted.",
            DBClusterIdentifier=sub(t.name_parameter, "-database-2"), GlobalClusterIdentifier=_world_name(t),
            SourceRegion=b.sites[0].region.id, **common,
        )  # fmt: skip
        _members(b, t, copy, "DatabaseCopy", t.secondary)
        here = choose(first, here, copy.att("Endpoint.Address"))
        resource_id = choose(first, resource_id, copy.att("DBClusterResourceId"))
    watched = {"DBClusterIdentifier": sub(t.name_parameter, "-database", *t.site_suffix)}
    _told(b, stored, here, resource_id, "cluster", watched)


# --- a cluster's parts -----------------------------------------------------------------------------------


def _world_name(t: Template) -> Any:
    return sub(t.name_parameter, "-global")


def _global(t: Template, b: Blueprint) -> Any:
    """The global database, where there are two sites; nothing elsewhere."""
    where = t.both(t.primary, doubled(t, b))
    return choose(
        where,
        t.resource(
            "GlobalDatabase",
            "AWS::RDS::GlobalCluster",
            "database",
            condition=where,
            keep="Retain",
            why=b.why("disaster_recovery.high_availability"),
            GlobalClusterIdentifier=_world_name(t),
            Engine="aurora-postgresql",
            EngineVersion=_VERSION,
            StorageEncrypted=True,
            DeletionProtection=kept(t),
        ),
    )


def _cluster(b: Blueprint, t: Template, net: Net) -> dict[str, Any]:
    group = t.resource(
        "DatabaseSettings", "AWS::RDS::DBClusterParameterGroup", "database", Family=f"aurora-postgresql{_MAJOR}",
        Description="Settings of PostgreSQL.", Parameters=_settings(b),
    )  # fmt: skip
    _logs(t, b, "cluster")
    return {
        "Engine": "aurora-postgresql", "EngineVersion": _VERSION, "Port": b.provider.services["aurora"].port,
        "DBSubnetGroupName": _subnet_group(t, net), "VpcSecurityGroupIds": [net.group("database")],
        "DBClusterParameterGroupName": group, "StorageEncrypted": True, "KmsKeyId": key(t, b, "database"),
        "BackupRetentionPeriod": _retention(t, b), "CopyTagsToSnapshot": True,
        "EnableIAMDatabaseAuthentication": True, "EnableCloudwatchLogsExports": ["postgresql"],
        "DeletionProtection": kept(t),
    }  # fmt: skip


def _members(b: Blueprint, t: Template, made: Resource, stem: str, where: Condition | None) -> None:
    """The machines of a cluster: what writes, the standby that takes its place, and readers."""
    size = _size(t, b)
    component = "database-2" if stem == "DatabaseCopy" else "database"
    most = max((e.sizes[component].maximum for e in b.environments if component in e.sizes), default=1)
    for i in range(1, most + 1):
        condition = t.both(where, _at_least(t, b, "DatabaseInstances", "Machines of the cluster.", i))
        why = "Each further one takes over when the writer fails, and serves reads until then." if i == 2 else ""
        t.resource(
            f"{stem}Instance{i}", "AWS::RDS::DBInstance", "database", condition=condition, why=why, keep="Delete",
            DBClusterIdentifier=made, Engine="aurora-postgresql", DBInstanceClass=size, PubliclyAccessible=False,
            AutoMinorVersionUpgrade=True, **_insight(b, t),
        )  # fmt: skip


# --- what both have --------------------------------------------------------------------------------------


def _common(b: Blueprint, t: Template, net: Net) -> dict[str, Any]:
    group = t.resource(
        "DatabaseSettings", "AWS::RDS::DBParameterGroup", "database", Family=f"postgres{_MAJOR}",
        Description="Settings of PostgreSQL.", Parameters=_settings(b),
    )  # fmt: skip
    _logs(t, b, "instance")
    return {
        "DBSubnetGroupName": _subnet_group(t, net), "VPCSecurityGroups": [net.group("database")],
        "DBParameterGroupName": group, "Port": str(b.provider.services["rds"].port), "PubliclyAccessible": False,
        "EnableIAMDatabaseAuthentication": True, "EnableCloudwatchLogsExports": ["postgresql"],
        "CopyTagsToSnapshot": True, "AutoMinorVersionUpgrade": True, "DeletionProtection": kept(t), **_insight(b, t),
    }  # fmt: skip


def _settings(b: Blueprint) -> dict[str, Any]:
    slow = int(b.requirements.p99_latency_ms)
    return {
        "rds.force_ssl": Noted("1", "Connections without TLS are refused."),
        "log_statement": "ddl",
        "log_min_duration_statement": Noted(
            str(slow), f"Milliseconds: a query that takes as long as a whole request may, {slow} ms, is worth a line."),
    }  # fmt: skip


def _subnet_group(t: Template, net: Net) -> Resource:
    if "DatabaseSubnets" in t.resources:
        return t.resources["DatabaseSubnets"]
    return t.resource("DatabaseSubnets", "AWS::RDS::DBSubnetGroup", "database", SubnetIds=net.subnets("data"),
                      DBSubnetGroupDescription="Where the database may stand.")  # fmt: skip


def _insight(b: Blueprint, t: Template) -> dict[str, Any]:
    """The operating system's figures as often as others are scraped, and what queries wait for."""
    made = t.resources.get("DatabaseMonitoring") or role(
        t, "DatabaseMonitoring", "database", "monitoring.rds.amazonaws.com",
        managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
    )  # fmt: skip
    return {
        "MonitoringInterval": int(b.catalog.assumptions["scrape_interval_seconds"].value or 60),
        "MonitoringRoleArn": made.arn, "EnablePerformanceInsights": True,
        "PerformanceInsightsRetentionPeriod": _INSIGHTS_DAYS, "PerformanceInsightsKMSKeyId": key(t, b, "database"),
    }  # fmt: skip


def _logs(t: Template, b: Blueprint, kind: str) -> Resource:
    """The database's log, in a group whose retention is ours: RDS makes one that is kept for ever."""
    title = sub(f"/aws/rds/{kind}/", t.name_parameter, "-database", *t.site_suffix, "/postgresql")
    return log_group(t, b, "DatabaseLogs", "database", title, key(t, b, "logs"))


def _credentials(b: Blueprint, t: Template, where: Condition | None) -> dict[str, Any]:
    account = {"MasterUsername": _ADMINISTRATOR}
    copied = len(b.sites) > 1 or _most(b, lambda s: s.read_replicas) > 0
    aurora = b.component("database").service == "aurora"
    if not (len(b.sites) > 1 if aurora else copied):
        return account | {"ManageMasterUserPassword": True, "MasterUserSecret": _secret_key(t, b)}
    own = key(t, b, "secrets")
    secret = t.resource(
        "DatabaseAdministrator",
        "AWS::SecretsManager::Secret",
        "database",
        condition=where,
        keep="Retain",
        skips=unlocked(own, "CKV_AWS_149"),
        why="RDS cannot manage the administrator's password where the database is replicated.",
        Name=sub(t.name_parameter, "/database-administrator"),
        KmsKeyId=own,
        Description="The database's administrator.",
        GenerateSecretString={
            "SecretStringTemplate": f'{{"username": "{_ADMINISTRATOR}"}}',
            "GenerateStringKey": "password",
            "PasswordLength": 32,
            "ExcludePunctuation": True,
        },
    )
    return account | {"MasterUserPassword": sub("{{resolve:secretsmanager:", secret, ":SecretString:password}}")}


def _secret_key(t: Template, b: Blueprint) -> dict[str, Any] | None:
    own = key(t, b, "secrets")
    return {"KmsKeyId": own} if own is not None else None


# --- numbers of the plan ---------------------------------------------------------------------------------


def _here(b: Blueprint, value: Any) -> Any:
    return by_site(b, lambda site: b.sized(site.id("database"), value))


def _most(b: Blueprint, value: Any) -> int:
    return max((value(e.sizes["database"]) for e in b.environments if "database" in e.sizes), default=0)


def _size(t: Template, b: Blueprint) -> Any:
    return t.parameter(
        "DatabaseClass",
        "String",
        "Size of the database's machines.",
        _here(b, lambda s: s.sku),
        why=b.why("scaling.capacity"),
        pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$",
    )


def _standby(t: Template, b: Blueprint) -> Any:
    return t.parameter("DatabaseStandby", "String", "Whether a synchronous standby is in another zone.",
                        _here(b, lambda s: s.standby), why=b.why("disaster_recovery.high_availability"),
                        allowed=("true", "false"))  # fmt: skip


def _at_least(t: Template, b: Blueprint, name: str, told: str, number: int) -> Condition | None:
    """Holds where there are so many replicas, or machines of a cluster."""
    replicas = name == "ReadReplicas"
    if number <= (0 if replicas else 1):
        return None
    value = attrgetter("read_replicas" if replicas else "maximum")
    given = t.parameter(name, "Number", told, _here(b, value), bounds=(0, 16))
    count = b.each(lambda e: max((value(s) for id, s in e.sizes.items() if id.startswith("database")), default=0))
    return t.at_least(name, given, count, number, 0 if replicas else 1)


def _growth(b: Blueprint) -> int:
    r = b.requirements
    grown = r.database_gb * (1 + r.growth_pct_per_year / 100) ** (r.horizon_months / 12)
    return min(65536, max(100, round(float(1.2 * max(grown, r.database_gb) + 20))))


def _retention(t: Template, b: Blueprint) -> Any:
    """Days for which the database keeps its log and daily copies itself."""
    sets = [s for s in b.assessment.recovery.backups if s.component == "database"]
    days = round(max((s.retention_days for s in sets), default=1))
    return t.parameter("DatabaseBackupDays", "Number", "Days that the database keeps its log and daily copies.",
                       b.each(lambda e: min(35, days) if e.backed_up else 1), why=b.why("disaster_recovery.backup"),
                       bounds=(1, 35))  # fmt: skip


def _calendar(b: Blueprint, t: Template, kind: str) -> None:
    """Stops the database at night where the environment rests: what is stopped costs its storage only."""
    if len(b.sites) > 1 or _most(b, lambda s: s.read_replicas):
        return  # neither a member of a global database nor an instance with replicas can be stopped
    resting = rests(t, b.each(lambda e: e.hours_per_week < 168), b.why("cost.efficiency"))
    if resting is None:
        return
    name, title = sub(t.name_parameter, "-database"), {"db": "Instance", "cluster": "Cluster"}[kind]
    office_hours(
        t, "Database", "database", {"open": f"rds:startDB{title}", "close": f"rds:stopDB{title}"},
        [f'{{"Db{title}Identifier": "', name, '"}'], [f"rds:StartDB{title}", f"rds:StopDB{title}"],
        arn("rds", f"{kind}:", name), resting,
    )  # fmt: skip


def _told(
    b: Blueprint, stored: Stored, endpoint: Any, resource_id: Any, kind: str, watched: dict[str, Any]
) -> None:  # fmt: skip
    t = stored.template
    service = b.component("database").service
    where = t.output("DatabaseEndpoint", endpoint, "Where the database answers.", exported=True)
    id = t.output("DatabaseResourceId", resource_id, "The id by which the right to connect names the database.")
    user = arn("rds-db", "dbuser:", id, f"/{_APPLICATION}")
    stored.grants.append(allow(service, "connect", user))
    stored.settings |= {
        "DATABASE_HOST": where, "DATABASE_NAME": _APPLICATION, "DATABASE_USER": _APPLICATION,
        "DATABASE_PORT": str(b.provider.services[service].port),
    }  # fmt: skip
    stored.backed_up = lambda template: arn("rds", f"{kind}:", template.name_parameter, "-database")
    stored.watched = watched
    _calendar(b, t, kind)
