"""What a batch is given becomes cases: files, folders, tables, and a grid over them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.batch.cases import Axis, axis, cases
from devops_workbook.batch.inputs import Input, InputError, read
from devops_workbook.requirements import Requirements
from devops_workbook.scenario import examples, slug


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


SHOP = Requirements(name="Shop", peak_rps=100, average_rps=20, region="eu-west-1", compliance=("gdpr",))


def of(requirements: Requirements) -> list[Input]:
    return [Input("shop.yaml", requirements.name, requirements)]


# --- files, folders, tables -------------------------------------------------------------------------------


def test_a_folder_gives_its_scenarios_and_tables_each_once(tmp_path: Path) -> None:
    shop = written(tmp_path / "shop.yaml", "name: Shop\n")
    written(tmp_path / "more.csv", "name,peak_rps\nBlog,50\nForum,60\n")
    written(tmp_path / ".hidden.yaml", "name: Hidden\n")
    written(tmp_path / "notes.txt", "nothing")
    found = read([tmp_path, shop, tmp_path / ".." / tmp_path.name / "shop.yaml"])
    assert [one.name for one in found] == ["Blog", "Forum", "Shop"]
    assert found[0].origin == f"{tmp_path / 'more.csv'}, row 2"


def test_what_is_wrong_with_one_scenario_stays_with_it(tmp_path: Path) -> None:
    good = written(tmp_path / "good.yaml", "name: Good\n")
    bad = written(tmp_path / "bad.yaml", "name: Bad\npeak_rps: -5\n")
    first, second = read([good, bad])
    assert first.problems == ()
    assert second.requirements is None
    assert "line 2: peak_rps: -5 is not allowed" in second.problems[0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_may_use_any_separator_titles_and_lists(tmp_path: Path, separator: str) -> None:
    head = ["Name", "peak_rps", "Average load", "compliance", "Provider", "overrides.infrastructure.compute"]
    row = ["Shop", "500", "20", "soc2+HIPAA", "GCP", "kubernetes"]
    file = written(tmp_path / "t.csv", f"\ufeff{separator.join(head)}\n{separator.join(row)}\n\n")
    (one,) = read([file])
    assert one.problems == ()
    r = one.requirements
    assert r is not None
    assert (r.name, r.peak_rps, r.average_rps, r.provider) == ("Shop", 500, 20, "gcp")
    assert r.compliance == ("soc2", "hipaa")
    assert r.overrides == {"infrastructure.compute": "kubernetes"}


def test_a_spreadsheet_is_read_as_it_is_seen(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["name", "team_size", "public_facing", "rto_minutes", None])
    sheet.append([2026, 12.0, False, None, None])
    sheet.append(["Bad", "many", True, 10, None])
    book.save(tmp_path / "t.xlsx")
    good, bad = read([tmp_path / "t.xlsx"])
    assert good.requirements == Requirements(name="2026", team_size=12, public_facing=False)
    assert "row 3: team_size: 'many' is not allowed" in bad.problems[0]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("t.csv", "name,peek_rps\nA,1\n", "row 1, column 2: 'peek_rps' is not a field; did you mean 'peak_rps'?"),
        ("t.csv", "name,name\nA,B\n", "name is there twice"),
        ("t.csv", "peak_rps\n1\n", "there is no column `name`"),
        ("t.csv", "name,peak_rps\n", "there is no scenario"),
        ("t.xlsx", "no archive", "cannot be read as a spreadsheet"),
        ("gone/t.csv", "", "cannot be read"),
        ("none", "", "cannot be read"),
    ],
)
def test_a_request_that_cannot_be_a_batch_is_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    file = tmp_path / name
    if text:
        written(file, text)
    with pytest.raises(InputError) as refused:
        read([file])
    assert why in str(refused.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"name\n\xff\xfe\n")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read([tmp_path / "t.csv"])


def test_a_row_with_too_many_cells_is_its_own_fault(tmp_path: Path) -> None:
    first, second = read([written(tmp_path / "t.csv", "name,peak_rps\nA,1,2\nB,100\n")])
    assert "more cells than row 1 has names for" in first.problems[0]
    assert second.problems == ()


# --- grids ------------------------------------------------------------------------------------------------


def test_a_grid_widens_every_scenario() -> None:
    found = cases(read(examples().values()), [axis("peak_rps=100,1000"), axis("provider=aws,gcp,azure")])
    assert len(found) == 6 * 2 * 3
    assert len({case.id for case in found}) == len(found)
    one = found[0]
    assert one.id == "back-office-invoicing-peak-rps-100-provider-aws"
    assert one.requirements is not None
    assert (one.requirements.peak_rps, one.requirements.provider) == (100, "aws")
    assert one.requirements.name == "Back-office invoicing (peak_rps 100, provider aws)" == one.name


def test_the_average_keeps_its_share_of_the_peak() -> None:
    (case,) = cases(of(SHOP), [axis("peak_rps=1000")])
    assert case.requirements is not None
    assert case.requirements.average_rps == 200
    (case,) = cases(of(SHOP), [axis("peak_rps=1000"), axis("average_rps=7")])
    assert case.requirements is not None
    assert case.requirements.average_rps == 7


def test_another_cloud_is_reached_with_regions_of_its_own() -> None:
    (case,) = cases(of(SHOP), [axis("provider=gcp")])
    assert case.requirements is not None
    assert case.requirements.region.startswith("europe-")


def test_lists_and_overrides_can_be_axes() -> None:
    grid = [axis("compliance=none,soc2+hipaa"), axis("overrides.infrastructure.compute=kubernetes,functions")]
    found = [case.requirements for case in cases(of(SHOP), grid)]
    assert [(r.compliance, r.overrides["infrastructure.compute"]) for r in found if r] == [
        ((), "kubernetes"), ((), "functions"), (("soc2", "hipaa"), "kubernetes"), (("soc2", "hipaa"), "functions"),
    ]  # fmt: skip


def test_a_value_that_contradicts_one_scenario_fails_that_one() -> None:
    found = cases(of(SHOP), [axis("average_rps=50,5000")])
    assert [case.problems == () for case in found] == [True, False]
    assert "is above peak_rps" in found[1].problems[0]


def test_an_invalid_scenario_stays_one_case_a_combination() -> None:
    found = cases([Input("bad.yaml", "bad", None, ("bad.yaml: no",))], [axis("provider=aws,gcp")])
    assert [case.problems for case in found] == [("bad.yaml: no",)] * 2
    assert len({case.id for case in found}) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("providr=aws", "did you mean 'provider'?"),
        ("provider=gpc", "did you mean 'gcp'?"),
        ("rto_minutes=soon", "'soon' is not allowed"),
        ("compliance=soc3", "soc3"),
        ("peak_rps", "an axis is a field and its values"),
        ("peak_rps=,", "an axis is a field and its values"),
        ("name=a,b", "the name is what tells scenarios apart"),
        ("overrides.infrastructure.cumpute=eks", "did you mean 'infrastructure.compute'?"),
    ],
)
def test_an_axis_that_means_nothing_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        axis(text)
    assert why in str(refused.value)


def test_two_scenarios_for_one_folder_are_refused() -> None:
    twice = [Input("a.yaml", "Shop", SHOP), Input("b.yaml", "shop", SHOP)]
    with pytest.raises(InputError, match=r"a\.yaml and b\.yaml would both be written to the folder shop"):
        cases(twice)


def test_a_field_has_one_axis_and_a_batch_an_end() -> None:
    with pytest.raises(InputError, match="names a field twice"):
        cases(of(SHOP), [axis("provider=aws"), axis("provider=gcp")])
    many = tuple(str(n) for n in range(1, 1001))
    with pytest.raises(InputError, match="more than a batch takes"):
        cases(of(SHOP), [Axis("rto_minutes", many), Axis("rpo_minutes", many)])


@given(st.text(min_size=1, max_size=60), st.lists(st.integers(1, 10**6), min_size=1, max_size=5, unique=True))
def test_whatever_a_system_is_called_its_folders_are_its_own(name: str, loads: list[int]) -> None:
    shop = SHOP.model_copy(update={"name": name})
    found = cases([Input("x", name, shop)], [Axis("peak_rps", tuple(map(str, loads)))])
    assert len({case.id for case in found}) == len(loads)
    assert all(case.id == slug(case.id) for case in found if len(case.id) <= 80)
