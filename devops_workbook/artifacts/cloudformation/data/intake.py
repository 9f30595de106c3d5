"""What holds work until a worker takes it: a queue of Amazon SQS with its dead letters, or a stream of Kinesis."""

from __future__ import annotations

import math

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.cloudformation.common import allow, assured, key, tls_only, unlocked
from devops_workbook.artifacts.cloudformation.data.stored import Stored
from devops_workbook.artifacts.cloudformation.template import BySite, by_site, policy, sub
from devops_workbook.artifacts.yaml import Noted

__all__ = ["ATTEMPTS", "intake", "work_seconds"]

ATTEMPTS = 5
_DAY = 86_400
_IDLE_SECONDS = 60  # after which a load balancer gives a request up
_LONGEST = 12 * 3600  # of a message out of sight


def work_seconds(b: Blueprint) -> int:
    """How long one piece of work may take, s: a request as long as the entry waits, a message as long as the worker's
    service allows, or ten times the latency target where it sets no limit."""
    service, compute = (b.provider.services[b.component(id).service] for id in ("entry", "compute"))
    if not b.has("intake"):
        return int(service.limits.get("timeout_seconds", _IDLE_SECONDS))
    return int(compute.limits.get("timeout_seconds", math.ceil(b.requirements.p99_latency_ms / 100.0)))


def intake(b: Blueprint, stored: Stored) -> None:
    """The queue or stream of a site."""
    {"queue": _queue, "stream": _stream}[b.provider.services[b.component("intake").service].kind](b, stored)


def _queue(b: Blueprint, stored: Stored) -> None:
    t, own = stored.template, key(stored.template, b, "files")
    sealed = {"KmsMasterKeyId": own} if own is not None else {"SqsManagedSseEnabled": True}
    dead = t.resource(
        "DeadLetters", "AWS::SQS::Queue", "intake", keep="Retain", skips=unlocked(own, "CKV_AWS_27"), **sealed,
        QueueName=sub(t.name_parameter, "-dead-letters", *t.site_suffix),
        MessageRetentionPeriod=Noted(14 * _DAY, "14 days, the longest there is, to look at what failed."),
    )  # fmt: skip
    seconds = min(_LONGEST, 6 * work_seconds(b))
    queue = t.resource(
        "Queue", "AWS::SQS::Queue", "intake", keep="Retain", why=b.why("scaling.autoscaling"),
        skips=unlocked(own, "CKV_AWS_27"), **sealed,
        QueueName=sub(t.name_parameter, "-intake", *t.site_suffix),
        RedrivePolicy={"deadLetterTargetArn": dead.arn, "maxReceiveCount": ATTEMPTS}, ReceiveMessageWaitTimeSeconds=20,
        VisibilityTimeout=Noted(seconds, "Six times as long as a worker may take, before another one tries."),
    )  # fmt: skip
    for name, one in (("QueuePolicy", queue), ("DeadLettersPolicy", dead)):
        t.resource(
            name, "AWS::SQS::QueuePolicy", "intake", Queues=[one], PolicyDocument=policy(tls_only([one.arn], "sqs"))
        )
    stored.queue, stored.held = queue, {"QueueName": queue.att("QueueName")}
    stored.grants += [allow("sqs", "consume", queue.arn), *([allow("sqs", "send", queue.arn)] if _accepts(b) else [])]
    stored.settings["INTAKE"] = queue
    _key_grants(b, stored)


def _stream(b: Blueprint, stored: Stored) -> None:
    t, own = stored.template, key(stored.template, b, "files")
    count = by_site(b, lambda site: b.sized(site.id("intake"), lambda s: s.minimum))
    shards = t.parameter("IntakeShards", "Number", "Shards of the stream, each of which takes a megabyte a second.",
                         BySite({k: v.map(lambda n: max(1, n)) for k, v in count.values.items()}),
                         why="A stream has one shard at least, where a waiting site would do without.",
                         bounds=(1, 10_000))  # fmt: skip
    stream = t.resource(
        "Stream", "AWS::Kinesis::Stream", "intake", keep="Retain", why=b.why("scaling.capacity"),
        Name=sub(t.name_parameter, "-intake", *t.site_suffix), ShardCount=shards, skips=unlocked(own, "CKV_AWS_185"),
        StreamEncryption={"EncryptionType": "KMS", "KeyId": own if own is not None else "alias/aws/kinesis"},
    )  # fmt: skip
    stored.queue, stored.held = stream, {"StreamName": stream}
    stored.grants += [allow("kinesis", "consume", stream.arn), allow("kinesis", "list")]
    if _accepts(b):
        stored.grants.append(allow("kinesis", "send", stream.arn))
    stored.settings["INTAKE"] = stream
    _key_grants(b, stored)


def _accepts(b: Blueprint) -> bool:
    """Whether the service puts work into the intake itself, because the entry cannot."""
    return b.component("entry").service == "alb"


def _key_grants(b: Blueprint, stored: Stored) -> None:
    if assured(b):
        stored.keys.add("files")
