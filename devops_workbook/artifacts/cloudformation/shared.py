"""What exists once: the bucket for templates in each region and account, the registry, and the pipeline's identity.

The pipeline holds no key. Its platform vouches for each run with a signed token; AWS gives the run a role by what the
token says: any branch may plan, the main branch may push an image, and an environment is changed only by a run for that
environment. Those roles, in the delivery account, take the role of the same kind in the environment's account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devops_workbook.artifacts.blueprint import Blueprint
from devops_workbook.artifacts.branches import branches_to, built_branches
from devops_workbook.artifacts.cloudformation.common import (
    NOT_TOLD,
    allow,
    assured,
    bucket,
    delivery_account,
    repository,
    unlocked,
)
from devops_workbook.artifacts.cloudformation.foundation import data_key
from devops_workbook.artifacts.cloudformation.template import (
    ACCOUNT,
    PARTITION,
    REGION,
    Resource,
    Template,
    policy,
    statement,
    sub,
)
from devops_workbook.artifacts.names import SHORT
from devops_workbook.artifacts.yaml import Noted

__all__ = ["account", "bootstrap", "shared"]

_AUDIENCE = "sts.amazonaws.com"
_ISSUERS = {"github-actions": "token.actions.githubusercontent.com", "gitlab-ci": "gitlab.com"}


# --- once an account and region --------------------------------------------------------------------------


def bootstrap() -> Template:
    """The bucket that templates are uploaded to: the first stack of every account and region."""
    t = Template(
        "bootstrap",
        "The bucket that templates are uploaded to.",
        ("The first stack of every account and region: templates are uploaded here before they are deployed.",),
    )
    held = bucket(
        t,
        "Templates",
        "identity",
        sub(t.name_parameter, "-templates-", ACCOUNT, "-", REGION),
        None,
        why="CloudFormation reads templates from here; they hold no secret.",
        skips={
            "CKV_AWS_18": "it is there before the bucket that access is logged to, and the audit trail sees who writes"
        },
        LifecycleConfiguration={
            "Rules": [
                {"Id": "old-templates", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 365}}
            ]
        },
    )
    t.output("Bucket", held, "Where templates are uploaded to.", exported=True)
    return t


# --- once an environment's account -----------------------------------------------------------------------


def account(b: Blueprint) -> Template:
    """The roles that the pipeline takes in the account of an environment."""
    t = Template(
        "account",
        "Roles of the pipeline in the account of an environment.",
        ("The roles that the pipeline takes in this account. People sign in through the company's directory.",),
    )
    delivery = delivery_account(t)
    stacks = sub("arn:", PARTITION, ":cloudformation:*:", ACCOUNT, ":stack/", t.name_parameter, "-*/*")
    executes = t.resource(
        "ExecutionRole",
        "AWS::IAM::Role",
        "identity",
        why="CloudFormation works under it, and nobody else can take it.",
        RoleName=sub(t.name_parameter, "-cloudformation"),
        AssumeRolePolicyDocument=policy(
            statement(
                ["sts:AssumeRole"],
                None,
                Principal={"Service": "cloudformation.amazonaws.com"},
                Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            )
        ),
        ManagedPolicyArns=[sub("arn:", PARTITION, ":iam::aws:policy/PowerUserAccess")],
        Policies=[{"PolicyName": "roles", "PolicyDocument": policy(*_own_roles(t))}],
    )
    for what, why, actions in _ROLES:
        statements = [statement(actions, stacks)]
        uploads = sub("arn:", PARTITION, ":s3:::", t.name_parameter, "-templates-", ACCOUNT, "-*")
        statements += [
            statement(
                ["iam:PassRole"],
                executes.arn,
                Sid="Pass",
                Condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
            ),
            statement(["s3:GetObject", "s3:PutObject"], sub(uploads, "/*"), Sid="Templates"),
            statement(["s3:GetBucketLocation", "s3:ListBucket"], uploads, Sid="Bucket"),
            allow("cloudwatch", "watch", sub("arn:", PARTITION, ":cloudwatch:*:", ACCOUNT, ":alarm:*")),
            statement(
                [
                    "cloudformation:GetTemplateSummary",
                    "cloudformation:ValidateTemplate",
                    "ec2:DescribeManagedPrefixLists",
                ],
                Noted("*", "A template that is not deployed yet, or a list of AWS, cannot be named."),
                Sid="Look",
            ),
            statement(["ssm:GetParameter"], sub("arn:", PARTITION, ":ssm:*::parameter/aws/service/*"), Sid="Images"),
        ]
        trusted = sub("arn:", PARTITION, ":iam::", delivery, f":role/{b.names.system}-{what}")
        t.resource(
            f"{what.capitalize()}Role",
            "AWS::IAM::Role",
            "identity",
            why=why,
            RoleName=sub(t.name_parameter, f"-{what}"),
            MaxSessionDuration=3600,
            AssumeRolePolicyDocument=policy(
                statement(
                    ["sts:AssumeRole"],
                    None,
                    Principal={"AWS": sub("arn:", PARTITION, ":iam::", delivery, ":root")},
                    Condition={"ArnLike": {"aws:PrincipalArn": sub(trusted, "*")}},
                )
            ),
            Policies=[{"PolicyName": "use", "PolicyDocument": policy(*statements)}],
        )
    return t


_ROLES = (
    (
        "plan",
        "It makes change sets, which tell what would change, and reads what is there.",
        [
            "cloudformation:CreateChangeSet",
            "cloudformation:DeleteChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStacks",
            "cloudformation:DetectStackDrift",
            "cloudformation:GetTemplate",
        ],
    ),
    (
        "release",
        "It deploys the stacks of this environment, through the role of CloudFormation and in no other way.",
        [
            "cloudformation:CreateChangeSet",
            "cloudformation:CreateStack",
            "cloudformation:DeleteChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStackResource",
            "cloudformation:DescribeStackResources",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:GetTemplate",
            "cloudformation:UpdateStack",
            "cloudformation:UpdateTerminationProtection",
        ],
    ),
)


def _own_roles(t: Template) -> Sequence[Mapping[str, Any]]:
    """Roles of this environment's stacks, by the names that CloudFormation and the templates give them."""
    named = [
        sub("arn:", PARTITION, ":iam::", ACCOUNT, f":{kind}/", t.name_parameter, "-*")
        for kind in ("role", "instance-profile")
    ]
    linked = sub("arn:", PARTITION, ":iam::", ACCOUNT, ":role/aws-service-role/*")
    manage = [
        "iam:AddRoleToInstanceProfile", "iam:AttachRolePolicy", "iam:CreateInstanceProfile", "iam:CreateRole",
        "iam:DeleteInstanceProfile", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
        "iam:GetInstanceProfile", "iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy",
        "iam:RemoveRoleFromInstanceProfile", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
    ]  # fmt: skip
    return [
        statement(manage, named, Sid="Manage"),
        statement(["iam:PassRole"], named[:1], Sid="Pass"),
        statement(["iam:CreateServiceLinkedRole"], linked, Sid="Link"),
    ]


# --- once for all environments ---------------------------------------------------------------------------


def shared(b: Blueprint) -> Template:
    """Registry and pipeline identity, in the delivery account."""
    t = Template("shared", "Registry of the images and identity of the pipeline.",
                 ("What all environments share, in the delivery account.",))  # fmt: skip
    accounts = {
        e: t.parameter(f"{e.capitalize()}Account", "String", f"The AWS account of {e}.", "123456789012",
                       why=f"{NOT_TOLD} every environment has an account of its own.", pattern="^[0-9]{12}$")
        for e in SHORT
    }  # fmt: skip
    images = _registry(t, b, accounts) if b.has("registry") else None
    _pipeline(t, b, images, accounts)
    return t


def _registry(t: Template, b: Blueprint, accounts: Mapping[str, Any]) -> Resource:
    own = data_key(t, b, "ImageKey", "registry").arn if assured(b) else None
    kept = int(b.catalog.assumptions["images_kept"].value or 0)
    rules = (
        f'{{"rules": [{{"rulePriority": 1, "description": "Keep the last {kept} images", "selection": {{"tagStatus": '
        f'"any", "countType": "imageCountMoreThan", "countNumber": {kept}}}, "action": {{"type": "expire"}}}}]}}'
    )
    pull = {k: v for k, v in allow("ecr", "pull", "").items() if k != "Resource"}
    roots = [sub("arn:", PARTITION, ":iam::", a, ":root") for a in accounts.values()]
    statements: list[dict[str, Any]] = [{**pull, "Sid": "Environments", "Principal": {"AWS": roots}}]
    if b.component("compute").service == "lambda":
        functions = [sub("arn:", PARTITION, ":lambda:*:", a, ":function:*") for a in accounts.values()]
        statements.append({**pull, "Sid": "Functions", "Principal": {"Service": "lambda.amazonaws.com"},
                           "Condition": {"StringLike": {"aws:SourceArn": functions}}})  # fmt: skip
    images = t.resource(
        "Images",
        "AWS::ECR::Repository",
        "registry",
        why=b.why("cicd.artifacts"),
        keep="Retain",
        skips=unlocked(own, "CKV_AWS_136"),
        RepositoryName=b.names.system,
        ImageTagMutability=Noted("IMMUTABLE", "A tag means one image for ever."),
        ImageScanningConfiguration={"ScanOnPush": True},
        EncryptionConfiguration={"EncryptionType": "KMS", "KmsKey": own}
        if own is not None
        else {"EncryptionType": "AES256"},
        LifecyclePolicy={"LifecyclePolicyText": rules},
        RepositoryPolicyText=policy(*statements),
    )
    if len(b.sites) > 1:
        t.resource(
            "ImageCopies", "AWS::ECR::ReplicationConfiguration", "registry",
            why="The images are in the second region too, when the first is lost.",
            ReplicationConfiguration={"Rules": [{
                "Destinations": [{"Region": b.sites[1].region.id, "RegistryId": ACCOUNT}],
                "RepositoryFilters": [{"Filter": b.names.system, "FilterType": "PREFIX_MATCH"}]}]},
        )  # fmt: skip
    t.output("RepositoryUri", images.att("RepositoryUri"), "Where the pipeline pushes images.", exported=True)
    return images


def _pipeline(t: Template, b: Blueprint, images: Resource | None, accounts: Mapping[str, Any]) -> None:
    kind = b.choice("cicd.platform")
    issuer = _issuer(t, b, kind)
    provider = t.resource(
        "Provider", "AWS::IAM::OIDCProvider", "identity", why=b.why("cicd.platform"), Url=sub("https://", issuer),
        ClientIdList=[_AUDIENCE],
    )  # fmt: skip
    plans = [_takes(b, accounts, "plan", *SHORT)]
    _role(t, b, "plan", provider, issuer, _said(t, kind, "plan", b), plans)
    if images is not None:
        pushes = [allow("ecr", "push", images.arn), allow("ecr", "login")]
        _role(t, b, "build", provider, issuer, _said(t, kind, "build", b), pushes)
    for environment, short in SHORT.items():
        takes = [_takes(b, accounts, "release", environment)]
        _role(t, b, f"release-{short}", provider, issuer, _said(t, kind, environment, b), takes)


def _issuer(t: Template, b: Blueprint, kind: str) -> Any:
    """The address of who vouches, without https://."""
    if kind in _ISSUERS and b.requirements.source_host != "self-hosted":
        return _ISSUERS[kind]
    value = "ci.example.com/oidc" if kind == "jenkins" else "git.example.com"
    return t.parameter(
        "Issuer",
        "String",
        "Address of the server that vouches for pipelines, without https://.",
        value,
        why=f"{NOT_TOLD} AWS must reach its keys over the internet.",
        pattern="^[a-z0-9./-]+$",
    )


def _said(t: Template, kind: str, run: str, b: Blueprint) -> list[Any]:
    """What a token says of a run: "plan", "build", or an environment that is released."""
    if kind == "jenkins":
        jobs = {"plan": ["plan/job/*", "scheduled"], "build": ["build"]}.get(run) or [f"release-{SHORT[run]}"]
        return [f"*/job/{b.names.system}-{job}/" for job in jobs]
    held = t.parameter("Repository", "String", "The repository whose pipelines may work here.", repository(b),
                       why=f"{NOT_TOLD} owner/name, or group/project.", pattern="^[A-Za-z0-9._/-]+$")  # fmt: skip
    branches = {"plan": ("*",), "build": built_branches(b)}.get(run) or branches_to(b, run)
    if kind == "gitlab-ci":
        return [sub("project_path:", held, f":ref_type:branch:ref:{branch}") for branch in branches]
    if run in ("plan", "build"):
        any_change = [sub("repo:", held, ":pull_request")] if run == "plan" else []
        return [*any_change, *(sub("repo:", held, f":ref:refs/heads/{branch}") for branch in branches)]
    return [sub("repo:", held, f":environment:{run}")]


def _takes(b: Blueprint, accounts: Mapping[str, Any], what: str, *environments: str) -> dict[str, Any]:
    roles = [sub("arn:", PARTITION, ":iam::", accounts[e], f":role/{b.names.of(e)}-{what}") for e in environments]
    return statement(["sts:AssumeRole"], roles)


def _role(
    t: Template, b: Blueprint, what: str, provider: Resource, issuer: Any, said: list[Any], statements: list[Any]
) -> None:  # fmt: skip
    """A role for runs. What a token says stands under the issuer's own name, which is known when the stack is made:
    where it is a parameter, the statement is put together as text."""
    title = "".join(part.capitalize() for part in what.split("-"))
    trust: Any
    if isinstance(issuer, str):
        trust = policy(
            statement(
                ["sts:AssumeRoleWithWebIdentity"],
                None,
                Principal={"Federated": provider.arn},
                Condition={"StringEquals": {f"{issuer}:aud": _AUDIENCE}, "StringLike": {f"{issuer}:sub": said}},
            )
        )
    else:
        shown: list[Any] = []
        for i, one in enumerate(said):
            shown += [', "' if i else '"', one, '"']
        trust = sub(
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", '
            '"Principal": {"Federated": "',
            provider.arn,
            '"}, "Condition": {"StringEquals": {"',
            issuer,
            f':aud": "{_AUDIENCE}"}}, "StringLike": {{"',
            issuer,
            ':sub": [',
            *shown,
            "]}}}]}",
        )
    t.resource(
        f"{title}Role",
        "AWS::IAM::Role",
        "identity",
        RoleName=f"{b.names.system}-{what}",
        MaxSessionDuration=3600,
        AssumeRolePolicyDocument=trust,
        Policies=[{"PolicyName": "use", "PolicyDocument": policy(*statements)}],
    )
