"""Tobacco: current dependence by product (F17), former (Z87.891), or neither (I.C.5.b)."""

import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, NoteReading, ReadSentence
from knowledge.note_text import SectionKind, Span

_BARRED: frozenset[SectionKind] = frozenset({"family_history", "disposition"})
_TOPIC = re.compile(
    r"\b(?:smok(?:es?|ed|ing|er)|ex-?smoker|ex smoker|vapers?|tobacco|cigarettes?|cigs?|cigars?|nicotine|vap(?:es?|ed|ing)|e-?cigs?|e-cigarettes?|juul\w*|"
    r"snuff|chew(?:s|ing)? (?:tobacco|snuff)|dip(?:s|ping) tobacco|smokeless|pack[- ]?years?|pk-?yrs?|packs?(?:/day| a day| per day| daily)|ppd\b(?!\s*[#\d])(?<!\w)|half[- ]pack|pipe)\b",
    re.I,
)
_NEVER = re.compile(
    r"\b(?:never[- ](?:smok\w+|used|user|tobacco|vap\w+)|non-?smoker|nonsmoking|no (?:history of )?(?:tobacco|smok\w+|cigarettes?|nicotine|vaping|cigs?)|"
    r"(?:denies|denied)(?: any)?(?: current| past| use of| history of)?(?: alcohol,?| drug,?| illicit drugs,?| etoh,?| or| and)* ?(?:tobacco|smok\w+|cigarettes?|vaping|nicotine)|"
    r"(?:does not|doesn't|did not|do not|has not|never) (?:smoke|vape|use (?:tobacco|nicotine))\w*|(?:tobacco|smok\w+|cigarettes?)(?: use| status| history)?\s*[:\-–]\s*(?:no\b|never|none|denies|negative|neg\b|n\b)|"
    r"(?:smoking|tobacco|vape|vaping|cigs?|cigarettes?|smoke)\s+(?:never|none|no|neg)\b|tobacco never|no alcohol,? (?:or )?(?:tobacco|smoking|drugs? or tobacco)|no (?:alcohol|etoh|drugs?)(?:,| or| and|/)+ ?(?:tobacco|smok\w+))\b",
    re.I,
)
_FORMER = re.compile(
    r"\b(?:former(?:ly)?|ex-?|ex |quit\b(?! (?:date|line|plan|attempt))|stopped smoking|past smoker|previous(?:ly)? smok\w+|prior (?:tobacco|smok\w+|cigarette)|remote (?:tobacco|smok\w+)|"
    r"smoked .{0,40}\b(?:until|till|for|in (?:his|her)|from)|history of (?:tobacco|smoking|cigarette|nicotine)|(?:tobacco|smoking) history|h/o (?:tobacco|smoking)|used to smoke|stopped in|has not smoked (?:since|for|in)|"
    r"smoked\b(?!.*\bsmokes\b)|no longer smok\w+|gave up)",
    re.I,
)
_STOPPED = re.compile(r"\b(?:not smoked (?:since|for|in)|quit|former|ex-)\b", re.I)
_NOT_QUIT = re.compile(
    r"\b(?:not ready to quit|wants? to quit|trying to quit|ready to quit|advised to quit|encouraged to quit|counsel\w* (?:on|to) quit\w*|would like to quit|unable to quit|interested in quitting|not quit|willing to quit|quit (?:date|line)|asked to quit|urged to quit|help(?:ing)? (?:him|her) quit|plans? to quit|contemplat\w+)\b",
    re.I,
)
_CURRENT = re.compile(
    r"\b(?:current(?:ly)?|active|smokes|smoker|smoking|continues? to smoke|still smok\w+|tobacco (?:use disorder|dependence|abuse|user|use d/o|use)|nicotine (?:dependence|addiction|use disorder)|vapes|vaping|chews|dips|daily|ppd|packs?|uses|cigarettes?|cigs?)\b",
    re.I,
)
_SECOND_HAND = re.compile(
    r"\b(?:second-?hand|second hand|passive|exposure to|(?:mother|father|mom|dad|parents?|husband|wife|spouse|partner|roommate|grandmother|grandfather) (?:who )?(?:smok\w+|vapes?)|smoke detector|smok\w+ (?:outside|in the home)|household|marijuana|cannabis|weed|thc|crack|meth|methamphetamine|heroin|smoke inhalation|house fire|counsel\w+ (?:regarding|about) .{0,20}avoid)\b",
    re.I,
)
_CESSATION_ONLY = re.compile(r"\b(?:smoking|tobacco) cessation\b", re.I)
_CHEW = re.compile(r"\b(?:chew(?:s|ing)?|snuff|dips?|dipping|smokeless)\b", re.I)
_VAPE = re.compile(
    r"\b(?:vap(?:es?|ed|ing)|e-?cigs?|e-cigarettes?|juul\w*|cigars?|pipe|hookah)\b", re.I
)
_CIGARETTE = re.compile(
    r"\b(?:cigarettes?|cigs?|packs?|ppd|pack-?years?|pk-?yrs?|half[- ]pack|pack[- ]a[- ]day)\b",
    re.I,
)
_REMISSION = re.compile(r"\bin (?:early |sustained |full )?remission\b", re.I)
_TITLES = {"cigarette": "F17.21", "chew": "F17.22", "other": "F17.29", "": "F17.20"}


def read_tobacco(reading: NoteReading) -> Iterator[Found]:
    """Yield the tobacco status of the patient, the current one where past and present are told."""
    current: list[Found] = []
    former: list[Found] = []
    for sentence in reading.sentences:
        if sentence.kind in _BARRED:
            continue
        topic = _TOPIC.search(sentence.text)
        if topic:
            _read(sentence, topic, current, former, reading)
    # A product is more than "smoker"; two products are two codes.
    if any(found.code != "F17.200" for found in current):
        current = [found for found in current if found.code != "F17.200"]
    yield from current or former


def _read(
    sentence: ReadSentence,
    topic: re.Match[str],
    current: list[Found],
    former: list[Found],
    reading: NoteReading,
) -> None:
    text = sentence.text
    if _SECOND_HAND.search(text) and not re.search(
        r"\b(?:ppd|packs?|cigarettes?|former|quit)\b", text, re.I
    ):
        return
    start = sentence.span.start
    span = Span(start + topic.start(), start + topic.end())
    if reading.assertion(span) in ("family", "hypothetical"):
        return
    if _NEVER.search(text) and not _STOPPED.search(text):
        return
    if _FORMER.search(text) and not _NOT_QUIT.search(text):
        words = _FORMER.search(text) or topic
        low, high = sorted([words.start(), topic.start()])[0], max(words.end(), topic.end())
        former.append(Found("Z87.891", Span(start + low, start + high)))
        return
    if _CESSATION_ONLY.search(text) and not _CIGARETTE.search(text):
        return
    if reading.assertion(span) == "absent":
        return
    if _CURRENT.search(text):
        current.append(
            Found(f"{_TITLES[_product(text)]}{1 if _REMISSION.search(text) else 0}", span)
        )


def _product(text: str) -> str:
    if _CHEW.search(text):
        return "chew"
    if _CIGARETTE.search(text):
        return "cigarette"
    return "other" if _VAPE.search(text) else ""
