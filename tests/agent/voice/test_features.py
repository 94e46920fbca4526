"""What the voice sees of candidates, with the real look-up on short notes."""

import pytest

from agent.nodes.reason import supported_candidates
from agent.nodes.retrieve import retrieve
from agent.voice.features import EvidenceView, Supported, is_worded
from indexes.candidates import Candidate, Mention
from knowledge.note_text import Note, Span


@pytest.fixture(scope="module")
def context(coders):
    return coders["guidelines"].context


def features(text, code, context):
    note = Note.parse(text)
    candidates = retrieve({"note": note}, context)["candidates"]
    supported = supported_candidates(note, candidates, context)
    view = EvidenceView(note, supported, context.system, context.policy_data)
    return next(view.features(s) for s in supported if s.candidate.code == code)


def test_words_of_a_diagnosis_are_told_from_words_of_a_review(context):
    diagnosed = features("ASSESSMENT:\n1. Gout", "M10.9", context)
    assert diagnosed["role.diagnosis"] == diagnosed["disease.diagnosis"] == 1
    assert "disease.unassessed" not in diagnosed
    listed = features("PMH: gout\nASSESSMENT:\n1. Asthma", "M10.9", context)
    assert listed["role.listed"] == listed["disease.unassessed"] == 1
    assert listed["disease.chronic_listed"] == 1


def test_a_word_that_leaves_half_of_the_problem_unsaid_covers_less_of_its_name(context):
    whole = features("ASSESSMENT:\n1. Anemia: iron started", "D64.9", context)
    part = features("ASSESSMENT:\n1. Anemia of prematurity: iron started", "D64.9", context)
    assert whole["covers_name"] == 1
    assert part["covers_name"] < 1


def test_a_symptom_knows_of_the_diseases_beside_it(context):
    alone = features("ASSESSMENT:\n1. Cough", "R05.9", context)
    assert alone["sort.symptom"] == 1
    assert "symptom.beside_disease" not in alone
    beside = features("HPI: Cough for days.\nASSESSMENT:\n1. Gout", "R05.9", context)
    assert beside["symptom.beside_disease"] == beside["symptom.unassessed"] == 1


def test_a_common_word_is_vague(context):
    assert features("ASSESSMENT: Bleeding.", "R58", context)["vague"] == 1
    assert "vague" not in features("ASSESSMENT: Gout.", "M10.9", context)


def test_a_plan_is_no_diagnosis_of_what_it_mentions(context):
    found = features("HPI: Chest pain.\nASSESSMENT:\n1. Chest pain\n", "R07.9", context)
    assert found["symptom.diagnosis"] == 1


def test_resemblance_is_not_wording():
    mention = Mention(Span(0, 4), 0.9, "gout", "dense")
    alike = Candidate("M10.9", 0.9, (mention,), {"dense": 0.9, "bm25": 0.8})
    assert not is_worded(alike)
    assert is_worded(Candidate("M10.9", 0.9, (mention,), {"dense": 0.9, "terms": 0.2}))


def test_features_need_nothing_but_the_candidates_of_the_note(context):
    note = Note.parse("Gout.")
    mention = Mention(Span(0, 4), 0.8, "gout", "terms")
    one = Supported(Candidate("M10.9", 0.8, (mention,), {"terms": 0.8}), "present", (mention,))
    found = EvidenceView(note, [one], context.system, context.policy_data).features(one)
    assert found["wording"] == 0.8
    assert all(found.values())
