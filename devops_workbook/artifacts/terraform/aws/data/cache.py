"""Amazon ElastiCache for Valkey: a primary with its replica, reached over TLS by users of IAM."""

from __future__ import annotations

from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.logs import log_group
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.reasons import PLANNED, PROVIDER_KEYS
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, raw, template

__all__ = ["cache"]

_ENGINE, _VERSION = "valkey", "8.0"
_COMMANDS = "on ~* +@all -@admin -@dangerous"


def cache(d: Scope) -> None:
    """The cache of a site; where a standby keeps none running, it is made when the site takes over."""
    m = d.module
    nodes = m.variable(
        "cache_nodes", "number", "Nodes: a primary and replicas that take over; 0 = none until the site takes over.",
        d.sized("cache", lambda s: s.maximum), why=d.b.why("scaling.caching"),
        checks=[("var.cache_nodes >= 0 && var.cache_nodes <= 6", "A primary has at most five replicas.")],
    )  # fmt: skip
    sku = m.variable(
        "cache_node_type",
        "string",
        "Size of the cache's nodes.",
        d.sized("cache", lambda s: s.sku),
        checks=[('startswith(var.cache_node_type, "cache.")', "A size of a cache begins with cache.")],
    )
    some = raw(f"{nodes} > 0 ? 1 : 0")
    user, group = _users(d)
    subnets = m.resource("aws_elasticache_subnet_group", "this", "cache", file="cache", name=named("cache"),
                         subnet_ids=d.subnets(), tags=d.tags("cache"))  # fmt: skip
    log = log_group(d.b, m, "cache", "cache", template("/aws/elasticache/", Ref("var.name"), "-cache"), d.key("logs"),
                    file="cache", tags=d.tags("cache"))  # fmt: skip
    skips = {} if d.own_keys else {"CKV_AWS_191": PROVIDER_KEYS}
    skips["CKV2_AWS_50"] = PLANNED
    made = m.resource(
        "aws_elasticache_replication_group", "this", "cache", file="cache", why=d.b.why("scaling.caching"), skips=skips,
        count=some, replication_group_id=named("cache"), description="Answers that are read again and again.",
        engine=_ENGINE, engine_version=_VERSION, node_type=sku, num_cache_clusters=nodes, port=d.service("cache").port,
        automatic_failover_enabled=raw(f"{nodes} > 1"), multi_az_enabled=raw(f"{nodes} > 1"),
        at_rest_encryption_enabled=True, **d.keyed("kms_key_id", "database"), transit_encryption_enabled=True,
        transit_encryption_mode=Noted("required", "Connections without TLS are refused."), user_group_ids=[group.id],
        subnet_group_name=subnets.name, security_group_ids=[d.security_group("cache")],
        log_delivery_configuration=Nested(destination=log.name, destination_type="cloudwatch-logs", log_format="json",
                                          log_type="slow-log"),
        tags=d.tags("cache"),
    )  # fmt: skip
    m.output("cache_endpoint", raw(f"one({made}[*].primary_endpoint_address)"), "Where the cache answers.")
    m.output("cache_id", raw(f"one({made}[*].id)"), "Name of the cache.")
    m.output("cache_user", user.user_id, "Whom the service signs in as.")
    m.output("cache_arns", raw(f"concat({made}[*].arn, [{user}.arn])"), "What the service may name to connect.")


def _users(d: Scope) -> tuple[Ref, Ref]:
    m = d.module
    user = m.resource(
        "aws_elasticache_user", "app", "cache", file="cache", user_id=named("app"), user_name=named("app"),
        engine=_ENGINE, access_string=_COMMANDS, authentication_mode=Nested(type="iam"), tags=d.tags("cache"),
    )  # fmt: skip
    group = m.resource(
        "aws_elasticache_user_group", "this", "cache", file="cache", user_group_id=named("cache"), engine=_ENGINE,
        user_ids=[user.user_id], tags=d.tags("cache"),
    )  # fmt: skip
    return user, group
