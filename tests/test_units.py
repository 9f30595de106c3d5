"""Units: written as people write them, and never mixed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devops_workbook.units import UnitError, convert, parse


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1, "GiB", "GB", 1.073741824),
        (1, "TiB-month", "GiB-month", 1024),
        (3_000_000, "requests", "1M requests", 3),
        (730, "h", "month", 1),
        (8760, "h", "year", 1),
        (1, "kWh/month", "W", 1000 / 730),
        (379, "gCO2e/kWh", "kgCO2e/kWh", 0.379),
        (50, "%", "", 0.5),
        (1, "vCPU-h", "vCPU-s", 3600),
        (1, "e-mails", "100k notifications", 1e-5),
    ],
)
def test_a_value_goes_from_one_unit_to_another(value: float, source: str, target: str, result: float) -> None:
    assert convert(value, source, target) == pytest.approx(result)


@pytest.mark.parametrize(
    ("source", "target"), [("GB", "GB-month"), ("h", "vCPU-h"), ("USD", "kWh"), ("req/s", "requests"), ("GB", "GBit")]
)
def test_what_does_not_measure_the_same_is_never_converted(source: str, target: str) -> None:
    with pytest.raises(UnitError, match="do not measure the same thing"):
        convert(1, source, target)


@pytest.mark.parametrize("text", ["1M reads of 1 KB", "h2", "GB (1M spans)", "/"])
def test_what_cannot_be_read_is_said_so(text: str) -> None:
    with pytest.raises(UnitError, match="is not a unit"):
        parse(text if text != "/" else "3/4")


@given(value=st.floats(1e-6, 1e12), pair=st.sampled_from([("GB", "GiB"), ("min", "month"), ("kWh", "Wh")]))
def test_there_and_back_is_the_same(value: float, pair: tuple[str, str]) -> None:
    assert convert(convert(value, *pair), *reversed(pair)) == pytest.approx(value)
