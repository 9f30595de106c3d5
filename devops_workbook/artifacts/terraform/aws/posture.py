"""Whether everything is configured as it should be: AWS Config and its rules, and Security Hub where the plan has it.

Which rules: the managed ones that check a control which the frameworks ask for (catalog/code/aws.toml); all of them
where no framework is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.facts import code_facts
from devops_workbook.artifacts.terraform.aws.placed import named, tags
from devops_workbook.artifacts.terraform.aws.policies import allow, role, trust
from devops_workbook.artifacts.terraform.hcl import Nested, Noted, Ref, call, raw, template
from devops_workbook.artifacts.terraform.module import Module

__all__ = ["config_rules", "posture"]

_STANDARDS = {
    "pci-dss": "standards/pci-dss/v/4.0.1",
    "nist-800-53-moderate": "standards/nist-800-53/v/5.0.0",
    "fedramp-moderate": "standards/nist-800-53/v/5.0.0",
    "cis": "standards/cis-aws-foundations-benchmark/v/3.0.0",
}
_BASIC = "standards/aws-foundational-security-best-practices/v/1.0.0"


def config_rules(b: Blueprint) -> Iterator[tuple[str, str]]:
    """The managed rules and the control that each of them checks."""
    frameworks = [b.catalog.frameworks[id] for id in b.requirements.compliance]
    asked = {control for f in frameworks for controls in f.requirements.values() for control in controls}
    for id, fact in code_facts("aws")["config_rules"].items():
        if fact["control"] in asked or not asked:
            yield id, fact["control"]


def posture(b: Blueprint, m: Module, logs: Ref) -> None:
    """The recorder, the rules, and the standards."""
    if not b.has("posture"):
        return
    _recorder(b, m, logs)
    m.resource(
        "aws_config_config_rule", "this", "posture", file="posture", why=b.why("security.compliance"),
        for_each=dict(config_rules(b)),
        name=template(raw("var.name"), "-", raw('lower(replace(each.key, "_", "-"))')),
        description=template("Checks the control ", raw("each.value")),
        source=Nested(owner="AWS", source_identifier=raw("each.key")), tags=tags(b, m, "posture"),
        depends_on=[raw("aws_config_configuration_recorder.this")],
    )  # fmt: skip
    if b.component("posture").service == "security-hub":
        _hub(b, m)


def _recorder(b: Blueprint, m: Module, logs: Ref) -> None:
    prefix = template(logs.arn, "/config/AWSLogs/", raw("data.aws_caller_identity.current.account_id"), "/*")
    recorder = role(
        m, "config", "posture", named("config"), trust("config.amazonaws.com"),
        allow("aws-config", "deliver", prefix), allow("aws-config", "look", logs.arn),
        file="posture", tags=tags(b, m, "posture"),
    )  # fmt: skip
    m.resource("aws_iam_role_policy_attachment", "config", "posture", file="posture", role=recorder.name,
               policy_arn="arn:aws:iam::aws:policy/service-role/AWS_ConfigRole")  # fmt: skip
    recorded = m.resource(
        "aws_config_configuration_recorder", "this", "posture", file="posture", name=named("recorder"),
        role_arn=recorder.arn,
        recording_group=Nested(all_supported=True, include_global_resource_types=Noted(
            True, "Roles and users too, at every site: the record of one is whole when the other is lost.")),
    )  # fmt: skip
    channel = m.resource(
        "aws_config_delivery_channel", "this", "posture", file="posture", name=named("recorder"),
        s3_bucket_name=logs.id, s3_key_prefix="config", depends_on=[raw(str(recorded))],
    )  # fmt: skip
    m.resource(
        "aws_config_configuration_recorder_status", "this", "posture", file="posture", name=recorded.name,
        is_enabled=True, depends_on=[raw(str(channel))],
    )  # fmt: skip


def _hub(b: Blueprint, m: Module) -> None:
    hub = m.resource("aws_securityhub_account", "this", "posture", file="posture", enable_default_standards=False,
                     auto_enable_controls=True)  # fmt: skip
    wanted = dict.fromkeys([_BASIC, *(_STANDARDS[f] for f in b.requirements.compliance if f in _STANDARDS)])
    m.resource(
        "aws_securityhub_standards_subscription", "this", "posture", file="posture",
        for_each=call("toset", list(wanted)),
        standards_arn=template("arn:aws:securityhub:", raw("data.aws_region.current.name"), "::", raw("each.value")),
        depends_on=[raw(str(hub))],
    )  # fmt: skip
