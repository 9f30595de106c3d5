"""What holds work until a worker takes it: a queue of Amazon SQS with its dead letters, or a stream of Kinesis."""

from __future__ import annotations

from devops_workbook.artifacts.terraform.aws.data.scope import Scope
from devops_workbook.artifacts.terraform.aws.placed import named
from devops_workbook.artifacts.terraform.aws.policies import document, only_tls
from devops_workbook.artifacts.terraform.aws.reasons import PROVIDER_KEYS
from devops_workbook.artifacts.terraform.aws.work import ATTEMPTS, visibility_seconds
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, call, raw

__all__ = ["intake"]

_DAY = 86_400
_DEAD_LETTER_DAYS = 14  # the longest that SQS keeps a message: time to look at what failed


def intake(d: Scope) -> None:
    """The queue or stream of a site."""
    {"queue": _queue, "stream": _stream}[d.service("intake").kind](d)


def _queue(d: Scope) -> None:
    m = d.module
    key = d.key("files")
    sealed = {"sqs_managed_sse_enabled": True} if key is None else {"kms_master_key_id": key}
    dead = m.resource(
        "aws_sqs_queue",
        "dead_letters",
        "intake",
        file="intake",
        name=named("dead-letters"),
        message_retention_seconds=Noted(
            _DEAD_LETTER_DAYS * _DAY, "14 days, the longest there is, to look at what failed."
        ),
        **sealed,
        tags=d.tags("intake"),
    )
    redrive = call("jsonencode", {"deadLetterTargetArn": dead.arn, "maxReceiveCount": ATTEMPTS})
    seconds = visibility_seconds(d.b)
    queue = m.resource(
        "aws_sqs_queue", "this", "intake", file="intake", why=d.b.why("scaling.autoscaling"), name=named("intake"),
        visibility_timeout_seconds=Noted(seconds, "Six times as long as a worker may take, before another one tries."),
        receive_wait_time_seconds=20, **sealed, redrive_policy=redrive, tags=d.tags("intake"),
    )  # fmt: skip
    for name, one in (("this", queue), ("dead_letters", dead)):
        m.resource("aws_sqs_queue_policy", name, "intake", file="intake", queue_url=one.id,
                   policy=document(only_tls("sqs", [one.arn])))  # fmt: skip
    m.output("intake_id", queue.id, "The queue's address.", exported=True)
    m.output("intake_arn", queue.arn, "The queue.")
    m.output("intake_name", queue.name, "The queue's name.")


def _stream(d: Scope) -> None:
    m = d.module
    shards = m.variable(
        "intake_shards", "number", "Shards: each takes a megabyte a second; 0 = none until the site takes over.",
        d.sized("intake", lambda s: s.minimum), why=d.b.why("scaling.capacity"),
        checks=[("var.intake_shards >= 0", "There cannot be fewer shards than none.")],
    )  # fmt: skip
    key = d.key("files")
    stream = m.resource(
        "aws_kinesis_stream", "this", "intake", file="intake", why=d.b.why("scaling.autoscaling"),
        skips={"CKV_AWS_185": PROVIDER_KEYS} if key is None else {},
        count=raw(f"{shards} > 0 ? 1 : 0"), name=named("intake"), shard_count=shards, encryption_type="KMS",
        kms_key_id=key or "alias/aws/kinesis", stream_mode_details=Nested(stream_mode="PROVISIONED"),
        tags=d.tags("intake"),
    )  # fmt: skip
    m.output("intake_id", raw(f"one({stream}[*].name)"), "The stream's name.", exported=True)
    m.output("intake_arn", raw(f"one({stream}[*].arn)"), "The stream.")
    m.output("intake_name", named("intake"), "The stream's name.")
