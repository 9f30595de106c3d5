"""Scenario files: what is read, what is refused and in which words, and what a save leaves as it was."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devops_workbook.outline import FIELD_IDS
from devops_workbook.requirements import Requirements, field_specs
from devops_workbook.scenario import (
    RevisionConflict,
    ScenarioError,
    ScenarioUnreadable,
    draft,
    examples,
    load,
    parse,
    save,
    slug,
    to_yaml,
    write_atomic,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "`rm -rf`",
    "# not a comment",
    "a: b",
    "\\",
    "'\"",
    "x" * 10_000,
    "שלום عالم",
    "👩‍🚀 emoji",
    "no",
    "2026",
    "null",
    "~",
    "- a",
    "[a]",
    "&a *b !c",
    "%YAML 1.1",
    "\x1b[31mred",
    "two\nlines",
    "tab\there",
    "\u2028line",
    "\x85",
    "\ufeffbom",
    "trailing \n space",
    "a\r\nb",
    "@at",
    "`",
]


def problems(text: str | bytes) -> tuple[str, ...]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ScenarioError) as error:
        parse(data, "shop.yaml")
    return error.value.problems


# Reading


def test_a_scenario_states_only_what_differs_from_the_defaults() -> None:
    assert parse(b"name: Shop\npeak_rps: 900\n") == Requirements(name="Shop", peak_rps=900)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("on_call: 24x7", "on_call", "24x7"),
        ("name: no", "name", "no"),
        ("name: Yes", "name", "Yes"),
        ("peak_rps: 1_000", "peak_rps", 1000.0),
        ("peak_rps: 1e3", "peak_rps", 1000.0),
        ("log_retention_days: 0o17", "log_retention_days", 15),
        ("log_retention_days: 012", "log_retention_days", 12),
        ("log_retention_days: 30.0", "log_retention_days", 30),
        ("commitment: 1y", "commitment", "1y"),
        ("release_approval: none", "release_approval", "none"),
        ("public_facing: no", "public_facing", False),
        ("secondary_region:", "secondary_region", ""),
        ("compliance:", "compliance", ()),
        ("overrides:", "overrides", {}),
        ("compliance: [soc2, soc2]", "compliance", ("soc2",)),
        ("overrides: {cicd.platform: jenkins}", "overrides", {"cicd.platform": "jenkins"}),
        ("\ufeffname: with a byte order mark", "name", "with a byte order mark"),
        ("name: from Windows\r\n", "name", "from Windows"),
        ("{name: on one line}", "name", "on one line"),
    ],
)
def test_a_value_means_what_it_says(line: str, field: str, value: object) -> None:
    assert getattr(parse(line.encode()), field) == value


def test_every_problem_is_told_at_once_in_the_order_of_the_lines() -> None:
    told = problems("name: Shop\npeek_rps: 3\nteam_size: 0\ncommitment: 4y\ncompliance: [soc3]\n")
    assert told == (
        "shop.yaml, line 2: 'peek_rps' is not a field; did you mean 'peak_rps'?",
        "shop.yaml, line 3: team_size: 0 is not allowed (allowed: integer from 1 to 5,000 people)",
        "shop.yaml, line 4: commitment: '4y' is not allowed (allowed: one of none, 1y, 3y)",
        "shop.yaml, line 5: compliance: 'soc3' is not allowed; did you mean 'soc2'? (allowed: any of soc2, iso27001, "
        "pci-dss, hipaa, gdpr, fedramp-moderate, nist-800-53-moderate, cis, as a list in [ ])",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: 2026", ["line 1", "name is text", "2026 reads as a number", "double quotes"]),
        ("name: 2026-01-01", ["2026-01-01 reads as a date", "double quotes"]),
        ("name: true", ["true reads as a true/false value"]),
        ("name:", ["name: must not be empty"]),
        ("name: [a]", ["name:", "is not allowed", "allowed: text"]),
        ("peak_rps:", ["peak_rps has no value", "leave the line out", "allowed: number above 0"]),
        ("peak_rps: true", ["peak_rps: true is not allowed"]),
        ("peak_rps: 1,000", ["'1,000' is not allowed"]),
        ("peak_rps: .inf", ["inf is not allowed"]),
        ("peak_rps: .nan", ["nan is not allowed"]),
        ("peak_rps: 1e400", ["inf is not allowed"]),
        ("peak_rps: " + "9" * 5000, ["not valid YAML", "4300 digits"]),
        ("public_facing: maybe", ["'maybe' is not allowed (allowed: true or false)"]),
        ("data_residency: no", ["did you mean 'none'?"]),
        ("provider: awz", ["line 1", "'awz'", "did you mean 'aws'?", "allowed: aws, gcp, azure"]),
        ("region: eu-west-9", ["line 1", "region:", "'eu-west-9'", "did you mean", "allowed: us-east-1"]),
        ("peak_rps: 20\naverage_rps: 500", ["line 2", "average_rps: 500 is above peak_rps", "above 0 to 20"]),
        ("compliance: soc2", ["write it as a list: [soc2]"]),
        ("languages: []", ["languages: must name at least one", "allowed: any of python"]),
        ("overrides: {cicd.platfrom: jenkins}", ["'cicd.platfrom'", "did you mean 'cicd.platform'?"]),
        ("overrides: {cicd.platform: 3}", ["overrides.cicd.platform: 3 is not allowed", "option id"]),
        ("overrides: [jenkins]", ["overrides:", "is not allowed", "field id: option id"]),
        ("description: " + "x" * 20_001, ["20,003 characters", "at most 20,000"]),
        ("1: x", ["1 is not a field", "allowed: name, "]),
        ("null: x", ["an empty value is not a field"]),
        ("[a]: x", ["is not a field"]),
        ("name: a\nname: b", ["line 2", "'name' is there twice"]),
        ("", ["is empty", "field: value"]),
        ("# nothing but a comment", ["is empty"]),
        ("- a", ["is not a list of `field: value` lines"]),
        ("42", ["is not a list of `field: value` lines"]),
        ("name: 'open", ["not valid YAML"]),
        ("\tname: x", ["line 1", "not valid YAML"]),
        ("name: x\n  owner: y", ["line 2", "not valid YAML"]),
        ("name: \x00", ["not valid YAML"]),
        ('region: "\\e[31mred"', ["'\\x1b[31mred'"]),
    ],
)
def test_a_mistake_is_told_with_file_field_value_and_what_is_allowed(text: str, words: list[str]) -> None:
    (sentence,) = problems(text)
    assert sentence.startswith("shop.yaml")
    assert [word for word in words if word not in sentence] == []
    assert "\x1b" not in sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: &a x\nowner: *a", "anchor or alias"),
        ("&a name: x", "anchor or alias"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "anchor or alias"),
        ("name: !!python/object/apply:os.system [ls]", "YAML tag"),
        ("name: !!str x", "YAML tag"),
        ("!custom {name: x}", "YAML tag"),
        ("<<: {name: x}", "merge key"),
        ("%YAML 1.1\n---\nname: no", "directive"),
        ("%TAG ! tag:x,2000:\n---\nname: no", "directive"),
        ("name: a\n---\nname: b", "second document"),
        ("name: {a: {b: {c: 1}}}", "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("{" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
    ],
)
def test_what_a_flat_list_of_fields_never_needs_is_refused(text: str, words: str) -> None:
    (sentence,) = problems(text)
    assert re.match(r"shop\.yaml, line \d+: ", sentence)
    assert words in sentence


def test_text_that_is_not_utf8_is_refused() -> None:
    assert problems(b"\xff\xfen\x00a\x00") == ("shop.yaml: is not UTF-8 text (byte 1 cannot be read)",)


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_bytes(b"#" * (256 * 1024 + 1))
    with pytest.raises(ScenarioError, match="larger than 262,144 bytes"):
        load(file)


def test_a_file_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="larger than"):
        save(Requirements(overrides=dict.fromkeys(FIELD_IDS, "x" * 20_000)), tmp_path / "shop.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a: 1\n" * 9_000, "holds more than 1,000 names and values, the most a scenario may"),
        (b"compliance: [" + b"a," * 100_000 + b"]", "holds more than 1,000 names and values, the most a scenario may"),
        (b"#\n" * 100_000, "has more than 10,000 lines, the most a scenario may have"),
        (b"#" * 1024 * 1024, "is larger than 262,144 bytes, the most a scenario may have"),
    ],
)
def test_what_would_take_long_to_read_is_refused_at_once(data: bytes, words: str) -> None:
    start = time.perf_counter()
    assert problems(data) == (f"shop.yaml: {words}",)
    assert time.perf_counter() - start < 5


def test_the_longest_comments_are_read_while_a_person_waits() -> None:
    start = time.perf_counter()
    assert parse(b"name: Shop\n" + b"# why, in some 26 letters\n" * 9_900) == Requirements(name="Shop")
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("name", ["missing.yaml", "a\0b.yaml", "x" * 300 + ".yaml", "."])
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioUnreadable, match="cannot be read: "):
        load(tmp_path / name)


def test_a_revision_is_that_of_the_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("name: Shop\n")
    other.write_text("name: Shop\n# and a comment\n")
    assert load(one).requirements == load(other).requirements
    assert load(one).revision == load(one).revision != load(other).revision


# Writing


def test_a_new_file_explains_every_field(tmp_path: Path) -> None:
    save(Requirements(name="Shop"), tmp_path / "shop.yaml")
    text = (tmp_path / "shop.yaml").read_text()
    flowing = " ".join(text.replace("#", " ").split())
    for spec in field_specs():
        assert f"\n{spec.name}:" in text
        assert f"{spec.title}{f' ({spec.unit})' if spec.unit else ''}. {spec.description}" in flowing
        assert spec.kind == "text" or all(choice in flowing for choice in spec.choices)
    assert "Allowed: number above 0 to 10,000,000 req/s. Default: 200" in flowing
    assert "Allowed for aws: empty, or one of us-east-1" in flowing
    assert max(map(len, text.splitlines())) <= 100


COMMENTED = """\
# Our shop
name: Shop   # as on the sign
peak_rps: 1_000 # Sunday

# why so many?
team_size: 4
description: |-
  Sells chairs.
  And tables.

# ---- Security
compliance:   # of the bank
  - soc2  # beside
  # within
# ---- Overrides
overrides:  # by the team
  # before the first
  cicd.platform: jenkins  # we have it
  # before the second
  cicd.branching: gitflow
# the end
"""


@pytest.mark.parametrize(
    ("change", "old", "new"),
    [
        ({"team_size": 5}, "team_size: 4", "team_size: 5"),
        ({"peak_rps": 900.0}, "1_000 # Sunday", "900 # Sunday"),
        ({"name": "Store"}, "name: Shop   #", 'name: "Store" #'),
        ({"description": "Chairs."}, "|-\n  Sells chairs.\n  And tables.", '"Chairs."'),
        ({"compliance": ("hipaa",)}, "  # of the bank\n  - soc2  # beside\n", "[hipaa] # of the bank\n"),
        ({"overrides": {"cicd.platform": "jenkins"}}, "\n  cicd.branching: gitflow", ""),
        ({"overrides": {"cicd.branching": "gitflow"}}, "\n  cicd.platform: jenkins  # we have it", ""),
        (
            {"overrides": {"cicd.platform": "jenkins", "cicd.branching": "gitflow", "scaling.caching": "cdn"}},
            "gitflow\n",
            'gitflow\n  scaling.caching: "cdn"\n',
        ),
        (
            {"overrides": {}},
            "  # by the team\n  # before the first\n  cicd.platform: jenkins  # we have it\n"
            "  # before the second\n  cicd.branching: gitflow",
            " {} # by the team\n  # before the first",
        ),
    ],
)
def test_saving_keeps_the_comments_and_all_that_did_not_change(
    tmp_path: Path, change: dict[str, object], old: str, new: str
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(COMMENTED)
    before = load(file)
    save(before.requirements.model_copy(update=change), file, before.revision)
    assert " ".join(file.read_text().split()) == " ".join(COMMENTED.replace(old, new).split())


def test_every_field_can_be_saved_into_a_file_that_states_none(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("name: Shop # only\n")
    scenario = load(file)
    saved = save(load(examples()["payments-api"]).requirements, file, scenario.revision)
    assert load(file) == saved
    assert file.read_text().startswith('name: "Payments API"')


@pytest.mark.parametrize("name", examples())
def test_the_examples_keep_every_comment_when_another_is_saved_over_them(tmp_path: Path, name: str) -> None:
    text = examples()[name].read_text()
    file = tmp_path / "copy.yaml"
    file.write_text(text)
    scenario = load(file)
    changed = scenario.requirements.model_copy(update={"team_size": 77, "overrides": {"scaling.caching": "cdn"}})
    save(changed, file, scenario.revision)
    comments = re.compile(r"# .*")
    assert comments.findall(file.read_text()) == comments.findall(text)


def test_saving_what_is_there_already_does_not_touch_the_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_bytes(b"name:    Shop\r\n\r\n\r\npeak_rps: 900.0\r\n")
    before = file.stat()
    scenario = load(file)
    assert save(scenario.requirements, file, scenario.revision) == scenario
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


text_values = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(HOSTILE)


@given(name=text_values.filter(str.strip), description=text_values, option=text_values)
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], max_examples=30)
def test_any_text_comes_back_as_it_was_saved(tmp_path: Path, name: str, description: str, option: str) -> None:
    wanted = Requirements(name=name, description=description, overrides={"cicd.platform": option})
    assert parse(to_yaml(wanted).encode()) == wanted
    file = tmp_path / "shop.yaml"
    file.write_text("name: x\nowner: y  # why\n")
    save(wanted.model_copy(update={"owner": "y"}), file, load(file).revision)
    assert load(file).requirements == wanted.model_copy(update={"owner": "y"})
    assert "# why" in file.read_text(encoding="utf-8")


@given(number=st.floats(min_value=1e-9, max_value=1e7))
def test_any_number_comes_back_as_it_was_saved(number: float) -> None:
    wanted = Requirements(peak_rps=1e7, average_rps=number)
    assert parse(to_yaml(wanted).encode()) == wanted


def test_a_save_is_refused_when_someone_else_saved_in_between(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    first = save(Requirements(name="Shop"), file)
    theirs = save(first.requirements.model_copy(update={"team_size": 9}), file, first.revision)
    with pytest.raises(RevisionConflict, match=r"shop\.yaml: was changed by someone else since it was loaded"):
        save(first.requirements.model_copy(update={"team_size": 3}), file, first.revision)
    assert load(file) == theirs


def test_a_comment_of_someone_else_is_a_change_too(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    first = save(Requirements(name="Shop"), file)
    file.write_text(file.read_text() + "# mind the gap\n")
    with pytest.raises(RevisionConflict):
        save(Requirements(name="Shop", team_size=3), file, first.revision)
    assert file.read_text().endswith("# mind the gap\n")


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("not even a scenario")
    with pytest.raises(RevisionConflict, match="exists already"):
        save(Requirements(), file)
    assert file.read_text() == "not even a scenario"


def test_a_removed_file_is_not_made_again_silently(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    first = save(Requirements(), file)
    file.unlink()
    with pytest.raises(RevisionConflict, match="was removed"):
        save(Requirements(team_size=3), file, first.revision)
    assert not file.exists()


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    first = save(Requirements(name="Shop", team_size=100), file)
    outcomes: list[int | None] = []
    start = threading.Barrier(8)

    def rival(size: int) -> None:
        start.wait()
        try:
            save(first.requirements.model_copy(update={"team_size": size}), file, first.revision)
            outcomes.append(size)
        except RevisionConflict:
            outcomes.append(None)

    threads = [threading.Thread(target=rival, args=(size,)) for size in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [size for size in outcomes if size is not None]
    assert outcomes.count(None) == 7
    assert load(file).requirements.team_size == winner


def test_a_full_disk_leaves_the_earlier_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shop.yaml"
    first = save(Requirements(name="Shop"), file)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="cannot be written: no space left on device") as error:
        save(Requirements(name="Shop", team_size=3), file, first.revision)
    assert error.value.filename == str(file)
    assert load(file) == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["shop.yaml"]


def test_a_write_keeps_the_mode_and_follows_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "real.txt", tmp_path / "link.txt"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)


def test_a_new_file_has_the_mode_every_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    write_atomic(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot be written to: no such file or directory"):
        save(Requirements(), tmp_path / "nowhere" / "shop.yaml")


# Drafts and examples


def test_a_draft_takes_the_values_of_its_example() -> None:
    example = load(examples()["media-site"]).requirements
    assert draft("Match day", "media-site") == example.model_copy(update={"name": "Match day"})
    assert draft("Shop") == Requirements(name="Shop")


def test_an_unknown_example_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="'media-sight' is not an example; did you mean 'media-site'"):
        draft("Shop", "media-sight")
    with pytest.raises(ScenarioError, match="is not an example"):
        draft("Shop", "../scenarios/media-site")


def test_a_draft_needs_a_name() -> None:
    with pytest.raises(ScenarioError, match="name: must not be empty"):
        draft("  ")


def test_there_are_six_examples_unlike_each_other(scenarios: dict[str, Requirements]) -> None:
    """They span the clouds, skills, hosts, kinds of work, budgets and targets that teams come with."""
    assert list(scenarios) == [
        "back-office",
        "hospital-records",
        "iot-ingest",
        "media-site",
        "payments-api",
        "startup-web-shop",
    ]
    every = scenarios.values()

    def seen(field: str) -> set[object]:
        return {getattr(requirements, field) for requirements in every}

    assert seen("provider") == {"aws", "gcp", "azure"}
    assert seen("kubernetes_skill") == {"none", "some", "expert"}
    assert seen("source_host") == {"github", "gitlab", "self-hosted"}
    assert seen("iac_tool") == {"terraform", "cloudformation"}
    assert seen("workload_type") >= {"web-api", "event-driven", "batch"}
    assert seen("data_model") == {"relational", "document", "key-value"}
    assert len(seen("availability_target_pct")) >= 4
    assert len(seen("monthly_budget_usd")) == 6
    assert sum(bool(requirements.overrides) for requirements in every) == 1
    assert all(requirements.description and requirements.owner for requirements in every)


def test_the_regulated_examples_state_their_frameworks(scenarios: dict[str, Requirements]) -> None:
    assert "pci-dss" in scenarios["payments-api"].compliance
    assert "hipaa" in scenarios["hospital-records"].compliance
    assert scenarios["hospital-records"].data_residency == "us"


@pytest.mark.parametrize("name", examples())
def test_an_example_states_every_field_and_says_why(name: str) -> None:
    text = examples()[name].read_text()
    assert [spec.name for spec in field_specs() if f"\n{spec.name}:" not in text] == []
    assert len(re.findall(r"\S +# \w", text)) >= 4


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Web shop", "web-shop"),
        ("../../etc/passwd", "etc-passwd"),
        ("Müller & Söhne", "muller-sohne"),
        ("Straße", "strasse"),
        ("-rf", "rf"),
        ("CON", "con-scenario"),
        ("com¹", "com1-scenario"),
        ("a/b\\c:d*e?", "a-b-c-d-e"),
    ],
)
def test_a_name_becomes_a_file_name(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.text() | st.sampled_from(HOSTILE))
def test_a_file_name_is_always_safe(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(name))
    assert len(slug(name)) <= 80
    assert slug(name) not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_names_that_lose_letters_stay_apart() -> None:
    names = ["支払 API", "注文 API", "API", "😀", "😃", "", "a" * 100, "a" * 101]
    assert len({slug(name) for name in names}) == len(names)
