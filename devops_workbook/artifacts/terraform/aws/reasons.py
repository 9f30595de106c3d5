"""Why checks of policy that the code does not meet are answered, where several resources give the same reason."""

from __future__ import annotations

__all__ = [
    "ATTACHED", "COPIED", "DELEGATED", "ISSUED", "PLANNED", "PROVIDER_KEYS", "SELECTED", "UNLOGGED",
]  # fmt: skip

ATTACHED = "attached by the module that builds the component"
COPIED = "what the plan copies is copied by a rule beside it; logs are read where they are written"
DELEGATED = "a public name in a zone whose parent is not ours: its owner begins to sign, and what is asked is no secret"
ISSUED = "its value is changed where it was issued, by its owner or the pipeline; no function of AWS reaches that"
PLANNED = "as the plan has it for each environment, by a variable"
PROVIDER_KEYS = "the plan leaves keys to the provider, which encrypts by default"
SELECTED = "the backup module selects what the plan backs up"
UNLOGGED = "it holds logs of others, copies, or state, whose every version stays; a log of itself would tell no more"
