from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from agent.judgement import band_of
from agent.settings import Band, Settings
from eval.cli import eval_group
from eval.judgements import (
    Heard,
    Item,
    area_under_curve,
    best_threshold,
    exact_interval,
    read_items,
    report,
    sure_band,
)
from knowledge.code_systems import get_code_system
from knowledge.errors import UserError
from knowledge.rules import CodedItem, EncounterContext, check_rules

ITEMS = Path(__file__).parents[1] / "data" / "judgements.yaml"


def heard(*pairs):
    return [Heard(odds, right) for odds, right in pairs]


def item(kind="same_condition", split="report", answer=True):
    words = ("cough", "asthma")
    note = "cough and asthma"
    codes = ("R05.9", "J45.909")
    return Item(kind=kind, split=split, codes=codes, words=words, note=note, answer=answer, why="w")


def test_the_argued_questions_are_balanced_and_enough():
    items = read_items(ITEMS)
    assert len(items) >= 60
    counts = Counter((i.kind, i.split, i.answer) for i in items)
    assert len(counts) == 8
    assert all(counts[k, s, True] == counts[k, s, False] for k, s, _ in counts)
    assert len({i.note for i in items}) == len(items)


def test_the_argued_questions_are_about_codes_that_the_rules_leave_open():
    system = get_code_system()
    for i in read_items(ITEMS):
        first, second = i.codes
        assert system.get(first).billable, first
        assert system.get(second).billable, second
        if i.kind == "same_condition":
            apart = [CodedItem(c, evidence=((n, n + 1),)) for n, c in enumerate(i.codes)]
            excluded = check_rules(["excludes1"], apart, EncounterContext(), system)
            unspecified = "unspecified" in system.get(first).title.lower()
            assert excluded or (first[:3] == second[:3] and unspecified), i.codes


def test_the_threshold_parts_yes_from_no():
    assert best_threshold(heard((0.0, False), (1.0, False), (3.0, True))) == 2.0
    assert best_threshold(heard((1.0, True), (1.0, False))) == 1.0


def test_the_band_is_as_narrow_as_the_sure_answers_allow():
    clean = heard((-2.0, False), (-1.0, False), (1.0, True), (2.0, True))
    assert sure_band(clean) == Band(yes_from=1.0, no_to=-1.0)
    mixed = heard((-2.0, False), (-1.0, True), (1.0, False), (2.0, True))
    assert sure_band(mixed) == Band(yes_from=2.0, no_to=-2.0)
    assert sure_band(heard((0.0, True), (0.0, False))) is None
    assert sure_band(heard((-1.0, True), (1.0, False))) is None


def test_the_area_counts_ties_half():
    assert area_under_curve(heard((2.0, True), (1.0, False))) == 1.0
    assert area_under_curve(heard((1.0, True), (1.0, False))) == 0.5
    assert area_under_curve(heard((0.0, True), (1.0, True), (0.5, False))) == 0.5


@pytest.mark.parametrize(
    ("right", "of", "low", "high"), [(15, 20, 0.509, 0.913), (20, 20, 0.832, 1.0)]
)
def test_the_interval_is_that_of_clopper_and_pearson(right, of, low, high):
    assert exact_interval(right, of) == pytest.approx((low, high), abs=0.001)


ANSWERS = st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=2, max_size=30)


@given(ANSWERS)
def test_beyond_the_band_nine_of_ten_tuning_answers_are_right(pairs):
    band = sure_band(heard(*pairs))
    if band:
        yes = [right for odds, right in pairs if band.answer(odds) == "yes"]
        no = [right for odds, right in pairs if band.answer(odds) == "no"]
        assert yes
        assert no
        assert sum(yes) >= 0.9 * len(yes)
        assert sum(no) <= 0.1 * len(no) + 1e-9


@given(ANSWERS)
def test_no_threshold_among_the_answers_beats_the_chosen_one(pairs):
    found = heard(*pairs)

    def right(cut):
        return sum((h.odds >= cut) == h.right for h in found)

    cuts = sorted({h.odds for h in found})[1:]
    assert all(right(best_threshold(found)) >= right(cut) for cut in cuts)


def test_what_is_reported_is_of_the_report_split():
    tune = [(item(split="tune", answer=a), Heard(o, a)) for o, a in ((2.0, True), (0.0, False))]
    test = [(item(answer=a), Heard(o, a)) for o, a in ((0.5, True), (3.0, True), (0.1, False))]
    found = report([*tune, *test])["same_condition"]
    assert (found.tune, found.report, found.threshold) == (2, 3, 1.0)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.band == Band(yes_from=2.0, no_to=0.0)
    assert (found.decided, found.decided_accuracy) == (pytest.approx(1 / 3), 1.0)
    assert not found.better_than_chance


def test_a_split_without_both_answers_is_a_mistake_of_the_file():
    with pytest.raises(UserError, match="both answers in split 'tune'"):
        report([(item(), Heard(1.0, True)), (item(answer=False), Heard(0.0, False))])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("answer: yes", "answer: maybe", "item 0.answer"),
        ("kind: integral_symptom", "kind: other", "item 0.kind"),
        ("words: [breathlessness", "words: [breathlesness", "lacks the words"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, old, new, problem):
    path = tmp_path / "items.yaml"
    path.write_text(ITEMS.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError, match=problem):
        read_items(path)


def test_a_missing_file_and_no_llm_are_mistakes_to_mend(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_items(tmp_path / "none.yaml")
    result = CliRunner().invoke(eval_group, ["judgements", str(ITEMS), "--llm", "none"])
    assert isinstance(result.exception, UserError)


def test_by_default_only_kinds_that_were_measured_to_be_judged_well_are_asked():
    settings = Settings(integral_symptom=Band(yes_from=1.0, no_to=0.0))
    assert band_of("integral_symptom", settings) == settings.integral_symptom
    assert band_of("same_condition", settings) is None
