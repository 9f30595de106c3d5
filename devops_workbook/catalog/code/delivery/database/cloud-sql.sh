#!/usr/bin/env bash
# A clone of the instance as it was five minutes ago, which is taken away again.
set -euo pipefail

restored() {
    # Not local: what takes the copy away runs when the script ends.
    clone="$PREFIX-restore-$(date +%s)"
    trap 'gcloud sql instances delete "$clone" --project "$PROJECT" --quiet' EXIT
    gcloud sql instances clone "$DATABASE" "$clone" --project "$PROJECT" \
        --point-in-time "$(date --utc --date '5 minutes ago' +%Y-%m-%dT%H:%M:%SZ)"
    gcloud sql databases list --instance "$clone" --project "$PROJECT" --format 'value(name)' | grep --quiet --line-regexp app
}
