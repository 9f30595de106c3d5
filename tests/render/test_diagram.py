"""The pictures of a topology: complete, legible, harmless, and the same everywhere."""

from __future__ import annotations

import base64
import io
import math
import os
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from devops_workbook.design.model import Boundary, Component, Connection, Topology
from devops_workbook.render import diagram
from devops_workbook.render.diagram import engine, geometry, icons, layout, ranks, scene, svg, text

SVG = "{http://www.w3.org/2000/svg}"
SAMPLES = sorted((Path(__file__).parent / "topologies").glob("*.toml"))
HOSTILE = (
    "<script>alert(1)</script>",
    "{{ config }} ${jndi:ldap://x} `rm -rf /`",
    "quotes \" and ' and ]]> and --> and &amp;",
    "\\N \\G \\E \\l \\",
    "# a heading\nand a second line\ttab",
    "\u202eright to left\u202c שלום مرحبا",
    "👩‍👩‍👧‍👦 family and 🏳️‍🌈",
    "\x00\x07\x1b[31m\x7f\x85\ufffe\ud800",
    "x" * 10_000,
    "word " * 2_000,
    "",
    " ",
    '"]; malicious [shape=none, URL="javascript:alert(1)"];',
)


def load(file: Path) -> Topology:
    """The topology in a TOML file of this folder."""
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    components = (
        Component(id, role, service, title, icon, home, "", region, zones, count, sku, tuple(views.split()))
        for id, role, service, title, icon, home, region, zones, count, sku, views in data["components"]
    )
    connections = (
        Connection(
            *(source, target, kind, label, protocol, port, encrypted),
            crosses=crosses,
            views=tuple(views.split()),
        )
        for source, target, kind, label, protocol, port, encrypted, crosses, views in data["connections"]
    )
    return Topology(tuple(Boundary(*row) for row in data["boundaries"]), tuple(components), tuple(connections))


TOPOLOGIES = {file.stem: load(file) for file in SAMPLES}
LARGE, SMALL = TOPOLOGIES["aws-multi-region"], TOPOLOGIES["gcp-single-zone"]
PICTURES = [(name, view.id) for name, topology in TOPOLOGIES.items() for view in diagram.views(topology)]
every_picture = pytest.mark.parametrize(("name", "view"), PICTURES)


def parse(drawing: diagram.Drawing) -> ET.Element:
    """The SVG as a tree; fails if it is not well-formed XML."""
    return ET.fromstring(drawing.svg)


def classed(root: ET.Element, name: str) -> list[ET.Element]:
    """The elements that carry a class."""
    return [element for element in root.iter() if name in element.get("class", "").split()]


def laid_out(topology: Topology, view: str) -> tuple[scene.Scene, layout.Layout]:
    """A view's scene and layout."""
    built = scene.build(topology, scene.view_of(topology, view))
    return built, layout.lay_out(built)


def two_components(title: str, **changes: object) -> Topology:
    """A topology with text of our choice in every place that holds text."""
    ends = [
        Component(id, "compute", "", title, "aws.compute.EC2", "home", "", sku=title[:50], views=("runtime", "network"))
        for id in ("a", "b")
    ]
    connection = Connection("a", "b", "request", title, title, 443, False, views=("runtime", "network"))
    home = Boundary("home", "region", title)
    return replace(Topology((home,), tuple(ends), (connection,)), **changes)  # type: ignore[arg-type]


# What is shown -------------------------------------------------------------------------------------------


def test_views_that_apply() -> None:
    """A view applies if something is in it; recovery needs a second region."""
    assert [view.id for view in diagram.views(LARGE)] == ["runtime", "network", "delivery", "operations", "recovery"]
    assert [view.id for view in diagram.views(SMALL)] == ["runtime", "network", "delivery", "operations"]
    assert all(view.title and view.caption.endswith(".") for view in diagram.views(LARGE))
    assert diagram.views(Topology((), (), ())) == ()


def test_single_region_has_no_recovery_view_even_if_components_ask_for_it() -> None:
    asking = tuple(replace(component, views=(*component.views, "recovery")) for component in SMALL.components)
    assert "recovery" not in [view.id for view in diagram.views(replace(SMALL, components=asking))]


def test_a_view_that_does_not_apply_names_those_that_do() -> None:
    with pytest.raises(KeyError, match="runtime, network, delivery, operations"):
        diagram.draw(SMALL, "recovery")


@every_picture
def test_every_component_is_drawn_once_and_every_connection_is_in_a_line(name: str, view: str) -> None:
    topology = TOPOLOGIES[name]
    built, placed = laid_out(topology, view)
    root = parse(diagram.draw(topology, view))
    here = [component for component in topology.components if view in component.views]
    assert len(classed(root, "node")) == len(here) == len(placed.boxes)
    drawn = Counter(connection for line in built.lines for connection in line.connections)
    ids = {component.id for component in here}
    assert drawn == Counter(c for c in topology.connections if view in c.views and {c.source, c.target} <= ids)
    assert len(classed(root, "line")) == len(built.lines)


def test_counts_and_sizes_are_shown() -> None:
    root = parse(diagram.draw(LARGE, "runtime"))
    card = next(node for node in classed(root, "node") if node.get("id") == "runtime-node-compute")
    assert " ".join(line.text or "" for line in card.iter(f"{SVG}text")) == "Amazon EKS ×6 · 3 zones m7g.large"


def test_telemetry_of_a_boundary_becomes_one_line_that_counts() -> None:
    built, _ = laid_out(LARGE, "operations")
    metrics = [line for line in built.lines if line.kind == "telemetry" and line.target == "metrics"]
    assert [(line.from_frame, line.label.replace(scene.NO_BREAK, " ")) for line in metrics] == [
        ("", "metrics"),
        ("eu-west-1", "metrics (7 of 8)"),
    ]


def test_telemetry_within_one_boundary_is_merged_too() -> None:
    """Everything, the telemetry service included, in one boundary: the watched are set apart and merged."""
    home = Boundary("home", "region", "Region")
    services = [
        Component(f"s{at}", "compute", "", f"Service {at}", "", "home", "", views=("operations",)) for at in range(9)
    ]
    metrics = Component("metrics", "metrics", "", "Metrics", "", "home", "", views=("operations",))
    reports = [
        Connection(s.id, "metrics", "telemetry", "metrics", "https", 443, views=("operations",)) for s in services
    ]
    built, _ = laid_out(Topology((home,), (*services, metrics), tuple(reports)), "operations")
    assert [line.label for line in built.lines] == ["metrics (all\u00a09)"]


def test_opposite_connections_that_say_the_same_share_a_line() -> None:
    connections = [Connection(*ends, "replication", "sync", "tcp", 1) for ends in (("a", "b"), ("b", "a"))]
    built, placed = laid_out(two_components("x", connections=tuple(connections)), "runtime")
    assert [line.both for line in built.lines] == [True]
    assert placed.routes[0].head
    assert placed.routes[0].tail


def test_network_lines_say_protocol_and_port_and_what_is_not_encrypted() -> None:
    built, _ = laid_out(SMALL, "network")
    assert [line.label for line in built.lines] == ["https:443", "http:8080 unencrypted", "postgres:5432"]


def test_network_view_shows_subnets_with_their_zones_and_other_views_do_not() -> None:
    tags = {label.tag for label in laid_out(LARGE, "network")[1].labels.values()}
    assert {"OUTSIDE", "MANAGED", "REGION", "NETWORK", "SUBNET · 3 ZONES"} == tags
    assert {frame.kind for frame in laid_out(LARGE, "runtime")[0].frames} == {"external", "provider", "region"}


@every_picture
def test_legend_explains_the_styles_used_and_no_others(name: str, view: str) -> None:
    root = parse(diagram.draw(TOPOLOGIES[name], view))
    used = {kind for line in classed(root, "line") for kind in line.get("class", "").split()} - {"line"}
    explained = {kind for entry in classed(root, "legend") for kind in entry.get("class", "").split()} - {"legend"}
    assert explained == used


def test_line_styles_differ_without_colour() -> None:
    styles = [(style.dash, style.arrow, style.width) for style in svg.LINE_STYLES.values()]
    assert len(set(styles)) == len(styles)


# Words ---------------------------------------------------------------------------------------------------


@every_picture
def test_the_words_say_what_the_picture_shows(name: str, view: str) -> None:
    topology = TOPOLOGIES[name]
    drawing = diagram.draw(topology, view)
    shown = [component for component in topology.components if view in component.views]
    assert [row.component for row in drawing.table] == [component.title for component in shown]
    assert all(component.title in drawing.alt for component in shown)
    connections = scene.build(topology, scene.view_of(topology, view)).connections
    assert sum(len(row.connects_to) for row in drawing.table) == len(connections)


def test_a_row_tells_what_where_and_how() -> None:
    row = next(row for row in diagram.draw(LARGE, "runtime").table if row.component == "Amazon Aurora PostgreSQL")
    assert row.what == "database, ×3 · 3 zones · db.r7g.xlarge"
    assert row.where == "Ireland (eu-west-1) > Production network 10.20.0.0/16 > Isolated data subnets"
    assert row.connects_to[1] == (
        "Amazon Aurora PostgreSQL replica (replication, physical replication, postgres:5432, encrypted, crosses region)"
    )


def test_hints_links_and_names_for_assistive_technology() -> None:
    drawing = diagram.draw(
        SMALL, "runtime", hints={"database": "Cloud SQL\n$ 9 a month"}, links={"database": '#decision"&<x'[:9]}
    )
    root = parse(drawing)
    link = next(root.iter(f"{SVG}a"))
    assert link.get("href") == "#decision"
    assert link.get("aria-label") == "Cloud SQL for PostgreSQL"
    assert [title.text for title in link.iter(f"{SVG}title")] == ["Cloud SQL\n$ 9 a month"]
    assert root.get("role") == "group"
    assert root.get("aria-label") == "Runtime view"
    description = next(root.iter(f"{SVG}desc"))
    assert description.get("id") == root.get("aria-describedby")
    assert description.text == drawing.alt
    titles = [node.find(f"{SVG}title") for node in classed(root, "node")]
    assert all(title is not None and title.text for title in titles)


@pytest.mark.parametrize("href", ["javascript:alert(1)", "data:text/html,x", '#x" onload="y', "//host", " #x"])
def test_other_links_are_refused(href: str) -> None:
    with pytest.raises(ValueError, match="links to a #fragment"):
        diagram.draw(SMALL, "runtime", links={"database": href})


# Legibility ----------------------------------------------------------------------------------------------


@every_picture
def test_nothing_covers_a_label(name: str, view: str) -> None:
    """No two cards, labels of lines or titles of frames overlap, and all are on the canvas."""
    _, placed = laid_out(TOPOLOGIES[name], view)
    labels = [route.label for route in placed.routes if route.label]
    solid = [*placed.boxes.values(), *labels, *placed.titles.values()]
    assert [(one, other) for one, other in combinations(solid, 2) if one.overlap(other) > 0.5] == []
    canvas = geometry.Box(-1, -1, placed.width + 2, placed.height + 2)
    assert all(canvas.encloses(box) for box in solid)


@every_picture
def test_frames_hold_their_components_and_no_others(name: str, view: str) -> None:
    built, placed = laid_out(TOPOLOGIES[name], view)
    parents = {frame.id: frame.parent for frame in built.frames}
    for component in built.components:
        around, frame = set(), built.homes[component.id]
        while frame:
            around.add(frame)
            frame = parents[frame]
        for id, area in placed.areas.items():
            box = placed.boxes[component.id]
            assert area.encloses(box) if id in around else area.overlap(box) == 0, (component.id, id)


@every_picture
def test_labels_are_beside_their_own_line(name: str, view: str) -> None:
    _, placed = laid_out(TOPOLOGIES[name], view)
    for route in placed.routes:
        if route.label:
            near = replace(
                route.label,
                x=route.label.x - 8,
                y=route.label.y - 8,
                width=route.label.width + 16,
                height=route.label.height + 16,
            )
            assert any(near.holds(point) for point in geometry.samples(route.points, 24)), route


@every_picture
def test_the_legend_is_below_everything_and_all_text_is_on_the_card(name: str, view: str) -> None:
    drawing = diagram.draw(TOPOLOGIES[name], view)
    _, placed = laid_out(TOPOLOGIES[name], view)
    for entry in classed(parse(drawing), "legend"):
        label = next(entry.iter(f"{SVG}text"))
        left, base = float(label.get("x", "")), float(label.get("y", ""))
        assert base - layout.LABEL_SIZE > placed.height
        assert base + 3 < drawing.height - 10
        assert left + text.width(label.text or "", layout.LABEL_SIZE) < drawing.width - 10


@every_picture
def test_card_text_fits_its_card(name: str, view: str) -> None:
    _, placed = laid_out(TOPOLOGIES[name], view)
    for card in placed.cards.values():
        for lines, size, bold in ((card.title, layout.TITLE_SIZE, True), (card.detail, layout.DETAIL_SIZE, False)):
            assert all(text.width(line, size, bold=bold) <= card.width - 8 for line in lines)


def test_large_pictures_suit_a_landscape_page() -> None:
    for view in diagram.views(LARGE):
        drawing = diagram.draw(LARGE, view.id)
        assert 1.1 <= drawing.width / drawing.height <= 2.6, view.id


def test_columns_read_from_left_to_right() -> None:
    """Requests lead right, each frame stands right of the one before it, and the way out leads back left."""
    _, placed = laid_out(LARGE, "network")
    path = [placed.boxes[id].x for id in ("users", "cdn", "waf", "gateway", "lb", "compute", "endpoints", "objects")]
    assert path == sorted(path)
    order = [placed.areas[id] for id in ("internet", "edge", "eu-west-1")]
    inner = [placed.areas[id] for id in ("managed before", "vpc", "managed")]
    for row in (order, inner):
        assert all(one.x + one.width <= other.x for one, other in pairwise(row))
    assert placed.boxes["nat"].x < placed.boxes["compute"].x


def test_a_copy_in_another_region_is_in_the_column_of_its_original() -> None:
    _, placed = laid_out(LARGE, "recovery")
    for one, other in (("database", "database2"), ("vault", "vault2"), ("lb", "lb2"), ("compute", "compute2")):
        assert placed.boxes[one].centre[0] == pytest.approx(placed.boxes[other].centre[0], abs=1), one


def test_managed_services_before_and_behind_the_network_get_a_frame_each() -> None:
    built, _ = laid_out(LARGE, "network")
    members = {frame.id: {c for c, home in built.homes.items() if home == frame.id} for frame in built.frames}
    assert members["managed before"] == {"gateway"}
    assert members["managed"] == {"objects", "queue", "secrets", "keys"}


def test_a_remark_in_brackets_gives_way_to_the_name() -> None:
    title = "Amazon Elastic Container Service (Amazon ECS) on AWS Fargate"
    _, placed = laid_out(two_components(title), "runtime")
    assert " ".join(placed.cards["a"].title) == "Amazon Elastic Container Service on AWS Fargate"
    assert " ".join(laid_out(two_components("Amazon EKS (x)"), "runtime")[1].cards["a"].title) == "Amazon EKS (x)"


# Text ----------------------------------------------------------------------------------------------------


def test_widths_are_those_of_helvetica() -> None:
    """The word Hello in 10 pt Helvetica is 22.78 pt wide; we add a little."""
    assert 22.78 < text.width("Hello", 10) < 22.78 * 1.06
    assert text.width("Hello", 10, bold=True) > text.width("Hello", 10)
    assert text.width("日本", 10) >= 20
    assert text.width("e\u0301\u200d", 10) == text.width("é", 10) == text.width("e", 10)


def test_wrapping_breaks_between_words_then_within_then_gives_up() -> None:
    assert text.wrap("one two three", 10, 45, 3) == ("one two", "three")
    assert text.wrap("one two three four", 10, 45, 1) == ("one tw…",)
    assert text.wrap("a" * 30, 10, 60, 9) == ("a" * 10, "a" * 10, "a" * 10)
    assert text.wrap("pitr-cross-region", 10, 60, 2) == ("pitr-cross-", "region")
    assert text.wrap("", 10, 60, 2) == text.wrap(" \n", 10, 60, 2) == ()
    assert text.wrap("stop (4\u00a0of\u00a05)", 10, 50, 2) == ("stop", "(4\u00a0of\u00a05)")


@given(st.text(max_size=700), st.integers(1, 4))
def test_wrapped_lines_fit(words: str, lines: int) -> None:
    wrapped = text.wrap(words, 10, 80, lines)
    assert len(wrapped) <= lines
    assert all(text.width(line, 10) <= 80.01 for line in wrapped)


@given(st.text(max_size=50) | st.sampled_from(HOSTILE))
def test_escaped_text_is_that_text_again(words: str) -> None:
    """XML gives back what went in, but for what XML cannot hold, and for line ends, which it normalises."""
    root = ET.fromstring(f'<a b="{text.escape(words)}">{text.escape(words)}</a>')
    expected = text._legal(words)
    assert (root.text or "") == expected.replace("\r\n", "\n").replace("\r", "\n")
    assert len(root.get("b", "")) == len(expected.replace("\r\n", "\n"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_only_text(hostile: str) -> None:
    topology = two_components(hostile)
    drawing = diagram.draw(topology, "runtime", hints={"a": hostile}, links={"a": "#a"})
    root = parse(drawing)
    allowed = {"svg", "desc", "title", "rect", "defs", "image", "use", "g", "text", "path", "a"}
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= allowed
    assert not [key for element in root.iter() for key in element.attrib if key.lower().startswith("on")]
    assert len(classed(root, "node")) == 2
    assert len(drawing.svg) < 120_000
    assert drawing.width < 800
    assert drawing.height < 400
    if hostile.strip():
        title = next(node for node in classed(root, "node")).find(f"{SVG}title")
        assert title is not None
        assert title.text == text._legal(hostile)
        assert hostile in drawing.alt
        assert drawing.table[0].component == hostile


def test_no_text_of_a_design_reaches_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def listen(dot: str) -> str:
        seen.append(dot)
        return engine.coordinates(dot)

    monkeypatch.setattr(layout, "coordinates", listen)
    for hostile in HOSTILE:
        diagram.draw(two_components(hostile), "network")
    assert seen
    assert all(set(dot) <= set(' \n\\.,=_-+>{}[]";0123456789abcdefghijklmnopqrstuvwxyzCLR') for dot in seen)


# The file ------------------------------------------------------------------------------------------------


@every_picture
def test_the_svg_is_small_and_self_contained(name: str, view: str) -> None:
    drawing = diagram.draw(TOPOLOGIES[name], view)
    root = parse(drawing)
    assert len(drawing.svg) < 120_000
    ids = [element.get("id", "") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(id == view or id.startswith(f"{view}-") for id in ids)
    hrefs = [element.get("href", "") for element in root.iter() if element.get("href")]
    assert all(href.startswith("data:image/png;base64,") or href[1:] in ids for href in hrefs)
    assert "/site-packages/" not in drawing.svg
    assert "file:" not in drawing.svg
    assert drawing.svg.replace("http://www.w3.org/2000/svg", "").count("://") == 0


def test_each_icon_is_embedded_once_at_twice_its_size() -> None:
    root = parse(diagram.draw(LARGE, "recovery"))
    images = list(root.iter(f"{SVG}image"))
    shown = [component.icon for component in LARGE.components if "recovery" in component.views]
    assert len(images) == len(set(shown)) < len(shown) == len(list(root.iter(f"{SVG}use")))
    for image in images:
        data = base64.b64decode((image.get("href") or "").partition(",")[2])
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert picture.size == (2 * layout.ICON, 2 * layout.ICON)


def test_icons_survive_our_own_compression() -> None:
    """Pillow reads back, pixel for pixel, the palette picture that was written."""
    data = bytes(range(256)) * 9 + b"\0" * 600 + b"abc" * 200
    picture = Image.frombytes("P", (48, len(data) // 48), data[: len(data) // 48 * 48])
    picture.putpalette([value for colour in range(256) for value in (colour, 255 - colour, 7, 255)], "RGBA")
    with Image.open(io.BytesIO(icons._png(picture))) as read:
        assert list(read.convert("RGBA").tobytes()) == list(picture.convert("RGBA").tobytes())


UNKNOWN = (
    *("", "nonsense", "a.b.c.d", "../x.y.z", "aws.nowhere.EC2", "aws.compute.NoSuchThing", "aws.compute._Compute"),
    *("aws.compute.__name__", "aws.compute.EC2\n", "generic.Node", "cli.main", "custom.Custom", "generic.blank.Blank"),
)


@pytest.mark.parametrize("icon", UNKNOWN)
def test_an_unknown_icon_becomes_the_generic_one(icon: str) -> None:
    topology = two_components("Thing")
    broken = replace(topology, components=tuple(replace(c, icon=icon) for c in topology.components))
    images = list(parse(diagram.draw(broken, "runtime")).iter(f"{SVG}image"))
    assert [image.get("id") for image in images] == ["runtime-icon-generic_2e_Generic"]
    assert images[0].get("href", "").startswith("data:image/png")


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_samples_use_icons_that_exist(name: str) -> None:
    assert [c.icon for c in TOPOLOGIES[name].components if icons.resolve(c.icon) == icons.GENERIC] == []


@every_picture
def test_the_same_topology_gives_the_same_bytes(name: str, view: str) -> None:
    first = diagram.draw(TOPOLOGIES[name], view)
    engine._run.cache_clear()
    icons.data_uri.cache_clear()
    assert diagram.draw(TOPOLOGIES[name], view) == first


def test_another_process_gives_the_same_bytes() -> None:
    """Hash seed, working directory, home and locale make no difference."""
    script = "import sys, test_diagram as t; sys.stdout.buffer.write(t.diagram.draw(t.LARGE, 'network').svg.encode())"
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": path, "LC_ALL": "C"}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd="/", env=env, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == diagram.draw(LARGE, "network").svg.encode()


def test_threads_draw_what_one_thread_draws() -> None:
    jobs = [(TOPOLOGIES[name], view) for name, view in PICTURES] * 4
    expected = [diagram.draw(*job) for job in jobs]
    engine._run.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda job: diagram.draw(*job), jobs)) == expected


# Odd topologies ------------------------------------------------------------------------------------------


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    """Any small topology, with circular and missing boundaries, loops and unknown kinds among them."""
    ids = [f"c{at}" for at in range(draw(st.integers(1, 7)))]
    homes = st.sampled_from(["b0", "b1", "b2", "b3", "missing", ""])
    kinds = st.sampled_from(["external", "provider", "region", "network", "subnet", "system", "odd"])
    boundaries = [Boundary(f"b{at}", draw(kinds), "Boundary", draw(homes)) for at in range(4)]
    views = ("runtime", "network", "operations")
    components = [Component(id, "compute", "", "A title", "", draw(homes), "", views=views) for id in ids]
    styles = st.sampled_from([*svg.LINE_STYLES, "odd"])
    ends = st.tuples(st.sampled_from(ids), st.sampled_from(ids), styles, st.sampled_from(["", "does"]))
    connections = [Connection(*end, "https", 443, views=views) for end in draw(st.lists(ends, max_size=14))]
    return Topology(tuple(boundaries), tuple(components), tuple(connections))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(topologies())
def test_any_topology_can_be_drawn(topology: Topology) -> None:
    for view in diagram.views(topology):
        root = parse(diagram.draw(topology, view.id))
        assert len(classed(root, "node")) == len(topology.components)


def test_a_native_dot_is_used_when_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It gets the graph, and its answer is used; if it cannot run, the error names the variable."""
    built, _ = laid_out(SMALL, "delivery")
    answer = engine.coordinates("\n".join(layout._dot(layout._Plan(built), ranks.hints(built))))
    (tmp_path / "answer.json").write_text(answer, encoding="utf-8")
    dot = tmp_path / "dot"
    dot.write_text(f'#!/bin/sh\ntest "$1" = -Tjson0 && cat "{tmp_path}/answer.json"\n', encoding="utf-8")
    dot.chmod(0o755)
    expected = diagram.draw(SMALL, "delivery")
    monkeypatch.setenv("DEVOPS_WORKBOOK_DOT", str(dot))
    assert diagram.draw(SMALL, "delivery") == expected
    monkeypatch.setenv("DEVOPS_WORKBOOK_DOT", str(tmp_path / "missing"))
    with pytest.raises(diagram.LayoutError, match="DEVOPS_WORKBOOK_DOT"):
        diagram.draw(SMALL, "delivery")


def test_the_engine_outlives_a_graph_it_refuses() -> None:
    diagram.warm_up()
    with pytest.raises(diagram.LayoutError):
        engine.coordinates("this is not a graph {")
    assert engine.coordinates("digraph { c -> d }")


def test_arrowheads_point_along_their_line() -> None:
    for shape in ("filled", "open", "hollow", "diamond"):
        style = replace(svg.LINE_STYLES["request"], arrow=shape)
        assert "NaN" not in svg._arrow(style, (0.0, 0.0), (0.0, 0.0))
        assert not math.isnan(len(svg._arrow(style, (0.0, 0.0), (8.0, 0.0))))
