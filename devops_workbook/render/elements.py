"""HTML elements, and the one place where text is escaped for HTML.

All text passes through `el`: a string is text, whatever it holds, and only what `el` returned (a `Markup`) is HTML.
Elements that a person may open carry a `data-key`, by which the front end recognises them; elements that ask for
something carry a `data-action`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

__all__ = ["badge", "bulleted", "button", "disclosure", "el", "free", "join", "source", "table", "titled"]

_VOID = frozenset({"br", "hr", "img", "input"})


def el(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """One HTML element; every child that is not `Markup`, and every attribute value, is escaped.

    Children that are None are left out. Attributes that are None or False are left out, True is written as an
    empty attribute; `class_` and `for_` stand for the reserved words, other underscores for hyphens.
    """
    opening = _opening(name, tuple(attributes.items()))
    return Markup(opening if name in _VOID else f"{opening}{join(children)}</{name}>")  # noqa: S704 - each part was escaped


@lru_cache(maxsize=8192)
def _opening(name: str, attributes: tuple[tuple[str, Any], ...]) -> str:
    """An opening tag. A board writes the same few thousand again and again."""
    written = (
        f' {key.rstrip("_").replace("_", "-")}="{"" if value is True else escape(str(value))}"'
        for key, value in attributes
        if value is not None and value is not False
    )
    return f"<{name}{''.join(written)}>"


def join(children: Iterable[Any], separator: str = "") -> Markup:
    """The children, escaped unless they are `Markup`, one after the other."""
    written = [child if isinstance(child, Markup) else escape(child) for child in children if child is not None]
    return Markup(str(escape(separator)).join(written))  # noqa: S704 - each part was escaped


def free(text: str, name: str = "span", **attributes: Any) -> Markup:
    """Text somebody typed, in an element that takes its direction (left to right or not) from it."""
    return el(name, text, dir="auto", **attributes)


def badge(text: str, kind: str) -> Markup:
    """A short word in a coloured frame; the word says it all, the colour only repeats it."""
    return el("span", text, class_=f"dw-badge dw-{kind}")


def button(text: Any, action: str, **attributes: Any) -> Markup:
    """A button that asks the board for `action`; further attributes are its arguments."""
    return el("button", text, type="button", data_action=action, **{"class_": "dw-button", **attributes})


def disclosure(key: str, title: Any, *body: Any, opened: bool = False, lazy: bool = False, class_: str = "") -> Markup:
    """A part that opens and closes, and that the front end keeps as the reader left it.

    lazy: the front end says when it is opened or closed, so that its body need only be made while it is open.
    """
    return el(
        "details",
        el("summary", title),
        el("div", *body, class_="dw-body"),
        data_key=key,
        data_lazy=lazy,
        open=opened,
        class_=class_ or None,
    )


def bulleted(items: Iterable[Any], class_: str = "dw-list") -> Markup | None:
    """A bulleted list, None if there is nothing in it."""
    rows = [el("li", item) for item in items]
    return el("ul", *rows, class_=class_) if rows else None


def titled(title: str, body: Markup | None) -> Markup | None:
    """A part with a small heading, None if it has no body."""
    return None if body is None else el("div", el("h5", title), body, class_="dw-part")


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str = "",
    numeric: Iterable[int] = (),
    *,
    total: bool = False,
) -> Markup:
    """A table whose first column names the row, in a box that scrolls when it is wider than the page.

    numeric: columns set flush right; total: whether the last row is a sum.
    """
    right = frozenset(numeric)

    def cell(at: int, value: Any) -> Markup:
        name, scope = ("th", "row") if at == 0 else ("td", None)
        return el(name, value, scope=scope, class_="dw-number" if at in right else None)

    columns = [el("th", title, scope="col", class_="dw-number" if i in right else None) for i, title in enumerate(head)]
    body = [el("tr", *(cell(i, value) for i, value in enumerate(row))) for row in rows]
    whole = el("tfoot", body.pop()) if total and body else None
    made = el(
        "table",
        el("caption", caption) if caption else None,
        el("thead", el("tr", *columns)),
        el("tbody", *body),
        whole,
    )
    return el("div", made, class_="dw-table", tabindex="0", role="region", aria_label=caption or head[0])


def source(source: str, as_of: str) -> Markup | None:
    """Where a figure is from: a link where the source is a web address, and its date."""
    if not source:
        return None
    is_link = source.startswith(("https://", "http://")) and not any(c.isspace() for c in source)
    link = el("a", source, href=source, target="_blank", rel="noopener noreferrer") if is_link else source
    return join([link, f" ({as_of})" if as_of else ""])
