"""What the shipped learned parts do to results, under either policy."""

from pathlib import Path

import pytest

NOTES = Path(__file__).parent.parent / "data" / "notes"
TEXT = (
    "A 54-year-old woman with arterial hypertension came with a severe headache and fever.\n"
    "The CT scan showed a brain abscess. She had no dyspnea."
)


def codes_of(result):
    return {c.code: c for c in result.codes}


@pytest.fixture(scope="module")
def by_policy(code):
    return {policy: code(TEXT, policy) for policy in ("guidelines", "mentions")}


def test_mentions_codes_as_the_annotators_of_the_training_notes_did(by_policy):
    found = codes_of(by_policy["mentions"])
    assert {"R51", "I10", "R50.9", "G06.0"} <= found.keys()
    assert {"billable"} == {f.rule for f in by_policy["mentions"].findings if "R51" in f.codes}


def test_guidelines_reports_billable_codes_only(by_policy):
    assert not any(f.rule == "billable" for f in by_policy["guidelines"].findings)
    assert "R51" not in codes_of(by_policy["guidelines"])


def test_confidence_is_the_ranker_s_and_orders_the_candidates(by_policy, coders):
    result = by_policy["mentions"]
    threshold = coders["mentions"].context.ranker.card.threshold
    scores = {c.code: c.score for c in result.candidates}
    assert all(c.confidence >= threshold for c in result.codes)
    assert all(scores[c.code] == pytest.approx(c.confidence, abs=1e-4) for c in result.codes)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_the_voices_are_named(by_policy):
    hypertension = codes_of(by_policy["mentions"])["I10"]
    assert {"mentions", "lines", "plm_icd", "terms"} <= hypertension.sources.keys()
    assert hypertension.evidence[0].text.endswith("hypertension")


@pytest.mark.parametrize("policy", ["guidelines", "mentions"])
@pytest.mark.parametrize("name", ["discharge_summary", "emergency_visit", "clinic_letter"])
def test_plm_icd_s_opinion_covers_each_code_once(code, policy, name):
    text = (NOTES / f"{name}.txt").read_text(encoding="utf-8")
    result = code(text, policy)
    opinion = result.plm_icd
    sorted_codes = sorted(opinion.agree + opinion.agent_only + opinion.outside_label_space)
    assert sorted_codes == sorted(c.code for c in result.codes)
    assert not {o.code for o in opinion.plm_only} & set(sorted_codes)
    for only in opinion.plm_only:
        assert all(0 <= span.start < span.end <= len(text) for span in only.evidence)
