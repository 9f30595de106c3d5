#!/bin/sh
# Prints the version that a release of this commit has: delivery/version.sh
# Semantic (https://semver.org), by what the commits since the last version say of themselves
# (https://www.conventionalcommits.org): a break raises the first number, a feature the second, anything else the third.
set -eu
last="$(git describe --tags --abbrev=0 --match 'v[0-9]*.[0-9]*.[0-9]*' 2>/dev/null || echo v0.0.0)"
range="$last..HEAD"
[ "$last" != v0.0.0 ] || range=HEAD
said="$(git log --format=%B "$range")"
if [ "$(git rev-parse "$last^{commit}" 2>/dev/null || true)" = "$(git rev-parse HEAD)" ]; then
    echo "$last"
    exit 0
fi
IFS=. read -r major minor patch <<END
${last#v}
END
if echo "$said" | grep -Eq '^[a-z]+(\([^)]*\))?!: |^BREAKING[ -]CHANGE: '; then
    echo "v$((major + 1)).0.0"
elif echo "$said" | grep -Eq '^feat(\([^)]*\))?: '; then
    echo "v$major.$((minor + 1)).0"
else
    echo "v$major.$minor.$((patch + 1))"
fi
