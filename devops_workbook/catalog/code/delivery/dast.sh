#!/bin/sh
# Looks at a running environment as an attacker would: delivery/dast.sh ENVIRONMENT
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC1090
. "delivery/${1:?usage: delivery/dast.sh ENVIRONMENT}.env"
. delivery/settings.env
mkdir -p reports
docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/reports:/zap/wrk" "$ZAP_IMAGE" \
    zap-baseline.py -t "https://$DOMAIN" -J dast.json
