"""The grammar of file names."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from adapters.dso.enedis.names import (
    HistoricName,
    SubscriptionName,
    format_name,
    is_companion,
    parse_name,
)

REAL = "ERDF_R151_17X000001117366M_GRD-F139_108529521_00160_Q_00001_00001_20240912030614.zip"


def test_a_real_name_is_read_in_all_its_parts() -> None:
    assert parse_name(REAL) == SubscriptionName(
        flow="R151",
        recipient="17X000001117366M",
        contract="GRD-F139",
        subscription="108529521",
        sequence=160,
        period="Q",
        part=1,
        parts=1,
        stamp="20240912030614",
    )
    assert parse_name("Enedis_SGE_HDM_A06NW10D.csv") == HistoricName(request="A06NW10D")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "R151.xml",
        REAL.replace("R151", "R50"),
        REAL.replace(".zip", ".zip.part"),
        REAL.replace("_Q_", "_H_"),
        REAL.replace("_00001_00001_", "_00002_00001_"),
        REAL.replace("_00001_00001_", "_00000_00001_"),
        REAL.replace("20240912030614", "20241312030614"),
        REAL.replace("00160", "٠٠١٦٠"),
        "../" + REAL,
        REAL + "\n",
        "Enedis_SGE_HDM_a06nw10d.csv",
        "A" * 100_000,
    ],
)
def test_another_name_is_no_name(name: str) -> None:
    assert parse_name(name) is None


def test_companions_are_known_as_such() -> None:
    assert is_companion(REAL.replace(".zip", "_svc.xml"))
    assert not is_companion(REAL)


@given(
    sequence=st.integers(0, 99_999),
    part=st.integers(1, 500),
    more=st.integers(0, 500),
    period=st.sampled_from("QM"),
    extension=st.sampled_from(["zip", "xml"]),
)
def test_a_name_written_out_reads_back(
    sequence: int, part: int, more: int, period: str, extension: str
) -> None:
    name = SubscriptionName(
        flow="R151",
        recipient="2617347",
        contract="GRD-F139",
        subscription="1",
        sequence=sequence,
        period=period,
        part=part,
        parts=part + more,
        stamp="20260610030726",
    )
    assert parse_name(format_name(name, extension=extension)) == name
