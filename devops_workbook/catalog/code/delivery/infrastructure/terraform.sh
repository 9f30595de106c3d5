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
folder="infrastructure/environments/$ENVIRONMENT"
mkdir -p reports

terraform_here() { terraform -chdir="$folder" "$@"; }

planned() {
    terraform_here init -input=false
    terraform_here plan -input=false -out=plan.bin ${IMAGE_TAG:+"-var=image_tag=$IMAGE_TAG"}
    terraform_here show -json plan.bin >reports/plan.json
    checkov --file reports/plan.json --repo-root-for-plan-enrichment infrastructure --compact --quiet
}

# What the change touches, and what that costs in the plan of the design.
told() {
    jq -r --slurpfile costs delivery/costs.json --arg environment "$ENVIRONMENT" '
        $costs[0][$environment] as $planned
        | [.resource_changes[] | select(.change.actions != ["no-op"] and .change.actions != ["read"])] as $changes
        | [$changes[] | (.change.after // .change.before) | (.tags // .labels // {}).component? // empty] | unique as $parts
        | "## \($environment)", "",
          "\($changes | length) resources change. Planned: \($planned.total) USD a month, budget \($planned.budget).", "",
          ($parts[] | "- `\(.)`: \($planned.components[.] // "no") USD a month planned")' \
        reports/plan.json | tee reports/plan.md
}

case "$what" in
plan)
    sign_in plan
    planned
    told
    ;;
apply)
    sign_in "$IDENTITY" apply
    planned
    told
    terraform_here apply -input=false plan.bin
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
