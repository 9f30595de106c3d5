#!/usr/bin/env bash
# Proves that the data can be restored, and in what time: delivery/restore-test.sh ENVIRONMENT
# The copy is made beside the database, looked at, and taken away. Fails when it takes longer than the plan allows.
# Run it with the tools: delivery/toolbox.sh delivery/restore-test.sh staging
set -euo pipefail
cd "$(dirname "$0")/.."
ENVIRONMENT="${1:?usage: delivery/restore-test.sh ENVIRONMENT}"
. delivery/settings.env
# shellcheck disable=SC1090
. "delivery/$ENVIRONMENT.env"
. delivery/cloud.sh
. delivery/database.sh
mkdir -p reports

sign_in "$IDENTITY" apply
restored
minutes=$(((SECONDS + 59) / 60))
echo "The data of $ENVIRONMENT was restored in $minutes min; the plan allows $RESTORE_MINUTES." | tee reports/restore.txt
[ "$minutes" -le "$RESTORE_MINUTES" ]
