"""Databases and caches: what moto does not keep, keeps for ever, or lacks."""

from __future__ import annotations

import base64
import copy
import hashlib
import inspect
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.elasticache.models import CacheCluster, ElastiCacheBackend, elasticache_backends
from moto.rds.models import DBCluster, DBInstance, DBParameterGroup, RDSBackend, rds_backends

from tests.clouds.emulator.answers import ACCOUNT, MOTO, Asked, Kept, answers, replaces

# --- RDS -------------------------------------------------------------------------------------------------


def _resource_id(name: str) -> str:
    return "db-" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:26]


@replaces(DBInstance, "__init__", for_="aws_db_instance")
def instance(original: Any, self: DBInstance, *arguments: Any, **named: Any) -> None:
    """With an id of its own, by which the provider finds it, and with insights as they were asked for."""
    original(self, *arguments, **named)
    self.dbi_resource_id = _resource_id(self.db_instance_identifier)
    insights = named.get("enable_performance_insights")
    if insights is not None:
        self.performance_insights_enabled = str(insights).lower() == "true"
    self.performance_insights_kms_key_id = named.get("performance_insights_kms_key_id")


@replaces(RDSBackend, "create_db_instance_read_replica", for_="aws_db_instance")
def replica(original: Any, self: RDSBackend, wanted: dict[str, Any]) -> DBInstance:
    """With the settings and in the region that were asked for; moto gives it those of its source."""
    source = self.find_db_from_id(wanted["source_db_instance_identifier"])
    home, source.backend = source.backend, self
    try:
        made = original(self, wanted)
    finally:
        source.backend = home
    made.db_instance_identifier = wanted["db_instance_identifier"]
    made.dbi_resource_id = _resource_id(made.db_instance_identifier)
    for secret in ("master_user_secret", "_master_user_secret"):
        if secret in vars(made):
            setattr(made, secret, None)
    made.copy_tags_to_snapshot = wanted.get("copy_tags_to_snapshot", False)
    made.enabled_cloudwatch_logs_exports = list(wanted.get("enable_cloudwatch_logs_exports") or [])
    made.enable_iam_database_authentication = wanted.get("enable_iam_database_authentication") or False
    made.max_allocated_storage = wanted.get("max_allocated_storage") or made.allocated_storage
    made.monitoring_interval = wanted.get("monitoring_interval") or 0
    made.monitoring_role_arn = wanted.get("monitoring_role_arn")
    made.performance_insights_enabled = bool(wanted.get("enable_performance_insights"))
    return made


@replaces(RDSBackend, "delete_db_instance", for_="aws_db_instance")
def delete_instance(original: Any, self: RDSBackend, db_instance_identifier: str, **named: Any) -> DBInstance:
    """Also one that is protected, so that a cycle can end without a change of the configuration."""
    if db_instance_identifier in self.databases:
        self.databases[db_instance_identifier].deletion_protection = False
    return original(self, db_instance_identifier, **named)


@replaces(RDSBackend, "delete_db_cluster", for_="aws_rds_cluster")
def delete_cluster(
    original: Any, self: RDSBackend, cluster_identifier: str, *arguments: Any, **named: Any
) -> DBCluster:
    """As above; and it leaves its global cluster, which moto forgets in other regions than the first."""
    if cluster_identifier in self.clusters:
        self.clusters[cluster_identifier].deletion_protection = False
    gone = original(self, cluster_identifier, *arguments, **named)
    for backend in rds_backends[ACCOUNT].values():
        for group in backend.global_clusters.values():
            group.members = [member for member in group.members if member is not gone]
    return gone


@replaces(DBParameterGroup, "update_parameters", for_="aws_db_parameter_group")
def parameters(original: Any, self: DBParameterGroup, new: Any) -> None:
    original(self, new)
    for parameter in self.parameters.values():
        parameter.setdefault("Source", "user")


@replaces(DBCluster, "scaling_configuration_info", for_="aws_rds_cluster")
def scaling(original: Any, self: DBCluster) -> Any:
    """Nothing where nothing was asked for."""
    return original(self) if self.scaling_configuration else None


# --- ElastiCache -----------------------------------------------------------------------------------------

_parameter_groups = Kept("The parameter group", "CacheParameterGroupNotFound")
_user_groups = Kept("The user group", "UserGroupNotFound")


@answers("elasticache", "CreateCacheParameterGroup", for_="aws_elasticache_parameter_group")
def create_parameter_group(asked: Asked) -> Mapping[str, Any]:
    name = asked["CacheParameterGroupName"]
    arn = f"arn:aws:elasticache:{asked.region}:{ACCOUNT}:parametergroup:{name}"
    made = {**asked.params, "IsGlobal": False, "ARN": arn, "parameters": {}}
    _parameter_groups[asked.region, name] = made
    return {"CacheParameterGroup": made}


@answers("elasticache", "DescribeCacheParameterGroups", for_="aws_elasticache_parameter_group")
def parameter_groups(asked: Asked) -> Mapping[str, Any]:
    return {"CacheParameterGroups": [_parameter_groups[asked.region, asked["CacheParameterGroupName"]]]}


@answers("elasticache", "ModifyCacheParameterGroup", for_="aws_elasticache_parameter_group")
def change_parameters(asked: Asked) -> Mapping[str, Any]:
    name = asked["CacheParameterGroupName"]
    new = {p["ParameterName"]: p.get("ParameterValue", "") for p in asked["ParameterNameValues"]}
    _parameter_groups[asked.region, name]["parameters"].update(new)
    return {"CacheParameterGroupName": name}


@answers("elasticache", "DescribeCacheParameters", for_="aws_elasticache_parameter_group")
def cache_parameters(asked: Asked) -> Mapping[str, Any]:
    held = _parameter_groups[asked.region, asked["CacheParameterGroupName"]]["parameters"]
    return {"Parameters": [{"ParameterName": k, "ParameterValue": v, "Source": "user", "IsModifiable": True}
                           for k, v in held.items()]}  # fmt: skip


@answers("elasticache", "DeleteCacheParameterGroup", for_="aws_elasticache_parameter_group")
def delete_parameter_group(asked: Asked) -> Mapping[str, Any]:
    del _parameter_groups[asked.region, asked["CacheParameterGroupName"]]
    return {}


@answers("elasticache", "CreateUserGroup", for_="aws_elasticache_user_group")
def create_user_group(asked: Asked) -> Mapping[str, Any]:
    name = asked["UserGroupId"]
    arn = f"arn:aws:elasticache:{asked.region}:{ACCOUNT}:usergroup:{name}"
    made = {**asked.params, "Status": "active", "ARN": arn, "UserIds": asked.get("UserIds", [])}
    _user_groups[asked.region, name] = made
    return made


@answers("elasticache", "DescribeUserGroups", for_="aws_elasticache_user_group")
def user_groups(asked: Asked) -> Mapping[str, Any]:
    return {"UserGroups": [_user_groups[asked.region, asked["UserGroupId"]]]}


@answers("elasticache", "DeleteUserGroup", for_="aws_elasticache_user_group")
def delete_user_group(asked: Asked) -> Mapping[str, Any]:
    return {**_user_groups.take((asked.region, asked["UserGroupId"])), "Status": "deleting"}


@answers("elasticache", "ListTagsForResource", for_=("aws_elasticache_parameter_group", "aws_elasticache_user_group"))
def cache_tags(asked: Asked) -> Mapping[str, Any]:
    held = [*_parameter_groups.of(asked.region), *_user_groups.of(asked.region)]
    found = next((h for h in held if h["ARN"] == asked["ResourceName"]), None)
    return {"TagList": found.get("Tags") or []} if found else MOTO


@answers("elasticache", "DeleteCacheSubnetGroup", for_="aws_elasticache_subnet_group")
def delete_subnet_group(asked: Asked) -> Mapping[str, Any]:
    elasticache_backends[ACCOUNT][asked.region].cache_subnet_groups.pop(asked["CacheSubnetGroupName"], None)
    return {}


@replaces(ElastiCacheBackend, "create_replication_group", for_="aws_elasticache_replication_group")
def replication_group(original: Any, self: ElastiCacheBackend, *arguments: Any, **named: Any) -> Any:
    """With all its members; moto makes one."""
    group = original(self, *arguments, **named)
    bound = inspect.signature(original).bind(self, *arguments, **named).arguments
    zones = bound.get("preferred_cache_cluster_azs") or [f"{self.region_name}b"]
    for number in range(len(group.member_clusters) + 1, (bound.get("num_cache_clusters") or 1) + 1):
        name = f"{group.replication_group_id}-{number:0>3}"
        group.member_clusters.append(name)
        group.node_groups[0]["node_group_members"].append(
            {"cache_cluster_id": name, "cache_node_id": "0001", "current_role": "replica",
             "preferred_availability_zone": zones[(number - 1) % len(zones)]}
        )  # fmt: skip
    return group


_OF_GROUP = ("at_rest_encryption_enabled", "transit_encryption_enabled", "transit_encryption_mode",
             "auth_token_enabled", "snapshot_window", "snapshot_retention_limit")  # fmt: skip


@replaces(ElastiCacheBackend, "describe_cache_clusters", for_="aws_elasticache_replication_group")
def clusters(original: Any, self: ElastiCacheBackend, cache_cluster_id: str | None = None) -> list[CacheCluster]:
    """Also the members of a replication group."""
    groups = self.replication_groups.values()
    group = next((g for g in groups if cache_cluster_id in getattr(g, "member_clusters", ())), None)
    if group is None or cache_cluster_id in self.cache_clusters:
        return original(self, cache_cluster_id)
    wanted = dict.fromkeys(list(inspect.signature(ElastiCacheBackend.create_cache_cluster).parameters)[1:])
    wanted |= {
        "cache_cluster_id": cache_cluster_id, "engine": group.engine, "engine_version": group.engine_version,
        "cache_node_type": group.cache_node_type, "num_cache_nodes": 1, "log_delivery_configurations": [],
        "replication_group_id": group.replication_group_id, "security_group_ids": group.security_group_ids,
        "cache_subnet_group_name": group.cache_subnet_group_name, "auto_minor_version_upgrade": True,
    }  # fmt: skip
    member = self.create_cache_cluster(**wanted)
    self.cache_clusters.pop(cache_cluster_id, None)
    for attribute in _OF_GROUP:
        setattr(member, attribute, getattr(group, attribute, None))
    member.security_groups = [{"SecurityGroupId": id_, "Status": "active"} for id_ in group.security_group_ids or ()]
    return [member]


@replaces(ElastiCacheBackend, "delete_cache_cluster", for_="aws_elasticache_cluster")
def delete_cache(original: Any, self: ElastiCacheBackend, cache_cluster_id: str) -> CacheCluster:
    """For good; moto says for ever that it is being deleted."""
    gone = original(self, cache_cluster_id)
    self.cache_clusters.pop(cache_cluster_id, None)
    return gone


@replaces(ElastiCacheBackend, "delete_replication_group", for_="aws_elasticache_replication_group")
def delete_group(original: Any, self: ElastiCacheBackend, *arguments: Any, **named: Any) -> Any:
    """As above."""
    gone = original(self, *arguments, **named)
    self.replication_groups.pop(gone.replication_group_id, None)
    return gone


# --- DynamoDB --------------------------------------------------------------------------------------------

_replicas: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}


@answers("dynamodb", "UpdateTable", for_=("aws_dynamodb_table", "aws_dynamodb_table_replica"))
def update_replicas(asked: Asked) -> Mapping[str, Any]:
    """Copies of a table in other regions; moto has none."""
    updates, name = asked.get("ReplicaUpdates", []), asked["TableName"].rpartition("/")[2]
    if not updates:
        return MOTO
    table = dynamodb_backends[ACCOUNT][asked.region].get_table(name)
    held = _replicas.setdefault((asked.region, name), {})
    for kind, wanted in (item for update in updates for item in update.items()):
        region = wanted["RegionName"]
        if kind == "Delete":
            held.pop(region, None)
            dynamodb_backends[ACCOUNT][region].tables.pop(name, None)
            continue
        held[region] = {**held.get(region, {}), **wanted, "ReplicaStatus": "ACTIVE"}
        if kind == "Create":
            dynamodb_backends[ACCOUNT][region].tables[name] = made = _copied(table, asked.region, region)
            if key := wanted.get("KMSMasterKeyId"):
                made.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    return table.describe()


def _copied(table: Table, source: str, region: str) -> Table:
    made = copy.copy(table)
    made.table_arn = table.table_arn.replace(f":{source}:", f":{region}:")
    made.region_name = region
    made.tags = []  # a copy has tags of its own
    return made


@replaces(DynamoDBBackend, "delete_table", for_="aws_dynamodb_table")
def delete_table(original: Any, self: DynamoDBBackend, name: str) -> Table:
    """Also one that is protected, so that a cycle can end without a change of the configuration."""
    self.get_table(name).deletion_protection_enabled = False
    return original(self, name)


@replaces(Table, "describe", for_=("aws_dynamodb_table", "aws_dynamodb_table_replica"))
def described(original: Any, self: Table, *arguments: Any, **named: Any) -> dict[str, Any]:
    told = original(self, *arguments, **named)
    held = _replicas.get((self.region_name, self.name))
    if held:
        next(iter(told.values()))["Replicas"] = list(held.values())
    return told
