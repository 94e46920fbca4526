import pytest

from knowledge.abbreviations import Abbreviation, load_abbreviations
from knowledge.strict_yaml import DuplicateKeyError, parse_yaml


def _readings(short):
    return [row for row in load_abbreviations() if row.short == short]


def test_there_are_enough_and_each_reads_as_something():
    shorts = {row.short for row in load_abbreviations()}
    assert len(shorts) >= 250
    assert all(row.expansion.strip() == row.expansion != "" for row in load_abbreviations())


@pytest.mark.parametrize(
    ("short", "expansion"),
    [
        ("HTN", "hypertension"),
        ("T2DM", "type 2 diabetes mellitus"),
        ("CHF", "congestive heart failure"),
        ("s/p", "status post"),
        ("HFpEF", "heart failure with preserved ejection fraction"),
    ],
)
def test_unambiguous_readings(short, expansion):
    assert _readings(short) == [
        Abbreviation(short, expansion, ambiguous=False, case_sensitive=False)
    ]


def test_an_abbreviation_with_several_readings_has_a_row_for_each_and_is_ambiguous():
    rows = _readings("PE")
    assert [row.expansion for row in rows][:2] == ["pulmonary embolism", "physical examination"]
    assert all(row.ambiguous for row in rows)


@pytest.mark.parametrize("short", ["AS", "MI", "RA", "CAP", "ALL", "PAD", "HIT", "AIDS"])
def test_abbreviations_that_are_words_or_short_need_their_casing(short):
    assert all(row.case_sensitive for row in _readings(short))


def test_no_reading_is_given_twice():
    pairs = [(row.short, row.expansion) for row in load_abbreviations()]
    assert len(pairs) == len(set(pairs))


def test_case_insensitive_abbreviations_do_not_collide():
    lowered = [s.lower() for s in {r.short for r in load_abbreviations() if not r.case_sensitive}]
    assert len(lowered) == len(set(lowered))


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "x:\n  b: 1\n  c: 2\n  b: 3\n"])
def test_a_key_written_twice_is_an_error(text):
    with pytest.raises(DuplicateKeyError, match="occurs twice"):
        parse_yaml(text)
