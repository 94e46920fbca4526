import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import UserError
from knowledge.language import LANGUAGES, detect_language

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("folder", "language"), [("notes", "en"), ("notes_es", "es")], ids=["English", "Spanish"]
)
def test_our_notes_and_each_of_their_longer_lines(folder, language):
    for path in sorted((DATA / folder).glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert detect_language(text) == language
        for line in text.splitlines():
            if len(line.split()) >= 10:
                assert detect_language(line) == language, line


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("HTA. Neumonía. Fibrilación auricular.", "es"),
        ("Dolor abdominal con vómitos", "es"),
        ("Hypertension. Pneumonia.", "en"),
        ("DM2, HTN", "en"),
        ("No fever.", "en"),
        (
            "OS 20/25, OS: cornea clear. Bleb OS avascular, lens OS clear. Tap OS at target, OS",
            "en",
        ),
        ("", "en"),
        ("1234 / 56", "en"),
    ],
)
def test_telegraphic_notes(text, language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("French", "Le patient est un homme de 54 ans qui consulte pour une douleur avec fièvre."),
        ("Portuguese", "O paciente é um homem com dor no peito há duas horas e não tem febre."),
        ("German", "Der Patient ist ein Mann, der sich mit Schmerzen in der Brust vorstellt."),
        ("Italian", "Il paziente è un uomo che presenta dolore da due ore e non ha la febbre."),
        ("Catalan", "El pacient és un home amb dolor al pit des de fa dues hores i no té tos."),
    ],
)
def test_a_note_in_another_language_is_refused(name, text):
    with pytest.raises(UserError) as refused:
        detect_language(text, "the note 'n1'")
    message = str(refused.value)
    assert message.startswith(f"the note 'n1' seems to be written in {name}")
    assert "English (en) or Spanish (es)" in message
    assert "--language es" in message


def test_a_note_in_capitals_is_told_too():
    assert detect_language("EL PACIENTE ES UN HOMBRE CON DOLOR EN EL PECHO") == "es"


@given(st.text(alphabet="aeiou lnrs,.13", max_size=200))
def test_any_text_has_a_language_or_is_refused(text):
    with contextlib.suppress(UserError):
        assert detect_language(text) in LANGUAGES


@given(st.text(max_size=40))
def test_what_stands_around_a_spanish_note_does_not_matter(text):
    note = (DATA / "notes_es" / "urgencias.txt").read_text(encoding="utf-8")
    assert detect_language(note + text) == "es"
