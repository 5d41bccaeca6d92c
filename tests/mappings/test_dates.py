from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import dates


def paris(local: str) -> str:
    return dates.zone_offset(ZoneInfo("Europe/Paris"), local)


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("1980", "1980", "1980"),
        ("198002", "1980-02", "1980-02"),
        ("20240229", "2024-02-29", "2024-02-29"),
        ("20230229", "", ""),
        ("202407010830", "2024-07-01", "2024-07-01T08:30:00+02:00"),
        ("202401010830", "2024-01-01", "2024-01-01T08:30:00+01:00"),
        ("20240101083015.5-0500", "2024-01-01", "2024-01-01T08:30:15.5-05:00"),
        ("2024010108", "2024-01-01", "2024-01-01"),
        ("2024-01-01T08:30:15Z", "2024-01-01", "2024-01-01T08:30:15Z"),
        ("2024-01-01", "2024-01-01", "2024-01-01"),
        ("2024-01-01T08:30", "2024-01-01", "2024-01-01T08:30:00+01:00"),
        ("20240101246000", "", ""),
        ("20240101083065", "", ""),
        ("00000000", "", ""),
        ("20241301", "", ""),
        ("2024010", "", ""),
        ("٢٠٢٤٠١٠١", "", ""),
        ("yesterday", "", ""),
        ("", "", ""),
    ],
)
def test_precision_is_kept_and_bad_dates_are_nothing(text, day, time):
    assert dates.date(text) == day
    assert dates.datetime(text, paris) == time


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20240101083015+0000", "2024-01-01T08:30:15+00:00"),
        ("202401010830", "2024-01-01T08:30:00+01:00"),
        ("2024010108", ""),
        ("20240101", ""),
        ("2024-01-01", ""),
        ("2024-01-01T08:30:15Z", "2024-01-01T08:30:15Z"),
    ],
)
def test_an_instant_needs_a_time(text, found):
    assert dates.instant(text, paris) == found


@pytest.mark.parametrize(
    ("amount", "unit", "end"),
    [
        ("30", "", "2024-01-31T23:50:00+01:00"),
        ("60", "MIN", "2024-02-01T00:20:00+01:00"),
        ("2", "hr", "2024-02-01T01:20:00+01:00"),
        ("1", "D", "2024-02-01T23:20:00+01:00"),
        ("x", "", ""),
        ("-5", "", ""),
        ("5", "fortnights", ""),
        ("9999999", "D", ""),
    ],
)
def test_adding_durations(amount, unit, end):
    assert dates.plus("2024-01-31T23:20:00+01:00", amount, unit) == end


def test_the_earlier_offset_of_an_ambiguous_hour_is_taken():
    assert paris("202410270230") == "+02:00"


@given(st.dates(min_value=date(1, 1, 1)))
def test_every_day_of_the_calendar_passes(day):
    assert dates.date(day.strftime("%Y%m%d").zfill(8)) == day.isoformat()


@given(st.text(max_size=30) | st.text("0123456789+-.:TZ", max_size=30))
def test_no_text_makes_a_date_fail(text):
    for found in (dates.date(text), dates.datetime(text, paris), dates.instant(text, paris)):
        assert found == "" or found[:4] in dates.YEARS
    dates.form(dates.datetime(text, paris), "hl7-datetime")
