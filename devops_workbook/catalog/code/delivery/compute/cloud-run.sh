#!/usr/bin/env bash
# How Cloud Run is released to: a revision without traffic, which takes it in the steps of the plan.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

name_in() { if [ "$1" = "${REGIONS%% *}" ]; then echo "$PREFIX-service"; else echo "$PREFIX-service-2"; fi; }

# The revision that answers, and its image.
answering() {
    gcloud run services describe "$(name_in "$1")" --project "$PROJECT" --region "$1" --format json |
        jq -r '.status.traffic | max_by(.percent // 0) | .revisionName // empty'
}

running() {
    local region="${REGIONS%% *}" revision
    revision="$(answering "$region")"
    [ -z "$revision" ] || gcloud run revisions describe "$revision" --project "$PROJECT" --region "$region" \
        --format 'value(spec.containers[0].image)'
}

# A region after the other, so that a fault meets one.
release() {
    local region service revision share told
    for region in $REGIONS; do
        again
        service="$(name_in "$region")"
        gcloud run deploy "$service" --quiet --project "$PROJECT" --region "$region" --image "$1" --no-traffic
        revision="$(gcloud run services describe "$service" --project "$PROJECT" --region "$region" \
            --format 'value(status.latestCreatedRevisionName)')"
        for share in $SHARES; do
            gcloud run services update-traffic "$service" --quiet --project "$PROJECT" --region "$region" \
                --to-revisions "$revision=$share"
            if [ "$share" -lt 100 ]; then sleep "$STEP_SECONDS"; fi
            told="$(firing)"
            if [ -n "$told" ] && [ -n "$WATCHED" ]; then
                echo "At $share %: $told" >&2
                return 1
            fi
        done
    done
}
