"""The repository of a design: whole for every design, the same every time, and free text stays text."""

from __future__ import annotations

import json
import re
from typing import Any

import hcl2
import pytest
from hypothesis import HealthCheck, given, settings

from devops_workbook.artifacts.repository import carried_out, repository
from devops_workbook.evaluate import evaluate
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, load
from tests.artifacts.infrastructure import PROVIDERS, code, design, texts
from tests.properties.test_evaluate import Values, evaluated, some_values

HOSTILE = {
    "quotes": 'The "best" shop',
    "interpolation": "${var.secret} %{ if true }x%{ endif }",
    "unicode": "Ünïcødé 漢字 🚀 \u202e",
    "long": "x" * 200,
    "lines": 'one\ntwo"\n}\nresource "aws_iam_user" "me" {\n  name = "me"\n}',
    "shell": "$(rm -rf /) `id` ; | & > <",
    "path": "../../etc/passwd",
}


@pytest.mark.parametrize("name", examples())
def test_every_example_has_a_repository(name: str) -> None:
    made = repository(evaluate(load(examples()[name]).requirements))
    paths = [a.path for a in made.artifacts]
    assert len(set(paths)) == len(paths)
    assert "README.md" in paths
    assert all(a.text.endswith("\n") and not a.text.endswith("\n\n") for a in made.artifacts)
    assert not any(re.search(r"[ \t]+$", a.text, re.MULTILINE) for a in made.artifacts if a.path.endswith(".tf"))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_design_gives_the_same_bytes(provider: str) -> None:
    again = repository(design("payments-api", provider))
    assert again == code("payments-api", provider)
    assert again.digest == code("payments-api", provider).digest
    assert again.digest != code("media-site", provider).digest


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(some_values())
def test_every_design_has_a_repository(values: Values) -> None:
    found = evaluated(values)
    made = repository(found)
    built = {t.component for t in made.infrastructure.traces} | {u.component for u in made.infrastructure.unbuilt}
    assert {c.id for c in found.topology.components} <= built


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for v in value.values() for text in _strings(v)]
    if isinstance(value, list):
        return [text for v in value for text in _strings(v)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_free_text_stays_text(provider: str, kind: str) -> None:
    text = HOSTILE[kind]
    wanted = Requirements(provider=provider, name=text, owner=text, description=text)
    plain = repository(evaluate(Requirements(provider=provider, name="Web shop", owner="me", description="It sells.")))
    made = repository(evaluate(wanted))
    assert [a.path for a in made.artifacts] == [a.path for a in plain.artifacts]
    declared, expected = (
        {path: re.findall(r'^(?:resource|data|module|variable) .*\{$', body, re.MULTILINE)
         for path, body in texts(x).items() if path.endswith(".tf")}
        for x in (made, plain)
    )  # fmt: skip
    assert declared == expected
    main = texts(made)["infrastructure/environments/production/main.tf"]
    hcl2.loads(main)
    assert "${var.secret}" not in main.replace("$${var.secret}", "")


@pytest.mark.parametrize("name", examples())
def test_decisions_name_the_folders_that_carry_them_out(name: str) -> None:
    found = evaluate(load(examples()[name]).requirements)
    made = repository(found)
    decided = carried_out(found, made).plan
    paths = [a.path for a in made.artifacts]
    for field in ("infrastructure.compute", "infrastructure.database", "infrastructure.network", "cost.monitoring"):
        folders = decided.decision(field).artifacts
        assert folders, field
        assert all(any(path.startswith(folder) for path in paths) for folder in folders)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_nobody_stated_is_listed_and_is_there(provider: str) -> None:
    made = code("payments-api", provider)
    values = "".join(text for path, text in texts(made).items() if path.endswith(".tfvars"))
    readme = texts(made)["README.md"]
    listed = [name for name, _ in made.infrastructure.to_set]
    assert listed
    for name in listed:
        assert f"| `{name}` |" in readme
        assert re.search(rf"^{name} +=", values, re.MULTILINE), name


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_environment_s_state_is_kept_apart(provider: str) -> None:
    files = texts(code("payments-api", provider))
    backends = [text for path, text in files.items() if path.endswith("/backend.tf")]
    assert len(backends) >= 4
    assert len(set(backends)) == len(backends)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_variable_is_described_typed_and_used(provider: str) -> None:
    files = texts(code("payments-api", provider))
    folders = {path.rpartition("/")[0] for path in files if path.endswith("/variables.tf")}
    for folder in folders:
        body = "".join(t for p, t in files.items() if p.rpartition("/")[0] == folder and p.endswith(".tf"))
        for block in hcl2.loads(files[f"{folder}/variables.tf"]).get("variable", []):
            ((name, told),) = ((k.strip('"'), v) for k, v in block.items() if not k.startswith("__"))
            assert told["description"].strip('"'), name
            assert told["type"], name
            assert re.search(rf"\bvar\.{name}\b", body), f"{folder}: {name} is not used"


def test_the_account_is_json_with_every_component() -> None:
    account = json.loads(texts(code("payments-api", "aws"))["infrastructure/components.json"])
    assert account["components"]["users"]["why_none"]
    assert any("module.compute" in told for told in account["components"]["compute"]["resources"])
