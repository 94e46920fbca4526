"""PLM-ICD's opinion beside the codes of a result, on predictions made by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.agreement import PLMReading
from indexes.plm_icd.predict import Prediction
from knowledge.code_systems import get_code_system
from knowledge.note_text import Note, Span

TEXT = "HPI: Headache after a fall. ASSESSMENT: Lobar pneumonia, hypokalemia, morbid obesity."
THRESHOLD = 0.3
# Complete codes, codes that need more characters, and stems that the tabular list does not hold.
LABELS = ("J18.1", "E87.6", "I10", "R51", "C50.9", "C50.91", "W19.XXX", "S00.32X", "Z68.4", "A0B.1")
CODES = ("J18.1", "E87.6", "I10", "R51.9", "R51.0", "C50.912", "W19.XXXA", "W19.XXXD", "Z68.41")


def prediction(code, probability, words="Headache"):
    start = TEXT.index(words)
    return Prediction(code, probability, Span(start, start + len(words)))


def reading(*predictions, policy="guidelines", labels=LABELS):
    ranked = sorted(predictions, key=lambda p: -p.probability)
    return PLMReading(
        ranked, frozenset(labels), THRESHOLD, Note.parse(TEXT), get_code_system(), policy
    )


def test_the_four_kinds_of_agreement():
    plm = reading(
        prediction("J18.1", 0.9, "Lobar pneumonia"),
        prediction("R51", 0.4),
        prediction("I10", 0.1),
        labels=("J18.1", "R51", "I10"),
    )
    assert plm.opinion(["J18.1", "I10", "E87.6"]).model_dump() == {
        "agree": ["J18.1"],
        "agent_only": ["I10"],
        "plm_only": [
            {"code": "R51.9", "probability": 0.4, "evidence": [{"start": 5, "end": 13}]},
        ],
        "outside_label_space": ["E87.6"],
    }


def test_a_probability_at_the_threshold_assigns():
    assert reading(prediction("I10", THRESHOLD)).opinion(["I10"]).agree == ["I10"]
    assert reading(prediction("I10", THRESHOLD - 0.001)).opinion(["I10"]).agent_only == ["I10"]


@pytest.mark.parametrize(
    ("label", "words", "completed"),
    [
        ("R51", "Headache", "R51.9"),
        ("W19.XXX", "fall", "W19.XXXA"),
        ("S00.32X", "fall", "S00.32XA"),
        ("I10", "Headache", "I10"),
        ("Z68.4", "morbid obesity", "Z68.4"),  # no word names the figure
        ("A0B.1", "Headache", "A0B.1"),  # no such code
    ],
)
def test_the_note_completes_what_the_result_lacks(label, words, completed):
    assigned = prediction(label, 0.4, words)
    (only,) = reading(assigned).opinion(["J18.1"]).plm_only
    assert only.code == completed
    (only,) = reading(assigned, policy="mentions").opinion(["J18.1"]).plm_only
    assert only.code == label


@pytest.mark.parametrize(
    ("label", "code"),
    [("R51", "R51.0"), ("C50.9", "C50.912"), ("W19.XXX", "W19.XXXD"), ("Z68.4", "Z68.41")],
)
def test_an_incomplete_label_stands_for_every_code_below_it(label, code):
    plm = reading(prediction(label, 0.4))
    opinion = plm.opinion([code])
    assert (opinion.agree, opinion.plm_only) == ([code], [])
    assert plm.probability(code) == 0.4
    assert reading(prediction(label, 0.1)).opinion([code]).agent_only == [code]
    as_they_are = reading(prediction(label, 0.4), policy="mentions").opinion([code])
    assert as_they_are.outside_label_space == [code]
    assert [only.code for only in as_they_are.plm_only] == [label]


def test_a_complete_label_stands_for_itself_alone():
    opinion = reading(prediction("E11.9", 0.9), labels=["E11.9"]).opinion(["E11.65"])
    assert opinion.outside_label_space == ["E11.65"]
    assert [only.code for only in opinion.plm_only] == ["E11.9"]


def test_labels_that_mean_one_code_are_one_with_the_words_of_both():
    plm = reading(prediction("C50.91", 0.6, "fall"), prediction("C50.9", 0.4, "Headache"))
    (only,) = plm.opinion([]).plm_only
    assert (only.code, only.probability) == ("C50.919", 0.6)
    assert [TEXT[e.start : e.end] for e in only.evidence] == ["fall", "Headache"]


def test_the_probability_of_a_code_is_that_of_its_most_probable_label():
    plm = reading(prediction("C50.9", 0.2), prediction("C50.91", 0.1))
    assert plm.probability("C50.912") == 0.2
    assert plm.probability("I10") is None
    both = reading(prediction("W19.XXX", 0.5), prediction("W19", 0.2))
    assert both.probability("W19.XXXA") == 0.5


predictions = st.lists(
    st.builds(
        prediction,
        st.sampled_from(LABELS),
        st.floats(min_value=0, max_value=1),
        st.sampled_from(["Headache", "fall", "hypokalemia"]),
    ),
    unique_by=lambda p: p.code,
)


@given(
    st.lists(st.sampled_from(CODES + LABELS)),
    predictions,
    st.sampled_from(["guidelines", "mentions"]),
)
def test_every_code_is_in_exactly_one_list(codes, predicted, policy):
    plm = reading(*predicted, policy=policy)
    opinion = plm.opinion(codes)
    parts = [*opinion.agree, *opinion.agent_only, *opinion.outside_label_space]
    assert sorted(parts) == sorted(set(codes))
    only = [p.code for p in opinion.plm_only]
    assert len(set(only)) == len(only)
    assert not set(only) & set(codes)
    for p in predicted:
        if p.probability >= THRESHOLD and not any(plm.says(p, code) for code in codes):
            assert plm.completed(p) in only
    if policy == "mentions":
        assigned = {p.code for p in predicted if p.probability >= THRESHOLD}
        assert set(opinion.agree) == assigned & set(codes)
        assert set(only) == assigned - set(codes)
        assert set(opinion.outside_label_space) == set(codes) - set(LABELS)
