"""Reads the values that a provider allows out of its documentation.

    python -m tests.clouds.documentation google 6.50.0 2025-09-19 DOCS [TYPE ...]

DOCS is the folder website/docs/r of the provider's repository at that version, with that date. Writes
documented/<provider>.toml anew: for the resource types that it names already and those named here, each attribute that
the documentation gives allowed values or a range for. What a page says wrongly or not at all, corrections.toml says.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

FOLDER = Path(__file__).with_name("documented")
SOURCE = "https://registry.terraform.io/providers/hashicorp/{provider}/{version}/docs/resources/{page}"
_ITEM = re.compile(r"^\s*[*-] +`([a-z]\w*)` *(?=-|\()", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?:<a name=\"\w+\"></a>)? *(?:(?:An?|The|Each) )?(?:optional |required )?((?:`[\w.]+`(?:, | and )?)+)"
    r" (?:sub)?(?:block|object)s?\b[^\n]*?(?:supports?|:)[^\n]*$",
    re.MULTILINE,
)
_ONE = r"(?:`[^`\n]*`|\"[^\"\s]*\"|'[^'\s]*')"
_VALUES = re.compile(
    r"(?:(?:possible|valid|allowed|accepted|supported|available) (?:values?|options?|types?)(?: for [^.`]*?)?"
    r"(?: are either| are| is| includes?|:)?:?|\bcan be(?: one of)?:?|\bmust be one of:?) *"
    rf"((?:(?:,|or|and|either)? *(?:[-*] )?{_ONE}(?: *\([^)]*\)| for _[^_]*_)? *,? *)+)",
    re.IGNORECASE,
)
_QUOTED = re.compile(_ONE)
_RANGE = re.compile(
    r"(?:values?|options?|range|must be|can be|is)[^.`]{0,30}?(?:between|from|range)"
    r" `?(-?[\d,]+)`? ?(?:and|to|-) ?`?(-?\d[\d,]*)`?",
    re.IGNORECASE,
)
_HEAD = """\
# What the documentation of the {provider} provider says that attributes may be; read from it by documentation.py.
# corrections.toml says what these pages do not. [type] attribute = allowed values, or {{from = least, to = most}};
# "block.attribute" for what stands in a block, however deep.

source = "{source}"
as_of = "{date}"
"""


def allowed(page: str) -> dict[str, list[str] | tuple[int, ...]]:
    """The allowed values of a page, by attribute, after its block: a list, or the least and the most."""
    found: dict[str, list[str] | tuple[int, ...]] = {}
    for block, name, words in _items(page):
        value = _values(" ".join(words.split()))
        key = f"{block}.{name}" if block else name
        if value and key not in found and name != "name":  # of names, lengths are told
            found[key] = value
    return found


def _items(page: str) -> Iterator[tuple[str, str, str]]:
    """Block, attribute and what is said of it. Ends where the page begins to tell what is exported."""
    body = re.split(r"^## Arguments? Reference", page, maxsplit=1, flags=re.MULTILINE)[-1]
    body = re.split(r"^## (?:Attributes? Reference|Timeouts|Import)", body, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = [("", 0, 0), *((m[1], m.start(), m.end()) for m in _BLOCK.finditer(body))]
    for (names, _, start), (_, end, _) in zip(blocks, [*blocks[1:], ("", len(body), 0)], strict=True):
        parts = _ITEM.split(body[start:end])
        for name, words in zip(parts[1::2], parts[2::2], strict=True):
            for block in re.findall(r"(\w+)`", names) or [""]:
                yield block, name, words


def _values(words: str) -> list[str] | tuple[int, ...] | None:
    best: list[str] = []
    for found in _VALUES.finditer(words):
        listed = list(dict.fromkeys(v.strip("`'\"").rstrip(".,") for v in _QUOTED.findall(found[1])))
        best = max(best, listed, key=len)
    if len(best) > 1 or (best and best[0] not in ("true", "false", "null", "")):
        return best if set(best) - {"true", "false"} else None
    spread = _RANGE.search(words)
    return tuple(int(n.replace(",", "")) for n in spread.groups()) if spread else None


def written(provider: str, version: str, date: str, docs: Path, types: Iterable[str]) -> str:
    """The TOML of a provider's types; a type without a page is left out, for corrections.toml to say."""
    source = SOURCE.format(provider=provider, version=version, page="{page}")
    lines = [_HEAD.format(provider=provider, source=source, date=date)]
    for type_ in sorted(set(types)):
        page = _page(docs, type_, provider)
        if page:
            lines += [f"\n[{type_}]\n", *_rows(allowed(page.read_text(encoding="utf-8")))]
    return "".join(lines)


def _page(docs: Path, type_: str, provider: str) -> Path | None:
    """The page of a type; those that grant roles share one for each kind of resource."""
    short = re.sub(r"_iam_(member|binding|policy|audit_config)$", "_iam", type_.removeprefix(f"{provider}_"))
    names = (short, f"{provider}_{short}")
    return next((path for n in names if (path := docs / f"{n}.html.markdown").is_file()), None)


def _rows(values: Mapping[str, list[str] | tuple[int, ...]]) -> Iterator[str]:
    for key, value in sorted(values.items()):
        name = f'"{key}"' if "." in key else key
        if isinstance(value, tuple):
            yield f"{name} = {{from = {value[0]}, to = {value[1]}}}\n"
        else:
            yield f"{name} = {json.dumps(value)}\n"


def main(provider: str, version: str, date: str, docs: str, *types: str) -> None:
    path = FOLDER / f"{provider}.toml"
    known = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    wanted = {*types, *(k for k, v in known.items() if isinstance(v, dict))}
    path.write_text(written(provider, version, date, Path(docs), wanted), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
