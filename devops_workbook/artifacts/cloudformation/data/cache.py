"""Amazon ElastiCache for Valkey: a primary with its replica, reached over TLS by users of IAM."""

from __future__ import annotations

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import allow, key, log_group, unlocked
from devops_workbook.artifacts.cloudformation.data.stored import Stored
from devops_workbook.artifacts.cloudformation.network import Net
from devops_workbook.artifacts.cloudformation.template import ACCOUNT, PARTITION, REGION, by_site, choose, fn, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["cache"]

_ENGINE, _VERSION = "valkey", "8.0"
_COMMANDS = "on ~* +@all -@admin -@dangerous"


def cache(b: Blueprint, stored: Stored, net: Net) -> None:
    """The cache of a site; where a standby keeps none running, it is made when the site takes over."""
    t = stored.template
    count = by_site(b, lambda site: b.sized(site.id("cache"), lambda s: s.maximum))
    nodes = t.parameter("CacheNodes", "Number", "Nodes of the cache: a primary, and replicas that take over; 0 = none "
                        "until the site takes over.", count, why=b.why("scaling.caching"), bounds=(0, 6))  # fmt: skip
    sku = t.parameter(
        "CacheNodeType",
        "String",
        "Size of the cache's nodes.",
        by_site(b, lambda site: b.sized(site.id("cache"), lambda s: s.sku)),
        pattern=r"^cache\..+$",
    )
    # Which sites have nodes is told by the first's, for both are accounted for by the same condition.
    some = t.condition("HasCache", fn("Not", [fn("Equals", nodes, "0")]),
                       b.sized("cache", lambda s: s.maximum > 0))  # fmt: skip
    several = t.condition("HasCacheReplica", fn("Not", [fn("Or", fn("Equals", nodes, "0"), fn("Equals", nodes, "1"))]),
                          b.sized("cache", lambda s: s.maximum > 1))  # fmt: skip
    user = t.resource(
        "CacheUser", "AWS::ElastiCache::User", "cache", UserId=sub(t.name_parameter, "-app", *t.site_suffix),
        UserName=sub(t.name_parameter, "-app", *t.site_suffix), Engine=_ENGINE, AccessString=_COMMANDS,
        AuthenticationMode={"Type": "iam"},
    )  # fmt: skip
    members = t.resource(
        "CacheUsers",
        "AWS::ElastiCache::UserGroup",
        "cache",
        UserGroupId=sub(t.name_parameter, "-cache", *t.site_suffix),
        Engine=_ENGINE,
        UserIds=[user],
    )
    subnets = t.resource("CacheSubnets", "AWS::ElastiCache::SubnetGroup", "cache", SubnetIds=net.subnets("data"),
                         Description="Where the cache may stand.")  # fmt: skip
    logs = log_group(t, b, "CacheLogs", "cache", sub("/aws/elasticache/", t.name_parameter, "-cache", *t.site_suffix),
                     key(t, b, "logs"))  # fmt: skip
    own = key(t, b, "database")
    made = t.resource(
        "Cache", "AWS::ElastiCache::ReplicationGroup", "cache", condition=some, keep="Delete",
        why=f"It holds nothing that cannot be read again. {b.why('scaling.caching')}",
        skips={"CKV_AWS_31": "members sign in by IAM, for which there is no token",
               **unlocked(own, "CKV_AWS_191")},
        ReplicationGroupDescription="Answers that are read again and again.", Engine=_ENGINE, EngineVersion=_VERSION,
        CacheNodeType=sku, NumCacheClusters=nodes, Port=b.provider.services["elasticache"].port,
        AutomaticFailoverEnabled=choose(several, True, False), MultiAZEnabled=choose(several, True, False),
        AtRestEncryptionEnabled=True, KmsKeyId=own, TransitEncryptionEnabled=True,
        TransitEncryptionMode=Noted("required", "Connections without TLS are refused."),
        CacheSubnetGroupName=subnets, SecurityGroupIds=[net.group("cache")], UserGroupIds=[members],
        LogDeliveryConfigurations=[{"DestinationType": "cloudwatch-logs", "LogFormat": "json", "LogType": "slow-log",
                                    "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": logs}}}],
    )  # fmt: skip
    where = t.output("CacheEndpoint", choose(some, made.att("PrimaryEndPoint.Address"), ""), "Where the cache answers.",
                     exported=True)  # fmt: skip
    group = t.output(
        "CacheArn",
        choose(
            some, sub("arn:", PARTITION, ":elasticache:", REGION, ":", ACCOUNT, ":replicationgroup:", made), user.arn
        ),
        "The cache.",
    )
    stored.grants.append(allow("elasticache", "connect", [group, user.arn]))
    stored.settings |= {"CACHE_HOST": where, "CACHE_USER": user}
