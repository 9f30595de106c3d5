#!/usr/bin/env bash
# AWS Backup restores the newest copy by itself on its own calendar and takes it away; this reads how that went.
set -euo pipefail

restored() {
    local job
    job="$(aws backup list-restore-jobs --region "${REGIONS%% *}" --output json |
        jq -c '[.RestoreJobs[] | select(.CreatedBy.RestoreTestingPlanArn)] | max_by(.CreationDate) // empty')"
    if [ -z "$job" ]; then
        echo "AWS Backup has tested no restore yet." >&2
        return 1
    fi
    echo "$job"
    [ "$(jq -r .Status <<<"$job")" = COMPLETED ]
    # The clock of the plan is the restore's.
    SECONDS="$(jq -r '(.CompletionDate | sub("\\.[0-9]+"; "") | fromdateiso8601? // .) as $end
        | (.CreationDate | sub("\\.[0-9]+"; "") | fromdateiso8601? // .) as $begin | ($end - $begin) | floor' <<<"$job")"
}
