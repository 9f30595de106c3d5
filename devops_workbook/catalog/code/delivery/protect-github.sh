#!/usr/bin/env bash
# Protects the branches and the environments on GitHub, once, by an administrator: delivery/protect.sh OWNER/REPOSITORY
# Needs GitHub's own client, signed in. Doing it again changes nothing but what was changed by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
repository="${1:?usage: delivery/protect.sh OWNER/REPOSITORY}"

for file in .github/rulesets/*.json; do
    name="$(jq -r .name "$file")"
    id="$(gh api "repos/$repository/rulesets" --jq ".[] | select(.name == \"$name\") | .id")"
    if [ -n "$id" ]; then
        gh api --method PUT "repos/$repository/rulesets/$id" --input "$file" --silent
    else
        gh api --method POST "repos/$repository/rulesets" --input "$file" --silent
    fi
    echo "Ruleset $name"
done
# Who agrees to a release is added by hand: the settings of the environment, required reviewers.
jq -c 'to_entries[]' .github/environments.json | while read -r entry; do
    name="$(jq -r .key <<<"$entry")"
    jq .value.settings <<<"$entry" | gh api --method PUT "repos/$repository/environments/$name" --input - --silent
    jq -r '.value.branches[]' <<<"$entry" | while read -r branch; do
        gh api --method POST "repos/$repository/environments/$name/deployment-branch-policies" \
            --field "name=$branch" --silent || echo "$name: $branch is there already."
    done
    echo "Environment $name"
done
