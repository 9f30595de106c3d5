#!/usr/bin/env bash
# Protects the branches and the environments on GitLab, once, by a maintainer: delivery/protect.sh GROUP/PROJECT
# GITLAB_TOKEN is a token of that person with the scope api; GITLAB_URL is https://gitlab.com unless it is set.
set -euo pipefail
cd "$(dirname "$0")/.."
project="$(jq -rn --arg name "${1:?usage: delivery/protect.sh GROUP/PROJECT}" '$name | @uri')"
api="${GITLAB_URL:-https://gitlab.com}/api/v4/projects/$project"

ask() { # method path json
    curl --silent --show-error --fail --request "$1" --header "PRIVATE-TOKEN: ${GITLAB_TOKEN:?Set GITLAB_TOKEN}" \
        --header 'Content-Type: application/json' --data "$3" --output /dev/null "$api/$2"
}

# Nobody pushes; 30 = developers merge, 40 = maintainers release. What is protected already is protected anew.
jq -c '.branches[]' .gitlab/protection.json | while read -r branch; do
    name="$(jq -r '.name | @uri' <<<"$branch")"
    ask DELETE "protected_branches/$name" '{}' 2>/dev/null || true
    ask POST protected_branches "$branch"
    echo "Branch $(jq -r .name <<<"$branch")"
done
jq -c '.environments[]' .gitlab/protection.json | while read -r environment; do
    name="$(jq -r '.name | @uri' <<<"$environment")"
    ask POST environments "$(jq '{name}' <<<"$environment")" 2>/dev/null || true
    ask DELETE "protected_environments/$name" '{}' 2>/dev/null || true
    ask POST protected_environments "$environment"
    echo "Environment $(jq -r .name <<<"$environment")"
done
ask PUT "" '{"only_allow_merge_if_pipeline_succeeds": true, "only_allow_merge_if_all_discussions_are_resolved": true}'
