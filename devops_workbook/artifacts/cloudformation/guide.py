"""How the stacks are deployed: a script that does it in order, and a page that says what it does."""

from __future__ import annotations

from collections.abc import Iterator

from devops_workbook.artifacts.blueprint import FOLDERS, Blueprint
from devops_workbook.artifacts.cloudformation.stacks import ROOT, Stack, given_to, parameters_of
from devops_workbook.artifacts.model import Artifact
from devops_workbook.render.markdown import escape, join, table

__all__ = ["guide"]


def guide(b: Blueprint, stacks: tuple[Stack, ...], to_set: tuple[tuple[str, str], ...]) -> Iterator[Artifact]:
    """README.md and deploy.sh."""
    yield Artifact(f"{ROOT}/README.md", _readme(stacks, to_set))
    yield Artifact(f"{ROOT}/deploy.sh", _script(b, stacks), executable=True)


# --- the page --------------------------------------------------------------------------------------------


def _readme(stacks: tuple[Stack, ...], to_set: tuple[tuple[str, str], ...]) -> str:
    rows = [
        (
            f"`{s.name}`",
            f"`{'' if s.root == 'bootstrap' else 'templates/'}{s.root}.yaml`",
            s.region,
            _where(s),
            escape(s.title),
        )
        for s in stacks
    ]
    names = {p for s in stacks for p in parameters_of(s)}
    told = [(f"`{name}`", escape(what)) for name, what in to_set if name in names]
    return (
        join(
            "# Infrastructure",
            "CloudFormation templates, a file of parameters and tags for every stack of every "
            "environment, and a script that "
            "deploys them in order. All environments have the same templates; only the files below "
            "`environments/` differ.",
            "Every environment has an AWS account of its own, and `shared` goes to the delivery "
            "account. Sign in to the account "
            "before deploying to it.",
            "## Before the first deployment",
            table(("Parameter", "What it is"), told),
            "Deploy `domain` first and let the parent zone delegate to its name servers (its output `NameServers`): "
            "certificates prove themselves by records in that zone, and wait until it is reached.",
            "## Deploying",
            "```sh\n./deploy.sh shared                    # once, in the delivery account\n"
            "./deploy.sh production                # all stacks of an environment, in order\n"
            "./deploy.sh production site ImageTag=1.4.0   # one stack; a release is a change of ImageTag\n```",
            "The script makes a change set of each stack and executes it; with `PLAN=1` it leaves it to be looked at.",
            "## Stacks, in their order",
            table(("Stack", "Template", "Region", "Environments", "What it is"), rows),
            "`site` is a root that nests the other templates: what one gives, the next takes. Stacks of production and "
            "staging are protected against being deleted, and what holds data is kept when its stack goes.",
            "Drift is told by `aws cloudformation detect-stack-drift`. What scaling and the calendar "
            "change is not stated in "
            "the templates, so that it is no drift.",
        )
        + "\n"
    )


def _where(stack: Stack) -> str:
    if stack.once:
        return "shared"
    return ", ".join(FOLDERS[e] for e, there in stack.present.values.items() if there)


# --- the script ------------------------------------------------------------------------------------------

_HEAD = """#!/usr/bin/env bash
# Deploys the stacks of an environment in order:
#
#   ./deploy.sh ENVIRONMENT [STACK [PARAMETER=VALUE...]]
#
# ENVIRONMENT is a folder below environments/. With PLAN=1 change sets are made and left to be looked at; with ROLE_ARN
# CloudFormation works under that role.
# Needs the AWS CLI (2) and jq, and to be signed in to the account of the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

environment=${1:?"usage: ./deploy.sh ENVIRONMENT [STACK [PARAMETER=VALUE...]]"}
only=${2:-}
shift $(($# < 2 ? $# : 2))
more=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The value of a stack's output; nothing where the environment has no such stack.
output() { # stack region key
  [[ -f environments/$environment/$1.json ]] || return 0
  local value
  value=$(aws cloudformation describe-stacks --stack-name "$prefix-$1" --region "$2" \\
    --query "Stacks[0].Outputs[?OutputKey=='$3'].OutputValue | [0]" --output text)
  if [[ $value == None ]]; then
    echo "The stack $prefix-$1 gives no $3." >&2
    exit 1
  fi
  printf '%s\\n' "$value"
}

exists() { # stack region
  aws cloudformation describe-stacks --stack-name "$prefix-$1" --region "$2" >/dev/null 2>&1
}

# What is looked up once, when a stack is made, and kept from then on.
look_up() { # what region
  case $1 in
  origin-prefix-list)
    aws ec2 describe-managed-prefix-lists --region "$2" --output text --query 'PrefixLists[0].PrefixListId' \\
      --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing
    ;;
  image-*)
    aws ssm get-parameter --region "$2" --output text --query Parameter.Value \\
      --name "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${1#image-}"
    ;;
  esac
}

bootstrapped() { # region
  exists bootstrap "$1" || aws cloudformation deploy --stack-name "$prefix-bootstrap" --region "$1" \\
    --template-file bootstrap.yaml --parameter-overrides "Name=$prefix" >&2
  aws cloudformation describe-stacks --stack-name "$prefix-bootstrap" --region "$1" --output text \\
    --query "Stacks[0].Outputs[?OutputKey=='Bucket'].OutputValue | [0]"
}

deploy() { # stack template region [PARAMETER=VALUE...]
  local stack=$1 template=$2 region=$3 bucket file=environments/$environment/$1.json
  shift 3
  if [[ ! -f $file || (-n $only && $only != "$stack") ]]; then return; fi
  echo "== $prefix-$stack ($region)"
  bucket=$(bootstrapped "$region")
  aws cloudformation package --region "$region" --template-file "templates/$template.yaml" \\
    --s3-bucket "$bucket" --output-template-file "$work/$stack.yaml" >/dev/null
  local values=() tags=() plan=()
  mapfile -t values < <(jq -r '.Parameters | to_entries[] | "\\(.key)=\\(.value)"' "$file")
  mapfile -t tags < <(jq -r '.Tags | to_entries[] | "\\(.key)=\\(.value)"' "$file")
  if [[ -n ${PLAN:-} ]]; then plan=(--no-execute-changeset); fi
  if [[ -n ${ROLE_ARN:-} ]]; then plan+=(--role-arn "$ROLE_ARN"); fi
  aws cloudformation deploy --stack-name "$prefix-$stack" --region "$region" --template-file "$work/$stack.yaml" \\
    --s3-bucket "$bucket" --capabilities CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND --no-fail-on-empty-changeset \\
    "${plan[@]}" --tags "${tags[@]}" --parameter-overrides "${values[@]}" "$@" "${more[@]}"
  if [[ $environment != dev && -z ${PLAN:-} ]]; then
    aws cloudformation update-termination-protection --stack-name "$prefix-$stack" --region "$region" \\
      --enable-termination-protection >/dev/null
  fi
}
"""


def _script(b: Blueprint, stacks: tuple[Stack, ...]) -> str:
    lines = [_HEAD, "case $environment in"]
    lines += [f'{FOLDERS[e]}) prefix="{b.names.of(e)}" ;;' for e in FOLDERS]
    lines += [f'shared) prefix="{b.names.system}" ;;',
              '*) echo "There is no environment $environment; there are: shared, ' + ", ".join(FOLDERS.values())
              + '." >&2; exit 2 ;;', "esac", ""]  # fmt: skip
    regions = {s.name: s.region for s in stacks}
    for stack in stacks:
        if stack.name != "bootstrap":
            lines += [*_command(stack, regions), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _command(stack: Stack, regions: dict[str, str]) -> Iterator[str]:
    given = given_to(stack)
    where = f"{stack.name} {stack.region}"
    yield "given=()"
    looked = {name: g for name, g in given.items() if not g.root}
    stacked = {name: g for name, g in given.items() if g.root}
    inner = [f'given+=("{name}=$(output {g.root} {regions.get(g.root, stack.region)} {g.output})")'
             for name, g in stacked.items()]  # fmt: skip
    found = [f'given+=("{name}=$(look_up {g.output} {stack.region})")' for name, g in looked.items()]
    test = f"-f environments/$environment/{stack.name}.json && (-z $only || $only == {stack.name})"
    if inner or found:
        yield f"if [[ {test} ]]; then"
        yield from (f"  {line}" for line in inner)
        if found:
            yield f"  if ! exists {where}; then"
            yield from (f"    {line}" for line in found)
            yield "  fi"
        yield "fi"
    yield f'deploy {stack.name} {stack.root} {stack.region} "${{given[@]}}"'
