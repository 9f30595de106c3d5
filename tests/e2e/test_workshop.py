"""The workshop as a person meets it: a real JupyterLab in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, run_all, settled
from playwright.sync_api import expect

from devops_workbook.evaluate import evaluate
from devops_workbook.render.figures import scores
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import load

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]
expect.set_options(timeout=30_000)  # a machine of two cores may have other work

Picture = Callable[..., None]
HOSTILE = (
    '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script> {{7*7}} `$(id)` \\ # מרחבא 👩‍💻 $5 and $6 '
)


def slot(page: Any, name: str) -> Any:
    """One slot of the board."""
    return page.locator(f".dw-root [data-slot='{name}']")


def control(page: Any, field: str) -> Any:
    """The control of a requirement."""
    return page.locator(f".dw-root [data-action='set'][data-field='{field}']")


def open_group(page: Any, name: str) -> None:
    part = page.locator(f".dw-root details[data-key='group-{name}']")
    if part.get_attribute("open") is None:
        part.locator("> summary").click()


def put(page: Any, field: str, value: str) -> None:
    """Type a value into a control and leave it."""
    control(page, field).fill(value)
    control(page, field).press("Tab")
    settled(page)


def decision(page: Any, field_id: str) -> Any:
    """A decision, opened with everything around it."""
    part = page.locator(f".dw-root [data-key='decision-{field_id}']")
    part.evaluate("node => { for (let n = node; n; n = n.parentElement.closest('details')) n.open = true; }")
    part.locator("select").wait_for()
    settled(page)
    return part


def expect_figures(page: Any, requirements: Requirements) -> None:
    """The score strip says what these requirements evaluate to."""
    for score in scores(evaluate(requirements)):
        value = page.locator(f".dw-root [data-score='{score.id}'] .dw-value")
        # A figure that opens to its evidence is the line that opens it.
        expect(value.locator("summary") if score.evidence else value).to_have_text(score.text)


def test_six_changes_are_followed_by_figures_diagram_and_plan(board: Any, lab: Lab, picture: Picture) -> None:
    wanted = load(lab.folder / "scenarios" / "startup-web-shop.yaml").requirements
    expect_figures(board, wanted)
    for group in ("platform", "workload", "reliability", "security", "operations", "priorities"):
        open_group(board, group)

    other = next(p for p in ("aws", "gcp") if p != wanted.provider)
    control(board, "provider").and_(board.locator(f"[value='{other}']")).check()
    settled(board)
    put(board, "peak_rps", "2500")
    put(board, "availability_target_pct", "99.99")
    control(board, "compliance").and_(board.locator("[value='pci-dss']")).check()
    settled(board)
    control(board, "log_retention_days").fill("400")
    control(board, "log_retention_days").press("Enter")
    settled(board)
    control(board, "priority_resilience").focus()
    control(board, "priority_resilience").press("End")
    settled(board)

    changed = {
        "provider": other, "region": "", "secondary_region": "", "peak_rps": 2500.0, "availability_target_pct": 99.99,
        "compliance": (*wanted.compliance, "pci-dss"), "log_retention_days": 400, "priority_resilience": 5,
    }  # fmt: skip
    wanted = wanted.model_copy(update={**changed, "compliance": tuple(dict.fromkeys(changed["compliance"]))})
    now = evaluate(wanted)
    expect_figures(board, wanted)
    for made in now.plan.decisions:
        line = slot(board, f"decision_{made.id.replace('.', '_')}").locator(".dw-choice")
        assert line.text_content() == made.choice.title
    titles = [c.title for c in now.topology.components if "runtime" in c.views]
    drawn = slot(board, "diagram").locator("svg").first.text_content()
    assert [title for title in titles if title.split()[0] not in drawn] == []
    picture(board)


def test_every_view_is_drawn_and_its_nodes_lead_to_decisions(board: Any, picture: Picture) -> None:
    views = slot(board, "diagram").locator("[data-view]").all_text_contents()
    assert views[:4] == ["Runtime", "Network", "Delivery", "Operations"]
    for name in views:
        board.get_by_role("button", name=name, exact=True).click()
        settled(board)
        expect(slot(board, "diagram").locator(f"svg[id='{name.lower()}']")).to_be_visible()
        picture(board, f"-{name.lower()}")
    board.get_by_role("button", name="Runtime", exact=True).click()
    settled(board)
    node = slot(board, "diagram").locator("a[href='#board-infrastructure-compute']").first
    assert "a month" in node.locator("title").first.text_content()
    node.click()
    opened = board.locator("[data-key='decision-infrastructure.compute']")
    expect(opened.locator("select")).to_be_visible()
    expect(opened).to_be_in_viewport()


def test_a_decision_is_overridden_priced_and_given_back(board: Any, picture: Picture) -> None:
    part = decision(board, "infrastructure.compute")
    before = part.locator(".dw-choice").text_content()
    choice = part.locator("select")
    other = next(
        o for o in choice.locator("option").all() if "(score" in o.text_content() and before not in o.text_content()
    )
    title = other.text_content().partition(" (score")[0]
    choice.select_option(other.get_attribute("value"))
    settled(board)
    expect(part.locator(".dw-choice")).to_have_text(title)
    expect(part.locator("> summary .dw-badge").first).to_have_text("overridden")
    expect(part.locator(".dw-price")).to_contain_text(f"As decided by the method this would be {before}")
    expect(choice).to_be_visible()
    picture(board)
    choice.select_option("")
    settled(board)
    expect(part.locator(".dw-choice")).to_have_text(before)
    assert part.locator(".dw-price").count() == 0


def test_a_way_out_is_taken_and_undone(board: Any) -> None:
    put(board, "peak_rps", "5000")
    open_group(board, "budget")
    put(board, "monthly_budget_usd", "10")
    findings = slot(board, "findings").locator(".dw-finding")
    dear = findings.filter(has=board.locator("[data-change*='monthly_budget_usd']")).first
    dear.locator("[data-change*='monthly_budget_usd']").first.click()
    settled(board)
    assert float(control(board, "monthly_budget_usd").input_value()) > 10
    expect(board.locator(".dw-root [data-score='cost'] .dw-target")).to_contain_text("met: budget")
    board.get_by_role("button", name="Undo").click()
    settled(board)
    expect(control(board, "monthly_budget_usd")).to_have_value("10")
    expect(board.locator(".dw-root [data-score='cost'] .dw-target")).to_contain_text("missed: budget $10")


def test_what_a_person_arranged_stays_as_it_was(board: Any) -> None:
    """Open parts, scroll positions, focus, the selection, and the very elements survive every change."""
    part = decision(board, "scaling.capacity")
    part.locator("details.dw-evidence > summary").first.click()
    open_group(board, "data")
    put(board, "peak_rps", "700")
    state = """() => {
      const open = [...document.querySelectorAll('.dw-root details[open]')].map((part) => part.dataset.key);
      const [form, main] = ['.dw-form', '.dw-main'].map((name) => document.querySelector(name).scrollTop);
      const notebook = document.querySelector('.jp-WindowedPanel-outer').scrollTop;
      return {open, form, main, notebook, focus: document.activeElement.dataset.field};
    }"""
    board.evaluate("""() => {
      document.querySelector('.dw-form').scrollTop = 260;
      document.querySelector("[data-slot='decision_scaling_capacity'] .dw-evidence").scrollIntoView({block: 'center'});
      document.querySelector('.dw-board').dataset.same = 'yes';
      window.kept = [...document.querySelectorAll('.dw-root details[open], .dw-root input')];
    }""")
    field = control(board, "average_rps")
    field.focus()
    field.evaluate("input => input.select()")
    before = board.evaluate(state)
    for value in ("30", "35", "40"):
        field.fill(value)
        field.press("Enter")
        settled(board)
    after = board.evaluate(state)
    assert after["open"] == before["open"]
    assert after["focus"] == before["focus"] == "average_rps"
    assert {k: after[k] for k in ("form", "notebook")} == {k: before[k] for k in ("form", "notebook")}
    shown = board.locator("[data-slot='decision_scaling_capacity'] .dw-evidence").first
    expect(shown).to_be_in_viewport()
    assert board.evaluate("window.kept.every((node) => node.isConnected)")


def test_nothing_is_repainted_that_did_not_change(board: Any) -> None:
    open_group(board, "identity")
    board.evaluate("""() => {
      window.touched = new Set();
      new MutationObserver((records) => records.forEach((record) => {
        const node = record.target.nodeType === 1 ? record.target : record.target.parentElement;
        window.touched.add(node.closest('[data-slot]')?.dataset.slot);
      })).observe(document.querySelector('.dw-board'), {childList: true, subtree: true, characterData: true});
    }""")
    put(board, "owner", "Another team")
    touched = set(board.evaluate("[...window.touched]"))
    assert "heading" in touched
    assert not touched & {"diagram", "figures", "group_workload", "findings", "decision_infrastructure_compute"}


def test_fast_typing_is_never_overwritten(board: Any) -> None:
    field = control(board, "peak_rps")
    field.focus()
    for value in ("600", "601", "602", "603"):
        field.fill(value)
        field.press("Enter")
    field.fill("9")
    board.wait_for_timeout(600)
    expect(field).to_have_value("9")
    field.fill("900")
    field.press("Enter")
    settled(board)
    expect(field).to_have_value("900")


def test_an_error_is_shown_in_words_and_the_plan_stays(board: Any, picture: Picture) -> None:
    cost = board.locator(".dw-root [data-score='cost'] .dw-value").first.text_content()
    put(board, "average_rps", "999999")
    expect(slot(board, "notice")).to_contain_text("Average load")
    expect(slot(board, "notice")).to_contain_text("cannot exceed")
    assert control(board, "average_rps").get_attribute("aria-invalid") == "true"
    expect(board.locator(".dw-root [data-score='cost'] .dw-value").first).to_have_text(cost)
    picture(board)
    board.get_by_role("button", name="Undo").click()
    settled(board)
    expect(slot(board, "notice")).to_be_empty()


def test_a_scenario_is_loaded_changed_and_saved(board: Any, lab: Lab, picture: Picture) -> None:
    board.get_by_role("combobox", name="Scenario").select_option("back-office.yaml")
    board.get_by_role("button", name="Load").click()
    settled(board)
    wanted = load(lab.folder / "scenarios" / "back-office.yaml").requirements
    expect(slot(board, "heading")).to_contain_text(wanted.name)
    expect_figures(board, wanted)
    put(board, "peak_rps", "77")
    expect(slot(board, "files")).to_contain_text("not saved")
    board.get_by_role("combobox", name="Scenario").select_option("media-site.yaml")
    board.get_by_role("button", name="Load").click()
    expect(slot(board, "notice")).to_contain_text("changes that are not saved")
    picture(board)
    board.get_by_role("button", name="Keep my changes").click()
    settled(board)
    expect(control(board, "peak_rps")).to_have_value("77")
    board.get_by_role("textbox", name="File").fill("../back office 2")
    board.get_by_role("button", name="Save", exact=True).click()
    settled(board)
    expect(slot(board, "notice")).to_contain_text("Saved as")
    assert load(lab.folder / "scenarios" / "back-office-2.yaml").requirements.peak_rps == 77


def test_a_changed_file_is_not_overwritten_silently(board: Any, lab: Lab, picture: Picture) -> None:
    path = lab.folder / "scenarios" / "startup-web-shop.yaml"
    path.write_text(path.read_text() + "\n# a colleague's comment\n")
    put(board, "peak_rps", "88")
    board.get_by_role("button", name="Save", exact=True).click()
    settled(board)
    expect(slot(board, "notice")).to_contain_text("changed by someone else")
    picture(board)
    board.get_by_role("button", name="Save mine as").click()
    settled(board)
    assert load(path.with_name("startup-web-shop-2.yaml")).requirements.peak_rps == 88
    assert "a colleague's comment" in path.read_text()


def test_a_document_is_exported_with_progress_and_downloaded(
    board: Any, lab: Lab, tmp_path: Path, picture: Picture
) -> None:
    board.get_by_role("button", name="Export").click()
    expect(slot(board, "notice").locator("progress")).to_be_visible()
    put(board, "peak_rps", "99")
    download_button = board.get_by_role("button", name="Download").filter(has_text=".html")
    download_button.wait_for(timeout=120_000)
    picture(board)
    with board.expect_download() as caught:
        download_button.click()
    caught.value.save_as(tmp_path / "document.html")
    text = (tmp_path / "document.html").read_text()
    assert "<svg" in text
    assert load(lab.folder / "scenarios" / "back-office.yaml").requirements.name not in text
    assert {path.suffix for path in (lab.folder / "exports").iterdir()} >= {".html", ".pdf"}


def test_hostile_text_stays_text(board: Any, picture: Picture) -> None:
    open_group(board, "identity")
    put(board, "name", HOSTILE + "x" * 10_000)
    put(board, "owner", HOSTILE)
    control(board, "description").fill(HOSTILE * 20)
    control(board, "description").press("Tab")
    settled(board)
    assert HOSTILE.strip() in slot(board, "heading").locator("h2").text_content()
    expect(board.locator(".dw-static h2")).to_contain_text("onerror")
    assert board.evaluate("window.hacked") is None
    assert board.evaluate(
        "document.querySelector('.dw-board').scrollWidth <= document.querySelector('.dw-root').clientWidth"
    )
    picture(board)


def test_shortcuts_of_jupyterlab_do_not_fire_in_the_board(board: Any) -> None:
    cells = board.locator(".jp-Cell").count()
    board.get_by_role("combobox", name="Scenario").focus()
    for key in "abxdd":
        board.keyboard.press(key)
    board.get_by_role("button", name="Pin as baseline").focus()
    for key in "abxdd":
        board.keyboard.press(key)
    assert board.locator(".jp-Cell").count() == cells


def test_the_contents_lead_to_every_panel_and_section(board: Any) -> None:
    links = board.locator(".dw-root .dw-contents a")
    assert links.count() == 10
    for link in links.all():
        link.click()
        expect(board.locator(f".dw-root [id='{link.get_attribute('href')[1:]}']")).to_be_in_viewport()
    expect(board.locator("[data-key='section-cost']")).to_have_attribute("open", "")


def test_everything_is_reached_by_keyboard(board: Any) -> None:
    summary = board.locator("[data-key='decision-cicd.platform'] > summary")
    summary.focus()
    board.keyboard.press("Enter")
    select = board.locator("[data-key='decision-cicd.platform'] select")
    select.wait_for()
    settled(board)
    board.keyboard.press("Tab")
    assert board.evaluate("document.activeElement.dataset.field") == "cicd.platform"
    tab = slot(board, "diagram").locator("[data-view='delivery']")
    tab.focus()
    board.keyboard.press("Enter")
    settled(board)
    expect(tab).to_have_attribute("aria-pressed", "true")
    assert board.evaluate("document.activeElement.dataset.view") == "delivery"


def test_the_summary_cell_follows_the_board(board: Any) -> None:
    open_group(board, "identity")
    put(board, "name", "Renamed in the review")
    expect(board.locator(".dw-static h2")).to_have_text("Renamed in the review")


def test_a_reloaded_page_finds_the_board_and_a_lost_kernel_is_said(page: Any, lab: Lab) -> None:
    cells = ["from devops_workbook import Board\nboard = Board('scenarios/back-office.yaml')\nboard", "board.summary()"]
    name = lab.notebook("reloaded.ipynb", cells)
    run_all(page, lab.url(name))
    put(page, "peak_rps", "123")
    expect(page.locator(".dw-static .dw-value").first).to_have_text(
        page.locator(".dw-root .dw-value").first.text_content()
    )
    page.get_by_role("button", name="Save and create checkpoint").click()
    for _ in range(100):
        if "dw-static" in (lab.folder / name).read_text():
            break
        page.wait_for_timeout(100)
    page.reload()
    expect(control(page, "peak_rps")).to_have_value("123")
    put(page, "peak_rps", "124")
    expect(page.locator(".dw-root")).to_have_attribute("data-answered", "2")

    lab.stop_kernel_of(name)
    control(page, "peak_rps").fill("125")
    control(page, "peak_rps").press("Enter")
    expect(page.locator(".dw-silence")).to_be_visible()


def test_a_second_view_of_the_board_shows_the_same_state(page: Any, lab: Lab) -> None:
    cells = [
        "from devops_workbook import Board\nboard = Board('scenarios/back-office.yaml')\nboard",
        "board",
        _EXPORTED,
    ]
    run_all(page, lab.url(lab.notebook("twice.ipynb", cells)))
    expect(page.locator(".dw-root")).to_have_count(2)
    downloads: list[Any] = []
    page.on("download", lambda download: downloads.append(download))  # playwright marks the function it is given
    buttons = page.get_by_role("button", name="Download document.txt")
    expect(buttons).to_have_count(2)
    with page.expect_download():
        buttons.first.click()
    page.get_by_role("button", name="Close").first.click()
    expect(buttons).to_have_count(0)
    assert len(downloads) == 1
    first = page.locator(".dw-root [data-field='peak_rps']").first
    first.fill("321")
    first.press("Tab")
    expect(page.locator(".dw-root").nth(1).locator("[data-field='peak_rps']")).to_have_value("321")
    costs = page.locator(".dw-root [data-score='cost'] .dw-value").all_text_contents()
    assert costs[0] == costs[1]


_EXPORTED = """
from dataclasses import replace
from pathlib import Path
from devops_workbook.widgets.state import Export
Path('document.txt').write_text('a document')
_ = board._take(lambda state: replace(state, export=Export(files=(Path('document.txt'),), running=False)))
"""


@pytest.mark.parametrize(("theme", "size"), [
    ("JupyterLab Light", (1440, 900)), ("JupyterLab Light", (1920, 1080)),
    ("JupyterLab Dark", (1440, 900)), ("JupyterLab Dark", (1920, 1080)),
])  # fmt: skip
def test_both_themes_can_be_read(page: Any, lab: Lab, picture: Picture, theme: str, size: tuple[int, int]) -> None:
    lab.use_theme(theme)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        run_all(page, lab.url("workshop.ipynb"))
        page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
        decision(page, "infrastructure.compute")
        page.locator(".dw-board").first.evaluate("board => board.scrollIntoView()")
        assert page.evaluate(_FAINT) == []
        assert (
            page.locator(".dw-card").first.evaluate("card => getComputedStyle(card).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        picture(page)
    finally:
        lab.use_theme("JupyterLab Light")


_FAINT = """() => {
  // Text whose contrast with what lies behind it is below 4.5 : 1 (WCAG AA; 3 : 1 from 18.66 px bold on).
  const scale = (colour) => colour.startsWith('color(srgb') ? 255 : 1;
  const parse = (colour) => colour.match(/[\\d.]+/g).map((part, i) => i < 3 ? part * scale(colour) : Number(part));
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const node of document.querySelectorAll('.dw-board *:not(svg *)')) {
    if (node.closest('svg, :disabled, option') || !node.checkVisibility()) continue;
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (parseFloat(style.fontSize) >= 18.66 ? 3 : 4.5)) {
      faint.push(`${node.className || node.localName}: ${node.textContent.slice(0, 40)} ${ratio.toFixed(2)}`);
    }
  }
  return [...new Set(faint)];
}"""
