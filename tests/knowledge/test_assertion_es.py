"""Spanish cues, each with the word whose assertion is asked for and the verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.assertion import AssertionAnnotator, assertion_of
from knowledge.note_text import Note, Span

CASES = [
    ("No presenta fiebre ni tos.", "fiebre", "absent"),
    ("No presenta fiebre ni tos.", "tos", "absent"),
    ("Niega alergias, hipertensión o diabetes.", "diabetes", "absent"),
    ("Se descartó tromboembolismo pulmonar.", "tromboembolismo", "absent"),
    ("No se observaron metástasis.", "metástasis", "absent"),
    ("La ecografía muestra litiasis biliar sin colecistitis.", "colecistitis", "absent"),
    ("La ecografía muestra litiasis biliar sin colecistitis.", "litiasis", "present"),
    ("Serología negativa para VIH.", "VIH", "absent"),
    ("Edemas: no.", "Edemas", "absent"),
    ("Ausencia de adenopatías.", "adenopatías", "absent"),
    ("El paciente no refería dolor torácico.", "dolor", "absent"),
    ("Sin fiebre, presenta disnea.", "disnea", "present"),
    ("Linfoma no Hodgkin.", "Linfoma", "present"),
    ("Paciente sin antecedentes de interés que acude por cefalea.", "cefalea", "present"),
    ("Antecedentes familiares de cáncer de mama.", "cáncer", "family"),
    ("Su madre falleció por cáncer de colon.", "cáncer", "family"),
    ("Su hermana padece esclerosis múltiple.", "esclerosis", "family"),
    ("Posible neumonía en base derecha.", "neumonía", "possible"),
    ("Imagen compatible con hepatocarcinoma.", "hepatocarcinoma", "possible"),
    ("No se puede descartar linfoma.", "linfoma", "possible"),
    ("Se solicita TC para descartar linfoma.", "linfoma", "possible"),
    ("Antecedentes de hipertensión arterial, diabetes mellitus y asma.", "asma", "historical"),
    ("Acude por dolor abdominal.", "dolor", "present"),
    ("Acudir a urgencias si presenta fiebre.", "fiebre", "hypothetical"),
    ("Profilaxis de trombosis venosa.", "trombosis", "hypothetical"),
]


@pytest.mark.parametrize(("text", "word", "expected"), CASES)
def test_cues(text, word, expected):
    start = text.index(word)
    found = assertion_of(Note.parse(text, language="es"), Span(start, start + len(word)))
    assert found.assertion == expected, found


def test_a_section_speaks_for_what_stands_in_it():
    text = "Antecedentes familiares: cáncer de colon.\nExploración física:\nAbdomen doloroso."
    note = Note.parse(text, language="es")
    assert [s.kind for s in note.sections] == ["family_history", "exam"]
    start = text.index("cáncer")
    assert assertion_of(note, Span(start, start + 6)).rule == "section:family_history"


def test_an_english_note_knows_no_spanish_cue():
    text = "Niega fiebre."
    assert assertion_of(Note.parse(text), Span(6, 12)).rule == "default"


@given(st.lists(st.sampled_from("no ni sin niega su madre , . : fiebre posible para".split())))
def test_any_sentence_has_a_verdict_for_each_word(words):
    text = " ".join(words)
    note = Note.parse(text, language="es")
    annotator = AssertionAnnotator(note)
    for start in range(len(text)):
        cue = annotator.of(Span(start, start + 1)).cue
        assert cue is None or cue.end <= len(text)
