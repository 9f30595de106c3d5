#!/bin/sh
# Builds the image of a service once, with its provenance, and pushes it: delivery/image.sh SERVICE [COMMIT]
# Writes the reference, by tag and digest, to reports/SERVICE.image. A commit that was built already is not built again, and one
# that is named must have been.
set -eu
cd "$(dirname "$0")/.."
. delivery/settings.env
service="${1:?usage: delivery/image.sh SERVICE}"
commit="${2:-}"
tag="$(git rev-parse --short=12 "${commit:-HEAD}")"
[ "$service" = service ] || tag="$service-$tag"
mkdir -p reports

delivery/login.sh build
if ! docker buildx imagetools inspect "$REGISTRY:$tag" >/dev/null 2>&1; then
    [ -z "$commit" ] || { echo "Nothing was built of $commit; what was not tested is not released." >&2; exit 1; }
    docker buildx inspect delivery >/dev/null 2>&1 || docker buildx create --name delivery >/dev/null
    docker buildx build --builder delivery --platform "$PLATFORM" --provenance=mode=max --pull \
        --tag "$REGISTRY:$tag" --push "services/$service"
fi
digest="$(docker buildx imagetools inspect "$REGISTRY:$tag" --format '{{.Manifest.Digest}}')"
echo "$REGISTRY:$tag@$digest" | tee "reports/$service.image"
