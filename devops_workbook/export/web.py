"""A manuscript as one HTML file that fetches nothing and runs nothing but our own script.

Every text is escaped by markupsafe when it is formatted into `Markup`. A content security policy forbids the network,
frames, forms and any script but the one whose hash it names, so that a notebook's own HTML cannot break that promise.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib.resources import files

from markupsafe import Markup

from devops_workbook.export.manuscript import (
    Block,
    Code,
    Figure,
    Heading,
    Html,
    Listing,
    Manuscript,
    Notice,
    Paragraph,
    Quote,
    Run,
    Table,
    Text,
    broken,
    plain,
    tone,
)

__all__ = ["html", "policy"]

_TEMPLATES = files("devops_workbook.export").joinpath("templates")

_PAGE = Markup(
    """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#document">Skip to the document</a>
<nav class="contents" aria-label="Contents">
<div class="tools"></div>
{contents}
</nav>
<main id="document" tabindex="-1">
<header class="cover">
<h1 dir="auto">{title}</h1>
{cover}
</header>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""
)


def html(manuscript: Manuscript) -> str:
    """The manuscript as the text of a self-contained HTML file."""
    style, script = (_TEMPLATES.joinpath(name).read_text(encoding="utf-8") for name in ("document.css", "document.js"))
    return str(
        _PAGE.format(
            language=manuscript.language,
            policy=policy(script),
            title=manuscript.title,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            contents=_contents([b for b in manuscript.body if isinstance(b, Heading)]),
            cover=_blocks(manuscript.cover),
            body=_chapters(manuscript.body),
        )
    )


def policy(script: str) -> str:
    """The content security policy of a page that fetches nothing and runs this script alone."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _contents(headings: list[Heading]) -> Markup:
    """Chapters, each with its sections; the sections of appendices are left out."""
    shown = [h for h in headings if h.level == 1 or (h.level == 2 and h.number)]
    entries = Markup("\n").join(
        Markup('<li class="level-{}"><a href="#{}">{}{}</a></li>').format(h.level, h.anchor, _number(h), plain(h.text))
        for h in shown
    )
    return Markup("<ol>\n{}\n</ol>").format(entries) if shown else Markup("")


def _number(heading: Heading) -> Markup:
    return Markup('<span class="number">{}</span> ').format(heading.number) if heading.number else Markup("")


def _chapters(body: Iterable[Block]) -> Markup:
    """The blocks, each chapter in a <section>."""
    chapters: list[list[Block]] = [[]]
    for block in body:
        if isinstance(block, Heading) and block.level == 1:
            chapters.append([])
        chapters[-1].append(block)
    return Markup("\n").join(
        Markup("<section>\n{}\n</section>").format(_blocks(blocks)) for blocks in chapters if blocks
    )


def _blocks(blocks: Iterable[Block]) -> Markup:
    return Markup("\n").join(map(_block, blocks))


def _block(block: Block) -> Markup:
    if isinstance(block, Heading):
        return Markup('<h{0} id="{1}" dir="auto">{2}{3}</h{0}>').format(
            block.level + 1, block.anchor, _number(block), _text(block.text)
        )
    if isinstance(block, Paragraph):
        return Markup('<p dir="auto">{}</p>').format(_text(block.text))
    if isinstance(block, Listing):
        return _listing(block)
    if isinstance(block, Quote):
        return Markup("<blockquote>{}</blockquote>").format(_blocks(block.blocks))
    if isinstance(block, Code):
        return Markup('<pre tabindex="0">{}</pre>').format(block.text)
    if isinstance(block, Notice):
        return Markup('<p class="notice" role="note"><strong>Note.</strong> {}</p>').format(block.text)
    if isinstance(block, Table):
        return _scores(block) if block.role == "scores" and len(block.rows) == 2 else _table(block)
    if isinstance(block, Figure):
        return _figure(block)
    if isinstance(block, Html):
        return Markup('<div class="cell">{}</div>').format(Markup(block.html))  # noqa: S704 - sanitised
    return Markup("<hr>")


def _listing(listing: Listing) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(_item(item)) for item in listing.items)
    if listing.ordered:
        return Markup('<ol start="{}">{}</ol>').format(listing.start, items)
    return Markup("<ul>{}</ul>").format(items)


def _item(blocks: tuple[Block, ...]) -> Markup:
    # A list of one-paragraph items is set tight.
    if len(blocks) == 1 and isinstance(blocks[0], Paragraph):
        return Markup('<span dir="auto">{}</span>').format(_text(blocks[0].text))
    return _blocks(blocks)


def _text(text: Text) -> Markup:
    return Markup("").join(map(_run, text))


def _run(run: Run) -> Markup:
    it = Markup("<br>") if run.line_break else _breakable(run.text)
    for tag, wanted in (("code", run.code), ("strong", run.bold), ("em", run.italic), ("s", run.strike)):
        if wanted and it:
            it = Markup("<{0}>{1}</{0}>").format(Markup(tag), it)  # noqa: S704 - one of the four above
    if run.anchor:
        it = Markup('<a id="{}"></a>').format(run.anchor) + it
    if run.link and re.match(r"(https?://|mailto:|#)", run.link):
        it = Markup('<a href="{}">{}</a>').format(run.link, it)
    return it


def _breakable(text: str) -> Markup:
    """The text, escaped, with <wbr> where a long word may be broken."""
    return Markup("<wbr>").join(broken(text).split("\u200b"))


def _table(table: Table) -> Markup:
    """A table that scrolls by itself where it is wider than the page."""
    caption = Markup("<caption>{} {}</caption>").format(_label("Table", table.number), _text(table.caption))
    head = _row("th", table.header, table.aligns) if any(table.header) else Markup("")
    rows = Markup("\n").join(_row("td", row, table.aligns) for row in table.rows)
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table class="{role}">{caption}\n'
        "{head}<tbody>\n{rows}\n</tbody></table></div>"
    ).format(
        label=plain(table.caption) or "Table",
        role=table.role,
        caption=caption if table.number else "",
        head=Markup("<thead>{}</thead>\n").format(head) if head else "",
        rows=rows,
    )


def _label(kind: str, number: int) -> Markup:
    return Markup('<span class="label">{} {}</span>').format(kind, number)


def _row(tag: str, cells: tuple[Text, ...], aligns: tuple[str, ...]) -> Markup:
    scope = Markup(' scope="col"') if tag == "th" else Markup("")
    sides = (*aligns, *["left"] * len(cells))
    row = (
        Markup('<{0}{1}{2} dir="auto">{3}</{0}>').format(Markup(tag), scope, _side(side), _text(cell))  # noqa: S704 - th or td
        for cell, side in zip(cells, sides, strict=False)
    )
    return Markup("<tr>{}</tr>").format(Markup("").join(row))


def _side(side: str) -> Markup:
    return Markup(' class="{}"').format(side) if side != "left" else Markup("")


def _scores(table: Table) -> Markup:
    """The figures that sum up the design, as tiles of a description list."""
    values, notes = table.rows
    tiles = (
        Markup('<div class="{}"><dt>{}</dt><dd>{}</dd><dd class="note">{}</dd></div>').format(
            tone(note), _text(title), _text(value), _text(note)
        )
        for title, value, note in zip(table.header, values, notes, strict=False)
    )
    return Markup('<dl class="scores">{}</dl>').format(Markup("").join(tiles))


def _figure(figure: Figure) -> Markup:
    """A picture with its caption; the script adds the buttons that enlarge it."""
    return Markup(
        '<figure id="figure-{number}">\n<div class="picture" tabindex="0" role="group" '
        'aria-label="Figure {number}, can be enlarged" style="--width: {width:.0f}px">{picture}</div>\n'
        "<figcaption>{label} {caption}</figcaption></figure>"
    ).format(
        number=figure.number,
        width=figure.width,
        picture=_picture(figure),
        label=_label("Figure", figure.number),
        caption=_text(figure.caption),
    )


def _picture(figure: Figure) -> Markup:
    # A style sheet within a picture would apply to the whole page, so such a picture is kept apart as an image.
    if "<style" in figure.svg:
        data = base64.b64encode(figure.svg.encode()).decode()
        return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(figure.alt, data)
    label = Markup('<svg role="img" aria-label="{}" ').format(figure.alt)
    return Markup(re.sub(r"^<svg\b", lambda _: str(label), _unlabelled(figure.svg), count=1))  # noqa: S704 - sanitised


def _unlabelled(svg: str) -> str:
    """The picture without a label of its own on its first tag, so that there is one only."""
    head, close, rest = svg.partition(">")
    return (
        re.sub(r"""\s(role|aria-label|aria-labelledby|aria-describedby)=("[^"]*"|'[^']*')""", "", head) + close + rest
    )
