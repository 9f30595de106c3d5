#!/usr/bin/env bash
# Plans or applies the infrastructure of an environment: delivery/infrastructure.sh plan | apply ENVIRONMENT
# Run it with the tools: delivery/toolbox.sh delivery/infrastructure.sh plan production
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: delivery/infrastructure.sh plan | apply ENVIRONMENT"
what="${1:?$usage}"
ENVIRONMENT="${2:?$usage}"
. delivery/settings.env
# shellcheck disable=SC1090
. "delivery/$ENVIRONMENT.env"
. delivery/cloud.sh
mkdir -p reports
# What the pipeline may not do itself, CloudFormation does under a role that nobody else can take.
export ROLE_ARN="arn:aws:iam::$ACCOUNT:role/$PREFIX-cloudformation"

# What the environment costs in the plan of the design.
told() {
    jq -r --arg environment "$ENVIRONMENT" '.[$environment]
        | "## \($environment)", "", "Planned: \(.total) USD a month, budget \(.budget)."' delivery/costs.json |
        tee reports/plan.md
}

checkov --directory infrastructure/templates --framework cloudformation --compact --quiet
case "$what" in
plan)
    sign_in plan
    told
    PLAN=1 infrastructure/deploy.sh "$ENVIRONMENT"
    ;;
apply)
    sign_in "$IDENTITY" apply
    told
    infrastructure/deploy.sh "$ENVIRONMENT"
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
