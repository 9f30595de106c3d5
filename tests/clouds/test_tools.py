"""Tools are found where they are, and what is missing says how to have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clouds import tools


def test_a_program_of_the_path() -> None:
    assert tools.missing("sh") == ""
    assert tools.needed("sh").name == "sh"


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        ("no-such-program", "no-such-program is not installed"),
        ("moto", "moto is not installed; `make clouds` installs it"),
        ("terraform-provider-google", "terraform-provider-google is not installed; `make clouds` installs it"),
        ("terraform-provider-aws", "terraform-provider-aws is not installed; TF_PLUGIN_DIR names the folder"),
    ],
)
def test_what_is_missing(tool: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "HOME", tmp_path)
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))
    tools._mirror.cache_clear()
    assert tools.missing(tool).startswith(told)
    with pytest.raises(FileNotFoundError, match=tool):
        tools.needed(tool)
    tools._mirror.cache_clear()


def test_the_mirror_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    monkeypatch.setenv("TF_PLUGIN_DIR", str(tmp_path))
    tools._mirror.cache_clear()
    assert tools.find("terraform-provider-aws") == tmp_path
    tools._mirror.cache_clear()
