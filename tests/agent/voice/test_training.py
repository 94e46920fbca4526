"""Fitting the voice: rows, labels, threshold, and the file it is kept in."""

from dataclasses import replace

import pytest

from agent.voice.features import Supported
from agent.voice.model import GuidelineVoice, bundled_voice
from agent.voice.training import code_with, leads_to, train_voice, training_context, training_rows
from indexes.candidates import Candidate, Mention
from indexes.coded_notes import CodedNote
from knowledge.dataset_row import DatasetRow
from knowledge.errors import UserError
from knowledge.note_text import Span
from knowledge.policy_data import load_policy

DISEASES = {"Gout": "M10.9", "Asthma": "J45.909", "Psoriasis": "L40.9", "Hirsutism": "L68.0"}
SYMPTOMS = ("cough", "fever", "nausea", "palpitations", "heartburn", "snoring")


@pytest.fixture(scope="module")
def context(coders):
    return training_context(coders["guidelines"].context)


@pytest.fixture(scope="module")
def notes():
    """Twelve notes: what is diagnosed is coded, what is only reported beside it is not."""
    made = []
    for number in range(12):
        names = [list(DISEASES)[(number + step) % 4] for step in range(3)]
        told = [SYMPTOMS[(number + step) % 6] for step in range(3)]
        problems = "\n".join(f"{place}. {name}" for place, name in enumerate(names, start=1))
        text = f"HPI: Some {', '.join(told)}.\n\nASSESSMENT:\n{problems}\n"
        row = DatasetRow(id=f"n{number}", text=text, codes=[DISEASES[name] for name in names])
        made.append(CodedNote.from_row(row))
    return made


def supported(code, assertion="present", score=0.9):
    mention = Mention(Span(0, 4), score, "words", "terms")
    return Supported(Candidate(code, score, (mention,), {"terms": score}), assertion, (mention,))


@pytest.mark.parametrize(
    ("candidate", "reference", "right"),
    [
        (supported("M10.9"), {"M10.9"}, True),
        (supported("M10.9"), {"I10"}, False),
        (supported("C50.919", "historical"), {"Z85.3"}, True),
        (supported("C18.9", "family"), {"Z80.0"}, True),
        (supported("C18.9", "family"), {"Z85.038"}, False),
        (supported("I10"), {"I11.0", "I50.9"}, True),
        (supported("I10", score=0.3), {"I11.0", "I50.9"}, False),
    ],
)
def test_a_candidate_is_right_if_it_becomes_a_code_of_the_reference(candidate, reference, right):
    assert leads_to(candidate, reference, load_policy()) == right


def test_the_voice_learns_to_code_what_is_diagnosed(notes, context):
    voice = train_voice(notes, context, code_with(context))
    assert voice.notes == 12
    assert voice.candidates == len(training_rows(notes, context))
    assert voice.micro_f1 > 0.9
    told, diagnosed = (
        voice.confidence({"wording": 0.8, "role.presenting": 1.0, "symptom.unassessed": 1.0}),
        voice.confidence({"wording": 0.8, "role.diagnosis": 1.0, "disease.diagnosis": 1.0}),
    )
    assert told < 0.5 < diagnosed


def test_too_few_candidates_are_the_users_to_mend(notes, context):
    with pytest.raises(UserError, match="do not tell how to weigh evidence"):
        train_voice(notes[:2], context, code_with(context))


def test_a_voice_survives_its_file(tmp_path):
    voice = bundled_voice()
    voice.write(tmp_path / "voice.yaml")
    assert GuidelineVoice.read(tmp_path / "voice.yaml") == voice


def test_a_file_that_is_no_voice_says_how_to_make_one(tmp_path):
    path = tmp_path / "voice.yaml"
    path.write_text("bias: 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="train guideline-voice"):
        GuidelineVoice.read(path)


def test_the_voice_that_is_given_decides(coders, context):
    deaf = bundled_voice().model_copy(update={"bias": -20.0})
    note = CodedNote.from_row(DatasetRow(id="n", text="ASSESSMENT: Gout.", codes=["M10.9"]))
    code = code_with(context)
    assert code([note], bundled_voice()) == [{"M10.9"}]
    assert code([note], deaf) == [set()]
    assert replace(context, policy="mentions").voice is None
