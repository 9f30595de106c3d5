#!/usr/bin/env bash
# The cluster as it was ten minutes ago, beside itself, and taken away again.
set -euo pipefail

restored() {
    # Not local: what takes the copy away runs when the script ends.
    region="${REGIONS%% *}"
    copy="$PREFIX-restore-$(date +%s)"
    trap 'gcloud alloydb clusters delete "$copy" --project "$PROJECT" --region "$region" --force --quiet' EXIT
    gcloud alloydb clusters restore "$copy" --project "$PROJECT" --region "$region" --source-cluster "$DATABASE" \
        --point-in-time "$(date --utc --date '10 minutes ago' +%Y-%m-%dT%H:%M:%SZ)"
    [ "$(gcloud alloydb clusters describe "$copy" --project "$PROJECT" --region "$region" --format 'value(state)')" = READY ]
}
