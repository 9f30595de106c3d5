"""Other people's HTML and SVG, made safe and self-contained, or turned into blocks.

HTML of a cell keeps tables, text and inline pictures; scripts, styles, forms, frames, event handlers and anything
that would be fetched are removed. SVG loses the same, and its ids get a prefix, so that two pictures in one page
cannot reach into each other.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import bleach
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from devops_workbook.export.manuscript import Block, Paragraph, Run, Table, Text

__all__ = ["SvgError", "blocks_of_html", "safe_html", "safe_svg", "svg_alt", "svg_size"]

_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "details",
    "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
    "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var",
})  # fmt: skip
_ATTRIBUTES = {
    "ol": {"start"},
    "img": {"alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_EVERYWHERE = frozenset({"title", "lang", "dir"})
_ADDRESSES = {
    ("a", "href"): re.compile(r"(https?://|mailto:|#)", re.IGNORECASE),
    ("img", "src"): re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);", re.IGNORECASE),
}
"""The attributes that hold an address, and the addresses that may stay: those that fetch nothing by themselves."""
_DROPPED = re.compile(r"<(script|style|iframe)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)


def _allowed(tag: str, name: str, value: str) -> bool:
    if address := _ADDRESSES.get((tag, name)):
        return bool(address.match(value))
    return name in _EVERYWHERE or name in _ATTRIBUTES.get(tag, ())


def safe_html(html: str) -> str:
    """`html` with nothing left that runs, submits, fetches or restyles the page; tags are balanced."""
    cleaned: str = bleach.clean(
        _DROPPED.sub("", html),
        tags=_TAGS,
        attributes=_allowed,
        protocols={"http", "https", "mailto", "data"},
        strip=True,
        strip_comments=True,
    )
    return cleaned


class _TextParser(HTMLParser):
    """Collects the text of HTML, and its tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._rows: list[tuple[bool, list[str]]] = []
        self._in_cell = False
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "table":
            self.flush()
            self._rows = []
        elif tag == "tr":
            self._rows.append((True, []))
        elif tag in ("td", "th") and self._rows:
            headings, cells = self._rows[-1]
            self._rows[-1] = (headings and tag == "th", [*cells, ""])
            self._in_cell = True
        elif tag in ("p", "div", "li", "summary", "h1", "h2", "h3", "h4", "h5", "h6", "pre") and not self._in_cell:
            self.flush()
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)
        elif tag in ("td", "th"):
            self._in_cell = False
        elif tag == "table":
            self._table()
        elif tag in ("p", "div", "li", "summary") and not self._in_cell:
            self.flush()

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._in_cell:
            self._rows[-1][1][-1] += data
        else:
            self._text.append(data)

    def flush(self) -> None:
        """Ends the current paragraph."""
        text = " ".join("".join(self._text).split())
        self._text = []
        if text:
            self.blocks.append(Paragraph((Run(text),)))

    def _table(self) -> None:
        rows = [(headings, cells) for headings, cells in self._rows if cells]
        self._rows, self._text, self._in_cell = [], [], False
        width = max((len(cells) for _, cells in rows), default=0)
        filled = [(h, tuple(map(_cell, [*cells, *[""] * (width - len(cells))]))) for h, cells in rows]
        if filled:
            has_header = filled[0][0]
            header = filled[0][1] if has_header else tuple(_cell("") for _ in range(width))
            body = tuple(cells for _, cells in filled[has_header:])
            self.blocks.append(Table(header, body, ("left",) * width))


def _cell(text: str) -> Text:
    collapsed = " ".join(text.split())
    return (Run(collapsed),) if collapsed else ()


def blocks_of_html(html: str) -> tuple[Block, ...]:
    """The paragraphs and tables of a piece of HTML."""
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    parser.flush()
    return tuple(parser.blocks)


class SvgError(ValueError):
    """A picture is not SVG that can be read."""


_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_ACTIVE = frozenset(
    {"script", "foreignObject", "iframe", "handler", "set", "animate", "animateMotion", "animateTransform"}
)
_REFERENCE = re.compile(r"""url\(\s*(['"]?)#([^)'"]+)\1\s*\)""")
_FETCHING_STYLE = re.compile(r"@import\b[^;]*;?|url\(\s*['\"]?(?!#|data:)[^)]*\)", re.IGNORECASE)
ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def _parsed(svg: str) -> ET.Element:
    try:
        root: ET.Element = fromstring(svg)
    except DefusedXmlException:
        raise SvgError("the picture declares XML entities, which can be used to exhaust memory") from None
    except ET.ParseError as error:
        raise SvgError(f"the picture is not well-formed SVG: {error}") from None
    if root.tag not in (f"{{{_SVG}}}svg", "svg"):
        raise SvgError(f"the picture is not SVG but <{_local(root.tag)}>")
    return root


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def safe_svg(svg: str, prefix: str) -> str:
    """`svg` as an <svg> element whose ids begin with `prefix`, without anything that runs or is fetched.

    Links to other places of the page, and to http(s) addresses, stay. Raises SvgError.
    """
    root = _parsed(svg)
    own = {id for element in root.iter() if (id := element.get("id"))}
    for parent in root.iter():
        for child in [child for child in parent if _local(str(child.tag)) in _ACTIVE]:
            parent.remove(child)
    styled = any(_local(element.tag) == "style" for element in root.iter())
    for element in root.iter():
        _clean(element, own, prefix)
        if not styled:  # a class could only catch a rule of the page around the picture
            element.attrib.pop("class", None)
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, own: set[str], prefix: str) -> None:
    for name, value in list(element.attrib.items()):
        local = _local(name)
        if local.lower().startswith("on"):
            del element.attrib[name]
        elif local == "id" or (local in ("aria-labelledby", "aria-describedby")):
            element.set(name, " ".join(prefix + id if id in own else id for id in value.split()))
        elif local == "href":
            _clean_link(element, name, value, own, prefix)
        elif "url(" in value:
            element.set(name, _local_references(value, own, prefix))
    if _local(element.tag) == "style" and element.text:
        element.text = _FETCHING_STYLE.sub("", element.text)


def _clean_link(element: ET.Element, name: str, value: str, own: set[str], prefix: str) -> None:
    is_link = _local(element.tag) == "a"
    if value.startswith("#"):
        element.set(name, f"#{prefix}{value[1:]}" if value[1:] in own else value)
    elif not (re.match(r"https?://", value) if is_link else re.match(r"data:image/(?!svg)", value)):
        del element.attrib[name]


def _local_references(value: str, own: set[str], prefix: str) -> str:
    value = _FETCHING_STYLE.sub("none", value)
    return _REFERENCE.sub(lambda m: f"url(#{prefix if m[2] in own else ''}{m[2]})", value)


def svg_size(svg: str) -> tuple[float, float]:
    """Width and height of the picture in CSS pixels, from its attributes or its viewBox. Raises SvgError."""
    root = _parsed(svg)
    box = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", root.get("viewBox", ""))]
    natural = (box[2], box[3]) if len(box) == 4 else (640.0, 480.0)
    width, height = _pixels(root.get("width", "")), _pixels(root.get("height", ""))
    size = (width or natural[0], height or natural[1])
    return size if min(size) > 0 else (640.0, 480.0)


_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}


def _pixels(length: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", length)
    return float(match[1]) * _UNITS[match[2]] if match and match[2] in _UNITS else 0.0


def svg_alt(svg: str) -> str:
    """What the picture says about itself: its label, description or title, else ""."""
    root = _parsed(svg)
    told = [child.text or "" for tag in ("desc", "title") for child in root if _local(str(child.tag)) == tag]
    return next((text.strip() for text in (root.get("aria-label", ""), *told) if text.strip()), "")
