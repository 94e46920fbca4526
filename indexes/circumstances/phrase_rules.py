"""Reads the rules of `knowledge.circumstances` in a note."""

import functools
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading, sides_of
from knowledge.assertion import Assertion
from knowledge.circumstance_cues import cue
from knowledge.circumstances import CircumstanceRule, Circumstances, When

_cue = functools.partial(cue, "phrase_rules")
_ASSERTIONS: dict[When, frozenset[Assertion]] = {
    "holds": frozenset({"present", "historical"}),
    "past": frozenset({"present", "historical"}),
    "history": frozenset({"present", "historical"}),
    "family": frozenset({"family"}),
    "present": frozenset({"present"}),
    "said": frozenset({"present", "historical", "possible", "hypothetical"}),
}
_KIN_REACH = 4  # words before a disease in which a relative is sought


def read_rules(reading: NoteReading, circumstances: Circumstances) -> Iterator[Found]:
    """Yield the codes whose words stand in the note as their rules ask."""
    at_this_encounter: set[CircumstanceRule] = set()
    found: list[tuple[CircumstanceRule, Match]] = []
    for match, rules in reading.matches(circumstances.tree):
        for rule in rules:
            if _is_done_now(rule, match):
                at_this_encounter.add(rule)
            elif _applies(rule, match, reading):
                found.append((rule, match))
    for rule, match in found:
        if rule not in at_this_encounter:
            for code in rule.codes(sides_of(match) if rule.sided else frozenset()):
                yield Found(code, match.span)


def _is_done_now(rule: CircumstanceRule, match: Match) -> bool:
    """Tell whether a procedure is one of this encounter, so that it leaves no status behind."""
    if rule.when == "past":
        return match.sentence.kind == "procedures"
    return rule.when == "holds" and _cue("done_now").search(match.before(4)) is not None


def _applies(rule: CircumstanceRule, match: Match, reading: NoteReading) -> bool:
    sentence = match.sentence
    if sentence.kind in rule.barred or (rule.sections and sentence.kind not in rule.sections):
        return False
    if rule.minor is not None and (reading.minor or False) != rule.minor:
        return False
    if rule.forbids and rule.forbids.search(sentence.text):
        return False
    if rule.asks and not rule.asks.search(sentence.text):
        return False
    if rule.note_asks and not rule.note_asks.search(reading.note.text):
        return False
    if rule.note_forbids and rule.note_forbids.search(reading.note.text):
        return False
    assertion = reading.assertion(match.span)
    if rule.when == "family" and assertion == "present":
        return _cue("kin").search(match.before(_KIN_REACH)) is not None
    if assertion not in _ASSERTIONS[rule.when]:
        return False
    if rule.when == "history":
        return assertion == "historical" or _cue("cured").search(sentence.text) is not None
    return rule.when != "past" or _is_past(match, assertion)


def _is_past(match: Match, assertion: Assertion) -> bool:
    """Tell whether something was done before this encounter."""
    sentence = match.sentence
    if _cue("this_encounter").search(sentence.text):
        return False
    listed = sentence.kind == "past_history"
    return assertion == "historical" or listed or _cue("past").search(sentence.text) is not None
