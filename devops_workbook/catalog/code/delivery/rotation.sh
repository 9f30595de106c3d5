#!/usr/bin/env bash
# Tells which secrets of an environment are older than the plan allows: delivery/rotation.sh ENVIRONMENT
# Fails when there is one, so that whoever watches the schedule hears of it.
# Run it with the tools: delivery/toolbox.sh delivery/rotation.sh production
set -euo pipefail
cd "$(dirname "$0")/.."
ENVIRONMENT="${1:?usage: delivery/rotation.sh ENVIRONMENT}"
. delivery/settings.env
# shellcheck disable=SC1090
. "delivery/$ENVIRONMENT.env"
. delivery/cloud.sh
mkdir -p reports

sign_in plan
secrets | while read -r name changed; do
    age=$((($(date +%s) - $(date --date "$changed" +%s)) / 86400))
    if [ "$age" -gt "$SECRET_DAYS" ]; then
        echo "$name was changed $age days ago; the plan allows $SECRET_DAYS. See docs/operations/credentials.md"
    fi
done | tee reports/rotation.txt
[ ! -s reports/rotation.txt ]
