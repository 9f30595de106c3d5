#!/usr/bin/env bash
# The account as it was an hour ago, beside itself, and taken away again.
set -euo pipefail

restored() {
    # Not local: what takes the copy away runs when the script ends.
    group="${RESOURCE_GROUPS%% *}"
    account="$(az cosmosdb list --resource-group "$group" --query '[0].name' --output tsv)"
    place="$(az cosmosdb list --resource-group "$group" --query '[0].location' --output tsv)"
    copy="restore-$(date +%s)"
    trap 'az cosmosdb delete --yes --name "$copy" --resource-group "$group"' EXIT
    az cosmosdb restore --resource-group "$group" --account-name "$account" --target-database-account-name "$copy" \
        --location "$place" --restore-timestamp "$(date --utc --date '1 hour ago' +%Y-%m-%dT%H:%M:%SZ)" --output none
    az cosmosdb sql database list --account-name "$copy" --resource-group "$group" --query '[].name' --output tsv |
        grep --quiet .
}
