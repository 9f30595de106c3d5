#!/usr/bin/env bash
# Makes or renews objectives, monitors and the dashboard in Datadog, by their names: observability/datadog/apply.sh
# DD_API_KEY and DD_APP_KEY are keys of the account, DD_SITE is datadoghq.com unless it is set. Nothing is removed.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")"
api="https://api.${DD_SITE:-datadoghq.com}/api/v1"

ask() { # method path [json]
    curl --silent --show-error --fail-with-body --request "$1" --header 'Content-Type: application/json' \
        --header "DD-API-KEY: ${DD_API_KEY:?Set DD_API_KEY}" \
        --header "DD-APPLICATION-KEY: ${DD_APP_KEY:?Set DD_APP_KEY}" ${3:+--data "$3"} "$api/$2"
}

# put PATH ID JSON: renews what has an id, makes what has none; prints the answer.
put() {
    if [ -n "$2" ]; then ask PUT "$1/$2" "$3"; else ask POST "$1" "$3"; fi
}

# Datadog numbers an objective when it is made; monitors and dashboard refer to it by that.
numbers='{}'
while read -r objective; do
    name="$(jq -r .name <<<"$objective")"
    known="$(ask GET "slo?limit=1000" | jq -r --arg name "$name" '[.data[]? | select(.name == $name) | .id][0] // empty')"
    id="$(put slo "$known" "$objective" | jq -r '.data[0].id')"
    short="$(jq -r '.name | split(": ")[1] | ascii_downcase' <<<"$objective")"
    numbers="$(jq -c --arg short "$short" --arg id "$id" '. + {($short): $id}' <<<"$numbers")"
    echo "Objective $name"
done < <(jq -c '.[]' objectives.json)

numbered() { # file filter
    jq -c --argjson numbers "$numbers" "$2"' | walk(if type == "string" then reduce ($numbers | to_entries[]) as $n
        (.; split("{slo:\($n.key)}") | join($n.value)) else . end)' "$1"
}

while read -r monitor; do
    name="$(jq -r .name <<<"$monitor")"
    ask POST monitor/validate "$monitor" >/dev/null
    known="$(ask GET "monitor?name=$(jq -rn --arg name "$name" '$name | @uri')" |
        jq -r --arg name "$name" '[.[]? | select(.name == $name) | .id][0] // empty')"
    put monitor "$known" "$monitor" >/dev/null
    echo "Monitor $name"
done < <(numbered monitors.json '.[]')

dashboard="$(numbered dashboard.json .)"
title="$(jq -r .title <<<"$dashboard")"
known="$(ask GET dashboard | jq -r --arg title "$title" '[.dashboards[]? | select(.title == $title) | .id][0] // empty')"
put dashboard "$known" "$dashboard" >/dev/null
echo "Dashboard $title"
