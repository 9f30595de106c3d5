"""The emulator of AWS answers the real provider: everything it was mended for, cycled once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clouds import aws
from tests.clouds.cycle import Account, run
from tests.clouds.terraform import Scratch
from tests.clouds.tools import HOME

needs = pytest.mark.needs("terraform", "terraform-provider-aws", "moto")
FIXTURE = Path(__file__).with_name("fixtures") / "emulator"
# Mended too, but not in the fixture: the provider waits for these, and designs that `make verify` cycles have them.
ELSEWHERE = {
    "aws_apigatewayv2_domain_name", "aws_autoscaling_policy", "aws_cloudfront_distribution", "aws_db_instance",
    "aws_db_parameter_group", "aws_dynamodb_table_replica", "aws_ecs_service", "aws_eks_access_entry",
    "aws_eks_access_policy_association", "aws_eks_addon", "aws_eks_cluster", "aws_eks_node_group",
    "aws_eks_pod_identity_association", "aws_route53_health_check",
    "aws_elasticache_cluster", "aws_elasticache_parameter_group", "aws_elasticache_replication_group",
    "aws_elasticache_subnet_group", "aws_elasticache_user_group", "aws_instance", "aws_lambda_event_source_mapping",
    "aws_lambda_function", "aws_rds_cluster", "aws_route53_zone", "aws_s3_bucket_notification", "aws_synthetics_canary",
    "aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule",
    "data.aws_cloudfront_response_headers_policy",
}  # fmt: skip


def cycled(tmp_path: Path, **roots: str) -> Account:
    """What becomes of configurations, each in a root of its own, on one emulator."""
    for root, text in roots.items():
        folder = tmp_path / "infrastructure" / root
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(text, encoding="utf-8")
    assert aws.used_by(tmp_path / "infrastructure")
    with aws.emulator(tmp_path / "emulator.log") as environment:
        scratch = Scratch.of(tmp_path / "infrastructure", tmp_path / "work", environment)
        return run(scratch, dict.fromkeys(scratch.roots, "destroy"))


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return cycled(tmp_path_factory.mktemp("emulator"), dev=(FIXTURE / "main.tf").read_text(encoding="utf-8"))


@needs
@pytest.mark.cycle
def test_what_the_emulator_was_mended_for_lives_its_life(account: Account) -> None:
    assert account.failures == []
    assert account.excused == []
    assert account.count("plan") == account.count("apply") == account.count("destroy")
    assert account.count("again") == 0


@needs
@pytest.mark.cycle
def test_everything_that_was_mended_is_met_somewhere(account: Account) -> None:
    script = (
        "import json, pathlib, importlib\n"
        "from tests.clouds.emulator import answers\n"
        "for p in sorted(pathlib.Path('tests/clouds/emulator').glob('[a-z]*.py')):\n"
        "    importlib.import_module(f'tests.clouds.emulator.{p.stem}')\n"
        "print(json.dumps({k: sorted(v) for k, v in answers.FOR.items()}))\n"
    )
    done = subprocess.run([str(HOME / "tools" / "bin" / "python"), "-B", "-c", script], cwd=aws.ROOT,
                          capture_output=True, text=True, check=True)  # fmt: skip
    mended = json.loads(done.stdout.splitlines()[-1])
    stacks = {for_ for for_ in mended if for_ == "stacks" or for_.startswith("AWS::")}  # see test_stacks.py
    assert mended.keys() - account.types("apply") - stacks == ELSEWHERE


LOGS = """\
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "orders"
  retention_in_days = 30
}
"""
TWICE = LOGS.partition("resource")[2].replace('"this"', '"other"')
WRONG = {  # root -> what is written instead of the days, and the step that fails
    "an_attribute_there_is_not": ("retention_in_weeks = 4", "validate"),
    "a_value_there_is_not": ("retention_in_days = 31", "validate"),
    "what_the_service_refuses": (f"retention_in_days = 30\n}}\n\nresource{TWICE}".removesuffix("\n}\n"), "apply"),
    "drift": ("retention_in_days = 30\n\n  tags = {\n    at = timestamp()\n  }", "again"),
}


@needs
def test_what_is_gone_is_refused_a_second_time() -> None:
    script = (
        "from tests.clouds.emulator.answers import Kept, Refused\n"
        "kept = Kept('The monitor', 'UnknownMonitorException')\n"
        "kept['', 'a'] = kept['', 'b'] = 1\n"
        "del kept['', 'a']\n"
        "assert kept.take(('', 'b')) == 1\n"
        "for again in (lambda: kept.__delitem__(('', 'a')), lambda: kept.take(('', 'b'))):\n"
        "    try:\n"
        "        again()\n"
        "    except Refused as refused:\n"
        "        print(refused.code)\n"
    )
    done = subprocess.run([str(HOME / "tools" / "bin" / "python"), "-B", "-c", script], cwd=aws.ROOT,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.split() == ["UnknownMonitorException"] * 2


@needs
@pytest.mark.cycle
def test_the_provider_and_the_emulator_refuse_what_is_wrong(tmp_path: Path) -> None:
    texts = {root: LOGS.replace("retention_in_days = 30", new).replace('"orders"', f'"{root}"')
             for root, (new, _) in WRONG.items()}  # fmt: skip
    account = cycled(tmp_path, **texts)
    found = {(root, step) for root, step, _ in account.failures if step != "fmt"}
    assert found == {(root, step) for root, (_, step) in WRONG.items()}, account.failures


@pytest.mark.needs("moto")
def test_every_emulator_has_a_port_of_its_own(tmp_path: Path) -> None:
    with aws.emulator(tmp_path / "log") as one, aws.emulator(tmp_path / "other") as other:
        assert one["AWS_ENDPOINT_URL"] != other["AWS_ENDPOINT_URL"]
        assert one["HTTPS_PROXY"] == one["AWS_ENDPOINT_URL"]
