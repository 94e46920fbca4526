from knowledge.body_sites import load_readings, site_words
from knowledge.code_systems import get_icd10cm


def test_adjectives_are_read_both_ways():
    readings = {(r.phrase, title) for r in load_readings() for title in r.titles}
    assert {("renal", "kidney"), ("kidney", "renal"), ("heel", "foot")} <= readings
    assert ("foot", "heel") not in readings


def test_every_reading_uses_words_of_titles():
    system = get_icd10cm()
    titles = {w for c in system.codes() for w in system.get(c).title.lower().split()}
    titles = {w.strip(",()[]") for w in titles}
    unknown = {
        word
        for reading in load_readings()
        for title in reading.titles
        for word in title.split()
        if not {word, f"{word}s", word.removesuffix("a") + "ae"} & titles
    }
    # Adjectives that stand for nouns of titles are words of notes.
    assert unknown <= {r.phrase for r in load_readings()}


def test_sites_are_single_words():
    assert {"hip", "kidney", "renal", "leg"} <= site_words()
    assert not any(" " in word for word in site_words())
