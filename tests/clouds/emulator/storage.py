"""Object storage, queues and streams: what moto does not keep or gives back otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from moto.kinesis.models import kinesis_backends
from moto.s3.exceptions import InvalidBucketState
from moto.s3.models import FakeBucket, S3Backend, s3_backends
from moto.sqs.models import Queue

from tests.clouds.emulator.answers import ACCOUNT, MOTO, Asked, answers, replaces

_replication: dict[str, Mapping[str, Any]] = {}


@replaces(FakeBucket, "_log_permissions_enabled_policy", for_="aws_s3_bucket_logging")
def may_log(original: Any, target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    """Whether the logging service may write; moto fails over a statement whose principal is everybody."""
    statements = json.loads(target_bucket.policy)["Statement"] if target_bucket.policy else []
    return any(_lets_log(s) for s in statements)


def _lets_log(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    actions = statement.get("Action", [])
    return (
        statement.get("Effect") == "Allow"
        and "logging.s3.amazonaws.com" in ([services] if isinstance(services, str) else services)
        and "s3:PutObject" in ([actions] if isinstance(actions, str) else actions)
    )


@answers("s3", "GetBucketNotificationConfiguration", for_="aws_s3_bucket_notification")
def notification(asked: Asked) -> Mapping[str, Any] | None:
    """Whether EventBridge is told, which moto keeps and does not tell."""
    kept = s3_backends[ACCOUNT]["aws"].get_bucket(asked["Bucket"]).notification_configuration
    only = kept is not None and kept.event_bridge is not None and not (kept.topic or kept.queue or kept.cloud_function)
    return {"EventBridgeConfiguration": {}} if only else MOTO


@answers("s3", "PutBucketReplication", for_="aws_s3_bucket_replication_configuration")
def note_replication(asked: Asked) -> Mapping[str, Any]:
    _replication[asked["Bucket"]] = asked["ReplicationConfiguration"]
    return MOTO


@answers("s3", "GetBucketReplication", for_="aws_s3_bucket_replication_configuration")
def replication(asked: Asked) -> Mapping[str, Any]:
    """As it was put; moto gives back a part of it."""
    held = _replication.get(asked["Bucket"])
    return {"ReplicationConfiguration": held} if held else MOTO


@answers("s3", "DeleteBucketReplication", "DeleteBucket", for_="aws_s3_bucket_replication_configuration")
def forget_replication(asked: Asked) -> Mapping[str, Any]:
    _replication.pop(asked["Bucket"], None)
    return MOTO


@replaces(S3Backend, "put_bucket_versioning", for_="aws_s3_bucket_versioning")
def put_versioning(original: Any, self: S3Backend, bucket_name: str, status: str) -> Any:
    """Not suspended where objects are locked: S3 refuses that, in these words."""
    if status == "Suspended" and self.get_bucket(bucket_name).object_lock_enabled:
        raise InvalidBucketState(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        )
    return original(self, bucket_name, status)


@replaces(S3Backend, "delete_bucket", for_="aws_s3_bucket")
def delete_bucket(original: Any, self: S3Backend, bucket_name: str) -> Any:
    """Also one with logs in it, so that a cycle can end without somebody who empties it."""
    if bucket_name in self.buckets:
        self.buckets[bucket_name].keys.clear()
    return original(self, bucket_name)


@replaces(Queue, "attributes", for_="aws_sqs_queue")
def queue_attributes(original: Any, self: Queue) -> Mapping[str, Any]:
    """Without the spaces that moto puts into the policy of redriving."""
    told = original(self)
    if told.get("RedrivePolicy"):
        told["RedrivePolicy"] = json.dumps(json.loads(told["RedrivePolicy"]), separators=(",", ":"))
    return told


_stream_tags: dict[tuple[str, str], Mapping[str, str]] = {}


@answers("kinesis", "CreateStream", for_="aws_kinesis_stream")
def note_stream_tags(asked: Asked) -> Mapping[str, Any]:
    _stream_tags[asked.region, asked["StreamName"]] = asked.get("Tags", {})
    return MOTO


@answers("kinesis", "ListTagsForStream", for_="aws_kinesis_stream")
def stream_tags(asked: Asked) -> Mapping[str, Any]:
    """With those given at creation, which moto drops."""
    name = asked.get("StreamName") or asked["StreamARN"].rpartition("/")[2]
    stream = kinesis_backends[ACCOUNT][asked.region].streams[name]
    told = {**_stream_tags.get((asked.region, name), {}), **stream.tags}
    return {"Tags": [{"Key": k, "Value": v} for k, v in told.items()], "HasMoreTags": False}
