#!/usr/bin/env bash
# The database as it was ten minutes ago, beside itself, and taken away again.
set -euo pipefail

restored() {
    # Not local: what takes the copy away runs when the script ends.
    group="${RESOURCE_GROUPS%% *}"
    copy="restore-$(date +%s)"
    server="$(az sql server list --resource-group "$group" --query '[0].name' --output tsv)"
    trap 'az sql db delete --yes --name "$copy" --server "$server" --resource-group "$group"' EXIT
    az sql db restore --name "$SYSTEM" --dest-name "$copy" --server "$server" --resource-group "$group" \
        --time "$(date --utc --date '10 minutes ago' +%Y-%m-%dT%H:%M:%S)" --output none
    az sql db show --name "$copy" --server "$server" --resource-group "$group" --query status --output tsv |
        grep --quiet --line-regexp Online
}
