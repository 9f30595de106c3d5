"""Reads {model: [bodies]} from standard input into the models of Datadog's own client; fails at what they refuse.

Run by the Python of .venv/clouds/pipelines, which has the client; it knows which fields, types and values there are.
"""

from __future__ import annotations

import importlib
import json
import re
import sys

from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import validate_and_convert_types

for name, bodies in json.load(sys.stdin).items():
    module = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    model = getattr(importlib.import_module(f"datadog_api_client.v1.model.{module}"), name)
    for body in bodies:
        made = validate_and_convert_types(
            body, (model,), ["body"], True, True, configuration=Configuration(spec_property_naming=True)
        )
        # What the client does not know it keeps as it is, and says so.
        unparsed = [key for key, value in made.to_dict().items() if getattr(value, "_unparsed", False)]
        assert not getattr(made, "_unparsed", False), (name, body)
        assert not unparsed, (name, unparsed)
        known = set(model.attribute_map.values()) if hasattr(model, "attribute_map") else set(body)
        assert set(body) <= known, (name, set(body) - known)
