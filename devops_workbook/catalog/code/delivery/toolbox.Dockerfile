# What the pipeline works with, each tool by digest or by version. Built on the spot by delivery/toolbox.sh; the layers
# are kept by whoever builds them.
# checkov:skip=CKV_DOCKER_2: it runs one command and ends
@from@
FROM @python@
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The base is pinned; what comes from the distribution is as new as the build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl git jq \
    && rm -rf /var/lib/apt/lists/*
@copy@
@pip@
# A user without a name works here, whoever owns the checkout.
RUN git config --system --add safe.directory /work
USER 10001:10001
WORKDIR /work
