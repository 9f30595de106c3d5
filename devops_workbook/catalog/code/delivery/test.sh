#!/bin/sh
# Tests a service in the stages of its Dockerfile: delivery/test.sh SERVICE unit
# Integration tests run against real copies of what the service needs; end-to-end tests against an environment.
set -eu
cd "$(dirname "$0")/.."
usage="usage: delivery/test.sh SERVICE unit | integration | end-to-end ENVIRONMENT"
service="${1:?$usage}"
folder="services/$service"
[ -f "$folder/Dockerfile" ] || { echo "There is no $folder/Dockerfile." >&2; exit 2; }

case "${2:?$usage}" in
unit)
    docker build --target unit "$folder"
    ;;
integration)
    trap 'docker compose --file "$folder/compose.yaml" down --volumes' EXIT
    docker compose --file "$folder/compose.yaml" up --build --abort-on-container-exit --exit-code-from tests
    ;;
end-to-end)
    # shellcheck disable=SC1090
    . "delivery/${3:?$usage}.env"
    docker run --rm --env "URL=https://$DOMAIN" "$(docker build --quiet --target end-to-end "$folder")"
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
