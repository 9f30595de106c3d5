#!/usr/bin/env bash
# How Azure Functions is released to: Flex Consumption runs a package, which is what the image has in /app. The digest
# is noted in a setting of the app, so that it is known what runs.
set -euo pipefail

# An image by its digest alone, without the tag.
named() { echo "${1%:*@*}@${1#*@}"; }

name_in() { if [ "$1" = "${RESOURCE_GROUPS%% *}" ]; then echo "$APP"; else echo "$APP_2"; fi; }

running() {
    local group="${RESOURCE_GROUPS%% *}"
    az functionapp config appsettings list --name "$(name_in "$group")" --resource-group "$group" \
        --query "[?name=='RELEASE'].value | [0]" --output tsv
}

# A region after the other, so that a fault meets one.
release() {
    local group app
    delivery/registry.sh "$IDENTITY" | crane auth login "${REGISTRY%%/*}" --username "$REGISTRY_USER" --password-stdin
    rm -rf /tmp/package && mkdir -p /tmp/package
    crane export "$1" - | tar --extract --directory /tmp/package app
    python -c 'import shutil; shutil.make_archive("/tmp/package/service", "zip", "/tmp/package/app")'
    for group in $RESOURCE_GROUPS; do
        again
        app="$(name_in "$group")"
        az functionapp deployment source config-zip --name "$app" --resource-group "$group" --src /tmp/package/service.zip
        az functionapp config appsettings set --name "$app" --resource-group "$group" --settings "RELEASE=$1" --output none
    done
}
