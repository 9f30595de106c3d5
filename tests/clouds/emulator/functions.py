"""Functions and what calls them: settings that moto drops or invents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.awslambda.models import EventSourceMapping, LambdaFunction

from tests.clouds.emulator.answers import replaces


@replaces(LambdaFunction, "__init__", for_="aws_lambda_function")
def function(original: Any, self: LambdaFunction, account_id: str, spec: Any, *rest: Any, **named: Any) -> None:
    self.logging_config = _logging(spec, spec["FunctionName"])
    original(self, account_id, spec, *rest, **named)


@replaces(LambdaFunction, "update_configuration", for_="aws_lambda_function")
def update(original: Any, self: LambdaFunction, config_updates: dict[str, Any]) -> Any:
    if "LoggingConfig" in config_updates:
        self.logging_config = _logging(config_updates, self.function_name)
    return original(self, config_updates)


def _logging(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **spec.get("LoggingConfig", {})}


@replaces(LambdaFunction, "get_configuration", for_="aws_lambda_function")
def configuration(original: Any, self: LambdaFunction, on_create: bool = False) -> Any:
    """With where it logs to, which moto drops, and without an image's settings that nobody made."""
    told = original(self, on_create)
    told["LoggingConfig"] = self.logging_config
    if not any(told.get("ImageConfigResponse", {}).get("ImageConfig", {}).values()):
        told.pop("ImageConfigResponse", None)
    return told


@replaces(EventSourceMapping, "__init__", for_="aws_lambda_event_source_mapping")
def mapping(original: Any, self: EventSourceMapping, spec: dict[str, Any]) -> None:
    """To the alias that was named; moto keeps the version that the alias stands for."""
    original(self, spec)
    if spec["FunctionName"].startswith("arn:"):
        self.function_arn = spec["FunctionName"]
