#!/usr/bin/env bash
# Looks for weaknesses; what it finds fails the build: delivery/scan.sh code | dependencies | secrets | infrastructure
# Run it with the tools: delivery/toolbox.sh delivery/scan.sh secrets
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p reports

case "${1:?usage: delivery/scan.sh code | dependencies | secrets | infrastructure | image REFERENCE}" in
code)
    semgrep scan --config p/default --error --metrics off --sarif --output reports/code.sarif services
    ;;
dependencies)
    grype dir:services --only-fixed --fail-on high --output table --output json=reports/dependencies.json
    ;;
secrets)
    gitleaks git --redact --no-banner --report-path reports/secrets.json .
    ;;
infrastructure)
    checkov --directory . --compact --quiet \
        --framework terraform cloudformation kubernetes dockerfile github_actions gitlab_ci \
        --output cli --output junitxml --output-file-path console,reports/infrastructure.xml
    ;;
image)
    grype "registry:${2:?Name an image by digest}" --only-fixed --fail-on critical --output table \
        --output json=reports/image.json
    ;;
*)
    echo "There is no scan $1." >&2
    exit 2
    ;;
esac
