#!/usr/bin/env bash
# Writes the record of a change for whoever audits it: delivery/change.sh ENVIRONMENT REFERENCE
# Kept with the reports of the run. Who approves is recorded by the platform, which lets nobody approve alone.
# Run it with the tools: delivery/toolbox.sh delivery/change.sh production REGISTRY/NAME@sha256:...
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: delivery/change.sh ENVIRONMENT REFERENCE"
ENVIRONMENT="${1:?$usage}"
image="${2:?$usage}"
mkdir -p reports
jq -n --arg environment "$ENVIRONMENT" --arg image "$image" --arg commit "$(git rev-parse HEAD)" \
    --arg author "$(git log -1 --format='%an <%ae>')" --arg change "$(git log -1 --format=%s)" \
    --arg at "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" \
    '{environment: $environment, image: $image, commit: $commit, author: $author, change: $change, at: $at,
      rollback: "delivery/release.sh brings back by itself what ran before",
      evidence: ["bill of materials and signature beside the image", "provenance beside the image",
                 "reports of this run"]}' | tee "reports/change-$ENVIRONMENT.json"
