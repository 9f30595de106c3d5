"""Every cloud binds the service's identity to the one namespace and service account that the manifests name."""

from __future__ import annotations

import re

import pytest

from tests.artifacts.infrastructure import PROVIDERS, code, texts

BOUND = {
    "aws": r'namespace\s*= "service"\n\s*service_account\s*= "service"',
    "gcp": r"\[service/service\]",
    "azure": r'subject\s*= "system:serviceaccount:service:service"',
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_identity_is_bound_to_the_account_of_the_manifests(provider: str) -> None:
    modules = [text for path, text in texts(code("payments-api", provider)).items() if "/modules/compute/" in path]
    assert any(re.search(BOUND[provider], text) for text in modules)
