from hypothesis import given
from hypothesis import strategies as st

from indexes.windows import MAX_WINDOW_CHARACTERS, MAX_WINDOWS, windows
from knowledge.note_text import Note


def texts(note):
    return [note.slice(span) for span in windows(note)]


def test_a_sentence_gives_its_clauses_and_itself():
    note = Note.parse("Presented with fever, cough and chest pain (left side).")
    found = texts(note)
    assert "Presented with fever, cough and chest pain (left side" in found
    assert {"fever", "cough", "chest pain", "left side"} <= set(found)


def test_connectives_separate_cause_and_finding():
    found = texts(Note.parse("Anemia due to chronic kidney disease."))
    assert {"Anemia", "chronic kidney disease"} <= set(found)


def test_a_wording_occurs_once_where_it_stands_first():
    note = Note.parse("Asthma.\nSeen for cough.\nASTHMA.\n")
    spans = [span for span in windows(note) if note.slice(span).lower() == "asthma"]
    assert [span.start for span in spans] == [0]


def test_numbers_and_punctuation_alone_are_no_window():
    assert texts(Note.parse("120/80, 37.2; fever")) == ["120/80, 37.2; fever", "fever"]
    assert windows(Note.parse("12 ... 34")) == []
    assert windows(Note.parse("")) == []


def test_a_long_note_is_bounded_and_keeps_its_assessment():
    filler = "\n".join(f"Finding number{'x' * (i % 7)} {i} was seen." for i in range(3000))
    note = Note.parse(f"PHYSICAL EXAM:\n{filler}\n\nASSESSMENT:\nSevere sepsis.\n")
    found = texts(note)
    assert len(found) == MAX_WINDOWS
    assert "Severe sepsis" in found


def test_long_stretches_are_cut_without_losing_words():
    words = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(300)]
    note = Note.parse(" ".join(words))
    found = texts(note)
    assert all(len(text) <= MAX_WINDOW_CHARACTERS for text in found)
    assert {word for text in found for word in text.split()} == set(words)


@given(st.text(alphabet=st.sampled_from("abc XYZ.,;:()\n\té’-1 and with"), max_size=300))
def test_windows_lie_in_the_note_trimmed_unique_and_in_order(text):
    note = Note.parse(text)
    spans = windows(note)
    slices = [note.slice(span) for span in spans]
    assert spans == sorted(spans)
    assert len({s.lower() for s in slices}) == len(slices)
    assert all(s and s == s.strip(" .,;:()\n\t") for s in slices)
