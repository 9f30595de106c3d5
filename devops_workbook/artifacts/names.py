"""Names that a provider accepts, made from whatever people call their system.

Every resource is named `<system>-<environment>-<what it is>`. The system's part is short enough that the whole stays
within the tightest of the usual limits; where letters were lost or cut off, a hash of the original keeps two systems
apart, and the original stands in a tag. What must be unique in the world (buckets, vaults, registries) carries a hash
of name and owner besides.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from devops_workbook.scenario import slug

__all__ = ["SHORT", "Names", "label_text", "names_of"]

SHORT = {"production": "prod", "staging": "stg", "development": "dev"}
_SYSTEM = 16  # with "-prod" and "-xxxxxxxxx" it stays within 32, the limit of an AWS load balancer
_HASH = 4


def _digest(text: str, length: int) -> str:
    """So many characters, letters and digits, that follow from `text` alone."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:length]


def _short(name: str) -> str:
    """At most _SYSTEM characters: lower-case letters, digits and single dashes, beginning with a letter."""
    plain = slug(name)
    plain = plain if plain[0].isalpha() else f"s{plain}"
    if len(plain) <= _SYSTEM:
        return plain
    return f"{plain[: _SYSTEM - _HASH - 1].strip('-')}-{_digest(name, _HASH)}"


@dataclass(frozen=True, slots=True)
class Names:
    """system: the short name ("payments-api"); original: as people wrote it; seed: what makes global names unique."""

    system: str
    original: str
    seed: str

    def of(self, environment: str) -> str:
        """The prefix of all names of an environment, at most 21 characters: "payments-api-prod"."""
        return f"{self.system}-{_brief(environment)}"

    def unique(self, environment: str, what: str, limit: int = 63) -> str:
        """A name that nobody else in the world has: prefix, what it is, and a hash; at most `limit` characters."""
        tail = f"{_brief(environment)}-{what}-{_digest(self.seed + environment, 8)}"
        return f"{self.system[: limit - len(tail) - 1].strip('-')}-{tail}"

    def compact(self, environment: str, what: str, limit: int = 24) -> str:
        """The same in letters and digits only, as Azure wants storage accounts and registries."""
        tail = re.sub(r"[^a-z0-9]", "", _brief(environment) + what) + _digest(self.seed + environment + what, 6)
        return self.system.replace("-", "")[: limit - len(tail)] + tail


def _brief(environment: str) -> str:
    return SHORT.get(environment, environment)


def names_of(name: str, owner: str) -> Names:
    """The names of a system."""
    return Names(_short(name), name, f"{name}\0{owner}")


def label_text(text: str, limit: int = 63) -> str:
    """`text` as a value of a Google Cloud label: lower-case letters, digits, dashes; at most `limit` characters."""
    return slug(text)[:limit].strip("-") if text.strip() else "unknown"
