"""Reads the rules of `knowledge.circumstances` in a note."""

import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading, sides_of
from knowledge.assertion import Assertion
from knowledge.circumstances import Circumstances, CircumstanceRule, When

_ASSERTIONS: dict[When, frozenset[Assertion]] = {
    "holds": frozenset({"present", "historical"}),
    "past": frozenset({"present", "historical"}),
    "history": frozenset({"present", "historical"}),
    "family": frozenset({"family"}),
    "present": frozenset({"present"}),
    "said": frozenset({"present", "historical", "possible", "hypothetical"}),
}
_PAST = re.compile(
    r"\b(?:ago|prior|previous(?:ly)?|remote(?:ly)?|old|past|history|hx|h/o|s/p|status[ -]post|had|"
    r"psh|since|(?:in|,|\()\s*(?:19|20)\d\d|(?:19|20)\d\d|childhood)\b",
    re.I,
)
_THIS_ENCOUNTER = re.compile(
    r"\b(?:today|tonight|this (?:morning|admission|hospitali[sz]ation|visit|encounter|stay)|"
    r"pod\s*#?\s*\d+|post-?op(?:erative)?(?: day| check)|hospital day|scheduled|planned|plans?|"
    r"will undergo|to undergo|consider(?:ing|ed)?|candidate for|recommend(?:ed|s)?|awaiting|"
    r"consented|underwent (?:an? )?(?:uncomplicated|urgent|emergent)|taken to the (?:or|operating))",
    re.I,
)


_KIN_REACH = 4  # words
# A relative named right before a disease, not as who tells of it.
_KIN = re.compile(
    r"\b(?:mother|father|mom|dad|brothers?|sisters?|siblings?|aunts?|uncles?|grand(?:mother|father|parents?)|cousins?|son|daughter)"
    r"(?! (?:reports?|states?|says?|said|notes?|noticed|denies|gives?|brought|brings|is concerned|thinks|smok\w+|who|called|asks?|refus\w+|declin\w+))\b(?:(?!\b(?:patient|pt|he|she|his|her)\b)[^.;:])*$",
    re.I,
)
_CURED = re.compile(
    r"\b(?:in remission|no evidence of (?:disease|recurren\w+)|ned|disease[- ]free|cured|resected|"
    r"no recurrence|without recurrence|(?:completed|finished) (?:\w+ )?(?:treatment|therapy|chemo\w*|"
    r"radiation|xrt)|(?:treated|excised|removed|diagnosed|s/p|resolved)\b.{0,40}\b(?:(?:19|20)\d\d|ago)|"
    r"(?:19|20)\d\d.{0,60}\b(?:s/p|treated|excised|resected|removed|status post))",
    re.I,
)


def read_rules(reading: NoteReading, circumstances: Circumstances) -> Iterator[Found]:
    """Yield the codes whose words stand in the note as their rules ask."""
    at_this_encounter: set[CircumstanceRule] = set()
    found: list[tuple[CircumstanceRule, Match]] = []
    for match, rules in reading.matches(circumstances.tree):
        for rule in rules:
            if rule.when == "past" and match.sentence.kind == "procedures":
                at_this_encounter.add(rule)
            elif _applies(rule, match, reading):
                found.append((rule, match))
    for rule, match in found:
        if rule not in at_this_encounter:
            for code in rule.codes(sides_of(match) if rule.sided else frozenset()):
                yield Found(code, match.span)


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
        return _KIN.search(match.before(_KIN_REACH)) is not None
    if assertion not in _ASSERTIONS[rule.when]:
        return False
    if rule.when == "history":
        return assertion == "historical" or _CURED.search(sentence.text) is not None
    return rule.when != "past" or _is_past(match, assertion)


def _is_past(match: Match, assertion: Assertion) -> bool:
    """Tell whether something was done before this encounter."""
    sentence = match.sentence
    if _THIS_ENCOUNTER.search(sentence.text):
        return False
    listed = sentence.kind == "past_history"
    return assertion == "historical" or listed or _PAST.search(sentence.text) is not None
