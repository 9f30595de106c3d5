"""Buckets of Amazon S3: private, encrypted, versioned, closed to the public, and owned by who pays for them.

A bucket is one resource and its settings are others, each of which stands in the bucket's region.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["bucket", "expiry"]

_UPLOAD_DAYS = 7


def bucket(
    m: Module, name: str, component: str, title: Any, key: Ref | None, *, file: str, skips: Mapping[str, str],
    provider: Mapping[str, Any] | None = None, **more: Any,
) -> tuple[Ref, Ref]:  # fmt: skip
    """A bucket with its settings; gives it and its versioning. key: that encrypts what is in it, None = S3's own;
    provider: {"provider": ...} where it stands in another region than the module; more: of the bucket itself."""
    there: Mapping[str, Any] = provider or {}
    made = m.resource("aws_s3_bucket", name, component, file=file, skips=skips, **there, bucket=title, **more)
    settings: dict[str, dict[str, Any]] = {
        "public_access_block": dict.fromkeys(
            ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True),
        "ownership_controls": {"rule": Nested(object_ownership="BucketOwnerEnforced")},
        "server_side_encryption_configuration": {"rule": _encryption(key)},
        "notification": {
            "eventbridge": Noted(True, "A rule can act on what comes and goes; where there is none it costs nothing."),
        },
    }  # fmt: skip
    for setting, body in settings.items():
        m.resource(f"aws_s3_bucket_{setting}", name, component, file=file, **there, bucket=made.id, **body)
    versions = m.resource("aws_s3_bucket_versioning", name, component, file=file, **there, bucket=made.id,
                          versioning_configuration=Nested(status="Enabled"))  # fmt: skip
    return made, versions


def _encryption(key: Ref | None) -> Nested:
    if key is None:
        return Nested(apply_server_side_encryption_by_default=Nested(sse_algorithm="AES256"))
    by_key = Nested(sse_algorithm="aws:kms", kms_master_key_id=key)
    return Nested(apply_server_side_encryption_by_default=by_key, bucket_key_enabled=True)


def expiry(m: Module, name: str, component: str, bucket_id: Ref, days: Any, *, file: str) -> None:
    """Objects go after so many days, and what is left of uploads that failed after a week."""
    m.resource(
        "aws_s3_bucket_lifecycle_configuration", name, component, file=file, bucket=bucket_id,
        rule=Nested(
            id="expire", status="Enabled", filter=Nested(), expiration=Nested(days=days),
            noncurrent_version_expiration=Nested(noncurrent_days=1),
            abort_incomplete_multipart_upload=Nested(days_after_initiation=_UPLOAD_DAYS),
        ),
    )  # fmt: skip
