#!/usr/bin/env bash
# How Container Apps is released to: a revision without traffic, which takes it in the steps of the plan.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

name_in() { if [ "$1" = "${RESOURCE_GROUPS%% *}" ]; then echo "$PREFIX-app"; else echo "$PREFIX-app-2"; fi; }

running() {
    local group="${RESOURCE_GROUPS%% *}"
    az containerapp show --name "$(name_in "$group")" --resource-group "$group" \
        --query 'properties.template.containers[0].image' --output tsv
}

# A region after the other, so that a fault meets one.
release() {
    local group app before revision share told end
    for group in $RESOURCE_GROUPS; do
        again
        app="$(name_in "$group")"
        end=$((SECONDS + ROLLOUT_SECONDS))
        before="$(az containerapp show --name "$app" --resource-group "$group" \
            --query properties.latestReadyRevisionName --output tsv)"
        # Traffic stays where it is while the new revision starts.
        if [ -n "$INGRESS" ]; then
            az containerapp ingress traffic set --name "$app" --resource-group "$group" --revision-weight "$before=100" \
                --output none
        fi
        revision="$(az containerapp update --name "$app" --resource-group "$group" --image "$1" \
            --revision-suffix "r$(date +%s)" --query properties.latestRevisionName --output tsv)"
        until [ "$(az containerapp revision show --name "$app" --resource-group "$group" --revision "$revision" \
            --query properties.healthState --output tsv)" = Healthy ]; do
            if [ "$SECONDS" -ge "$end" ]; then
                echo "$revision is not healthy after $ROLLOUT_SECONDS seconds." >&2
                return 1
            fi
            sleep 10
        done
        for share in $SHARES; do
            [ -n "$INGRESS" ] || break
            if [ "$share" -lt 100 ]; then set -- "$1" "$before=$((100 - share))"; else set -- "$1"; fi
            az containerapp ingress traffic set --name "$app" --resource-group "$group" --output none \
                --revision-weight "$revision=$share" "${@:2}"
            if [ "$share" -lt 100 ]; then sleep "$STEP_SECONDS"; fi
            told="$(firing)"
            if [ -n "$told" ] && [ -n "$WATCHED" ]; then
                echo "At $share %: $told" >&2
                return 1
            fi
        done
        if [ "$before" != "$revision" ]; then
            az containerapp revision deactivate --name "$app" --resource-group "$group" --revision "$before"
        fi
    done
}
