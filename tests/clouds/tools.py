"""Where the tools are that generated infrastructure is held against.

Programs are looked for on the path. What `make clouds` installs is below .venv/clouds: the emulator of AWS, cfn-lint
and the providers that stand for Google's and Azure's in one environment, checkov in another, linters of pipelines and
images in a third. The AWS provider itself is
the real one, unpacked below TF_PLUGIN_DIR or, without that, below one of the folders where such mirrors usually are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

NEEDS = {
    "aws": ("terraform", "terraform-provider-aws", "moto"), "gcp": ("terraform", "terraform-provider-google"),
    "azure": ("terraform", "terraform-provider-azurerm"),
}  # fmt: skip
"""What a cloud's Terraform is held against."""
HOME = Path(__file__).parents[2] / ".venv" / "clouds"
_MIRRORS = ("/opt", "/usr/local/share", "/usr/share", "~/.terraform.d")
_REGISTRY = "registry.terraform.io/hashicorp"


def find(tool: str) -> Path | None:
    """The program, or the folder of providers, that a name stands for; None if it is not here."""
    found = _OURS[tool]() if tool in _OURS else _program(tool)
    return found if found and found.exists() else None


def missing(tool: str) -> str:
    """Why a tool cannot be used, "" if it can."""
    if find(tool):
        return ""
    return f"{tool} is not installed" + (f"; {_HOW[tool]}" if tool in _HOW else "")


def needed(tool: str) -> Path:
    """The tool; FileNotFoundError with the reason if it is not here."""
    found = find(tool)
    if found is None:
        raise FileNotFoundError(missing(tool))
    return found


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


@cache
def _mirror() -> Path | None:
    """The folder that holds an unpacked AWS provider."""
    named = os.environ.get("TF_PLUGIN_DIR")
    candidates = iter([Path(named)]) if named else _mirrors()
    return next((folder for folder in candidates if (folder / _REGISTRY / "aws").is_dir()), None)


def _mirrors() -> Iterator[Path]:
    for base in (Path(b).expanduser() for b in _MIRRORS):
        for pattern in ("*", "*/*"):
            yield from sorted(base.glob(pattern)) if base.is_dir() else ()


def _shim(name: str) -> Callable[[], Path | None]:
    def folder() -> Path | None:
        plugins = HOME / "plugins"
        return plugins if (plugins / _REGISTRY / name).is_dir() else None

    return folder


def _of_pipelines(name: str) -> Callable[[], Path | None]:
    return lambda: HOME / "pipelines" / "bin" / name


_CLOUDS = "`make clouds` installs it"
_OURS: dict[str, Callable[[], Path | None]] = {
    "terraform-provider-aws": _mirror,
    "terraform-provider-google": _shim("google"),
    "terraform-provider-azurerm": _shim("azurerm"),
    "moto": lambda: HOME / "tools" / "bin" / "moto_server",
    "cfn-lint": lambda: HOME / "tools" / "bin" / "cfn-lint",
    "checkov": lambda: HOME / "checkov" / "bin" / "checkov",
    "datadog-api-client": lambda: next((HOME / "pipelines").glob("lib/*/site-packages/datadog_api_client"), None),
    **{name: _of_pipelines(name) for name in ("actionlint", "check-jsonschema", "hadolint", "zizmor")},
}
_HOW = {name: _CLOUDS for name in _OURS if name != "terraform-provider-aws"} | {
    "terraform-provider-aws": "TF_PLUGIN_DIR names the folder of an unpacked mirror of it"
}
