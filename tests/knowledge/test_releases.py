from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import UserError
from knowledge.releases import Release, release_due, release_of, release_on

DAYS = st.dates(date(2010, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("start", "system", "end"),
    [
        ("2014-10-01", "icd9cm", "2015-09-30"),
        ("2015-10-01", "icd10cm", "2016-09-30"),
        ("2019-10-01", "icd10cm", "2020-03-31"),
        ("2020-04-01", "icd10cm", "2020-09-30"),
        ("2020-10-01", "icd10cm", "2020-12-31"),
        ("2021-01-01", "icd10cm", "2021-09-30"),
        ("2021-10-01", "icd10cm", "2022-03-31"),
        ("2025-10-01", "icd10cm", "2026-03-31"),
        ("2026-04-01", "icd10cm", "2026-09-30"),
    ],
)
def test_period_of_a_release(start, system, end):
    release = release_of(date.fromisoformat(start))
    assert release == Release(system, date.fromisoformat(start), date.fromisoformat(end))
    assert release.valid_on(release.start)
    assert release.valid_on(release.end)
    assert not release.valid_on(release.end + timedelta(days=1))
    assert not release.valid_on(release.start - timedelta(days=1))


@pytest.mark.parametrize("start", ["2026-04-02", "2019-04-01", "2026-01-01"])
def test_a_day_on_which_no_release_starts_is_refused(start):
    with pytest.raises(UserError, match="No release starts on"):
        release_of(date.fromisoformat(start))


@given(DAYS)
def test_each_day_belongs_to_one_release_and_releases_follow_each_other(day):
    release = release_due(day)
    assert release.valid_on(day)
    assert release_of(release.start) == release
    assert release_due(release.end + timedelta(days=1)).start == release.end + timedelta(days=1)
    assert (release.system == "icd10cm") == (day >= date(2015, 10, 1))


def test_the_release_at_hand_is_chosen_by_date():
    at_hand = [release_of(date(2026, 4, 1)), release_of(date(2014, 10, 1))]
    assert release_on(date(2026, 9, 30), at_hand).start == date(2026, 4, 1)
    assert release_on(date(2015, 9, 30), at_hand).system == "icd9cm"


@pytest.mark.parametrize(
    ("day", "due", "fix"),
    [
        (date(2026, 10, 1), "icd10cm 2026-10-01", "index build --cdc DIR --out icd10cm-2026-10-01"),
        (date(2025, 12, 24), "icd10cm 2025-10-01", "icd10cm-2025-10-01"),
        (date(2013, 5, 1), "icd9cm 2012-10-01", "from 2014-10-01 on"),
    ],
)
def test_a_date_without_release_names_what_is_at_hand_and_the_way_out(day, due, fix):
    with pytest.raises(UserError) as caught:
        release_on(day, [release_of(date(2026, 4, 1))])
    assert due in str(caught.value)
    assert "At hand: icd10cm 2026-04-01 (in force until 2026-09-30)" in str(caught.value)
    assert fix in str(caught.value)
