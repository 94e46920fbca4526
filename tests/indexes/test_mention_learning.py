from pathlib import Path

import numpy as np
import pytest

from indexes.coded_notes import CodedNote, folds, read_coded_notes
from indexes.mention_learning import learn_mentions
from indexes.mentions import MentionGenerator
from indexes.tokens import text_stems
from indexes.word_alignment import SentencePair, WordAligner, best_ngram
from knowledge.dataset_row import AlignedEvidence, DatasetRow, EvidenceSpan

CODIESP = Path(__file__).parents[2].parent / "shared" / "data" / "codiesp"


def bilingual(name, *lines):
    """Make a note of (Spanish sentence, English line, {code: words marked in the sentence})."""
    spanish = english = ""
    evidence = []
    for sentence, line, marked in lines:
        for code, phrases in marked.items():
            starts = [len(spanish) + sentence.index(phrase) for phrase in phrases]
            spans = tuple((s, s + len(p)) for s, p in zip(starts, phrases, strict=True))
            lines_en = ((len(english), len(english) + len(line)),)
            evidence.append(
                AlignedEvidence(
                    kind="procedure" if len(code) == 4 and code.isalnum() else "diagnosis",
                    code=code,
                    phrase_es=" ".join(phrases),
                    spans_es=spans,
                    lines_en=lines_en,
                )
            )
        spanish += sentence + "\n"
        english += line + "\n"
    codes = dict.fromkeys(e.code for e in evidence if e.kind == "diagnosis")
    return CodedNote.from_row(
        DatasetRow(
            id=name, text=english, text_es=spanish, codes=tuple(codes), evidence=tuple(evidence)
        )
    )


FEVER, COUGH, PAIN, STONE = {"R50.9": ["fiebre"]}, {"R05": ["tos"]}, "R10.9", "N20.0"
NOTES = [
    bilingual(
        "1",
        ("Acude por fiebre y tos.", "He came because of fever and cough.", FEVER | COUGH),
        ("Refiere dolor abdominal.", "He reports abdominal pain.", {PAIN: ["dolor abdominal"]}),
    ),
    bilingual(
        "2",
        ("La fiebre cede con paracetamol.", "The fever yields to paracetamol.", FEVER),
        ("Tiene litiasis renal.", "She has renal lithiasis.", {STONE: ["litiasis renal"]}),
    ),
    bilingual(
        "3",
        ("No presenta tos.", "He has no cough.", COUGH),
        (
            "Dolor cólico y abdominal intenso.",
            "Intense abdominal and colicky pain.",
            {PAIN: ["Dolor", "abdominal"]},
        ),
    ),
    bilingual(
        "4",
        ("La ecografía muestra litiasis renal.", "Ultrasound shows renal lithiasis.", {}),
        ("Se realiza ecografía renal.", "Renal ultrasound is done.", {"BT43": ["ecografía"]}),
        ("Fiebre y dolor abdominal.", "Fever and abdominal pain.", {PAIN: ["dolor abdominal"]}),
    ),
    bilingual(
        "5",
        ("Ingresa por tos.", "Admitted for cough.", COUGH),
        ("Tiene dolor torácico.", "She has chest pain.", {"R07.9": ["dolor torácico"]}),
    ),
    bilingual(
        "6",
        ("Litiasis renal conocida.", "Known renal lithiasis.", {STONE: ["Litiasis renal"]}),
        ("Dolor torácico y tos.", "Chest pain and cough.", {"R07.9": ["Dolor torácico"]} | COUGH),
    ),
]


def plain(name, text, *marked, codes=None):
    evidence = tuple(
        EvidenceSpan(code=code, start=text.index(w), end=text.index(w) + len(w), kind=kind)
        for code, w, kind in marked
    )
    coded = tuple(code for code, _, _ in marked) if codes is None else codes
    return CodedNote.from_row(DatasetRow(id=name, text=text, codes=coded, evidence=evidence))


@pytest.fixture(scope="module")
def table():
    return learn_mentions(NOTES)


def readings(table, words):
    return next(
        (
            {r.code: (r.marked, n.notes) for r in n.readings if not r.partial}
            for n in table.ngrams
            if n.stems == text_stems(words)
        ),
        {},
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fever", {"R50.9": (2, 3)}),  # note 4 has a fever that was not marked
        ("cough", {"R05": (4, 4)}),
        ("abdominal pain", {"R10.9": (3, 3)}),
        ("chest pain", {"R07.9": (2, 2)}),
        ("renal lithiasis", {"N20.0": (2, 3)}),
        ("ultrasound", {}),  # a procedure
        ("known", {}),
    ],
)
def test_alignment_finds_the_english_words(table, words, expected):
    assert readings(table, words) == expected


def test_a_discontinuous_wording_is_found_in_the_order_of_the_translation(table):
    # Note 3: "Dolor" and "abdominal" are marked, "colicky" stands between the English words.
    found = MentionGenerator(table).candidates(NOTES[2].note, 10)
    pain = next(c for c in found if c.code == "R10.9")
    words = [NOTES[2].note.slice(m.span) for m in pain.mentions]
    assert "abdominal and colicky pain" in words


def test_a_wording_in_part_is_learned_where_it_is_telling():
    notes = [
        plain("1", "A hyperplastic polyp.", ("K31.7", "hyperplastic polyp", None)),
        plain("2", "A polyp.", codes=("K31.7",)),
        plain("3", "A polyp.", codes=()),
    ]
    by_words = {n.stems: n for n in learn_mentions(notes).ngrams}
    part = by_words[text_stems("polyp")]
    # Note 1 holds the whole wording and does not vouch for its part.
    assert [(r.code, r.marked, r.partial, r.term) for r in part.readings] == [
        ("K31.7", 1, True, "hyperplastic polyp")
    ]
    assert part.notes == 3


def test_marked_words_of_the_note_itself_are_the_wording():
    text = "Sudden onset of crushing chest pain. CT was normal."
    table = learn_mentions(
        [plain("1", text, ("R07.9", "crushing chest pain", None), ("B020", "CT", "procedure"))]
    )
    assert readings(table, "crushing chest pain") == {"R07.9": (1, 1)}
    assert not readings(table, "CT")


def test_both_kinds_of_evidence_add_up(table):
    both = learn_mentions([*NOTES, plain("7", "A fever.", ("R50.9", "fever", "diagnosis"))])
    assert readings(both, "fever") == {"R50.9": (3, 4)}


def test_a_wording_that_is_not_translated_is_looked_for_under_its_usual_translation():
    # The aligned line of note 7 lacks the fever; another line of the note has it.
    lost = bilingual("7", ("Hay fiebre.", "1.", FEVER), ("Y más fiebre.", "And more fever.", {}))
    assert readings(learn_mentions([*NOTES, lost]), "fever") == {"R50.9": (3, 4)}


def test_numbers_and_short_words_alone_are_no_wording():
    notes = [plain("1", "At 40 he was on it.", ("R50.9", "40", None), ("R52", "on", None))]
    assert learn_mentions(notes).ngrams == ()
    assert learn_mentions([]).ngrams == ()


def test_learning_is_deterministic_and_its_file_small(table, tmp_path):
    first, second = tmp_path / "1.tsv.gz", tmp_path / "2.tsv.gz"
    table.save(first)
    learn_mentions(NOTES).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_posteriors_are_shares_and_favour_what_occurs_together():
    pairs = [
        SentencePair(("fiebre", "alta"), ("high", "fever")),
        SentencePair(("fiebre",), ("fever",)),
        SentencePair(("tos", "alta"), ("high", "cough")),
    ]
    posteriors = WordAligner.learn(pairs).posteriors(pairs[0])
    assert posteriors.shape == (2, 2)
    assert (posteriors >= 0).all()
    assert (posteriors.sum(axis=1) <= 1).all()
    assert posteriors.argmax(axis=1).tolist() == [1, 0]


def test_a_cognate_needs_no_second_sentence():
    pair = SentencePair(("presenta", "proteinuria"), ("shows", "proteinuric"))
    assert WordAligner.learn([pair]).posteriors(pair)[1].argmax() == 1


def test_unknown_words_are_explained_by_nothing():
    unknown = SentencePair(("xyz",), ("uvw",))
    for corpus in ([], [SentencePair(("tos",), ("cough",))]):
        assert WordAligner.learn(corpus).posteriors(unknown).max() < 0.01


@pytest.mark.parametrize(
    ("support", "words"),
    [
        ([0.1, 0.9, 0.9, 0.1], [1, 2]),
        ([0.9, 0.3, 0.9], [0, 1, 2]),
        ([0.9, 0.0, 0.5], [0]),
        ([0.2, 0.3], []),
        ([], []),
    ],
)
def test_best_ngram(support, words):
    assert list(best_ngram(np.array(support))) == words


@pytest.mark.shared
@pytest.mark.skipif(not CODIESP.is_dir(), reason=f"{CODIESP} is missing")
def test_what_is_learned_from_some_notes_finds_codes_of_others(tmp_path):
    notes = read_coded_notes(CODIESP / "train.jsonl")
    held_out, *rest = ([notes[i] for i in fold] for fold in folds(len(notes), 5, seed=0))
    table = learn_mentions([note for fold in rest[:2] for note in fold])
    path = tmp_path / "mentions.tsv.gz"
    table.save(path)
    assert path.stat().st_size < 1_000_000
    generator = MentionGenerator(table)
    hits = precise = proposed = total = 0
    for note in held_out:
        found = generator.candidates(note.note, 100)
        likely = {c.code for c in found if c.score >= 0.3}
        hits += len(note.codes & {c.code for c in found})
        precise += len(note.codes & likely)
        proposed += len(likely)
        total += len(note.codes)
    # All four folds reach .65 and, above the threshold, .70 of .52.
    assert hits / total > 0.5
    assert precise / proposed > 0.6
    assert precise / total > 0.38
