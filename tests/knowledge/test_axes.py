"""What titles leave open, against titles of the release."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.axes import load_axes, open_axes
from knowledge.code_systems import get_icd10cm

SYSTEM = get_icd10cm("icd10cm")
BILLABLE = tuple(SYSTEM.codes(billable_only=True))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("M25.559", {"laterality": {"right": "M25.551", "left": "M25.552"}}),
        (
            "H66.90",
            {"laterality": {"right": "H66.91", "left": "H66.92", "bilateral": "H66.93"}},
        ),
        (
            "M17.10",
            {"laterality": {"bilateral": "M17.0", "right": "M17.11", "left": "M17.12"}},
        ),
        (
            "I50.9",
            {
                "type of heart failure": {
                    "systolic": "I50.20",
                    "diastolic": "I50.30",
                    "combined systolic and diastolic": "I50.40",
                }
            },
        ),
        ("J40", {"acuity": {"acute": "J20.9", "chronic": "J42"}}),
        ("E46", {"severity": {"severe": "E43", "moderate": "E44.0", "mild": "E44.1"}}),
        ("S52.509A", {"laterality": {"right": "S52.501A", "left": "S52.502A"}}),
    ],
)
def test_the_options_of_what_is_open(code, expected):
    found = {o.axis.axis: {x.value: x.code for x in o.options} for o in open_axes(SYSTEM, code)}
    assert found == expected


@pytest.mark.parametrize(
    "code", ["I10", "M25.551", "I50.33", "I44.7", "N17.9", "E78.5", "J44.9", "I25.10", "F32.A"]
)
def test_nothing_is_open_of_a_code_that_says_it_or_has_no_such_siblings(code):
    assert open_axes(SYSTEM, code) == []


def test_diabetes_bears_a_default_that_the_note_may_not_say():
    (found,) = open_axes(SYSTEM, "E11.22")
    assert found.axis.default == "type 2"
    assert "E11.22" in [option.code for option in found.options]
    assert open_axes(SYSTEM, "E10.22") == []


@given(st.sampled_from(BILLABLE))
def test_options_are_billable_distinct_and_of_the_same_seventh_character(code):
    for found in open_axes(SYSTEM, code):
        codes = [option.code for option in found.options]
        assert len(codes) > 1
        assert codes == sorted(set(codes))
        assert {option.value for option in found.options} <= set(found.axis.values)
        assert all(SYSTEM.get(other).billable for other in codes)
        assert {SYSTEM.get(other).seventh for other in codes} == {SYSTEM.get(code).seventh}


def test_every_axis_names_a_guideline_section():
    from knowledge.guidelines import card

    assert all(card(axis.citation) for axis in load_axes())
