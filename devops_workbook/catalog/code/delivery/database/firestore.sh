#!/usr/bin/env bash
# The newest backup as a database of its own, which is taken away again.
set -euo pipefail

restored() {
    # Not local: what takes the copy away runs when the script ends.
    copy="restore-$(date +%s)"
    backup="$(gcloud firestore backups list --project "$PROJECT" --format json |
        jq -r '[.[] | select(.state == "READY")] | max_by(.snapshotTime) | .name // empty')"
    if [ -z "$backup" ]; then
        echo "There is no backup that could be restored." >&2
        return 1
    fi
    trap 'gcloud firestore databases delete --database "$copy" --project "$PROJECT" --quiet' EXIT
    gcloud firestore databases restore --project "$PROJECT" --source-backup "$backup" --destination-database "$copy"
    until [ "$(gcloud firestore operations list --project "$PROJECT" --database "$copy" \
        --filter 'done=false' --format 'value(name)' | wc -l)" -eq 0 ]; do
        sleep 30
    done
}
