"""Long-term drug therapy (Z79): drugs that the note gives as a running treatment.

A drug counts in a list of home or discharge medications and where a cue of a running treatment
stands beside it. It does not count where it was given once, is a short course, was stopped, or is
an allergy (guideline section I.C.21.c.3); insulin does not count in type 1 diabetes, nor while it
only bridges a hospital stay (I.C.4.a.3).
"""

import re
from collections.abc import Iterator

from indexes.circumstances.reading import Found, Match, NoteReading
from knowledge.circumstances import DrugClass, load_drug_classes
from knowledge.note_text import SectionKind

_BARRED: frozenset[SectionKind] = frozenset({"allergies", "family_history", "results"})
_BEFORE = 8  # words in which a cue before the drug is sought
_AFTER = 10  # and behind it

# Cues that the treatment runs, read before the drug.
_RUNNING = re.compile(
    r"\b(?:on|takes?|taking|took|uses?|using|continued?s?|continuing|resumed?|resuming|restart(?:ed)?|"
    r"maintained|maintenance|managed|controlled|treated (?:with|by)|remains?|stable|chronic(?:ally)?|"
    r"long[- ]?term|lifelong|home|daily|current(?:ly)?|chronically|meds?|medications?|therapy with|"
    r"compliant|adherent|adjust(?:ed)?|increased?|decreased?|reduced?|titrated?|refill(?:ed)?|hold|held|"
    r"with|w/|switch(?:ed)? to|discharged? (?:home )?on)\b",
    re.I,
)
# Cues behind it: a frequency is a running treatment.
_FREQUENCY = re.compile(
    r"\b(?:daily|qd|qday|bid|tid|qid|qhs|hs|nightly|at bedtime|bedtime|weekly|monthly|every \w+ (?:weeks?|"
    r"months?)|q\s?\d+\s?(?:w|wk|weeks|months|mo)|once a (?:day|week|month)|twice (?:a day|daily)|"
    r"units?|\d+\s?u|held|restart\w*|with meals|in the morning|each (?:morning|night)|qam|qpm|qod|before meals|continued?|resumed?|"
    r"since|for (?:\d+|several|many|the past) ?(?:\+ )?(?:years|yrs)|long[- ]?term|chronic(?:ally)?|lifelong|indefinitely|pump)\b",
    re.I,
)
_CHRONIC = re.compile(
    r"\b(?:chronic\w*|long[- ]?term|lifelong|indefinite(?:ly)?|maintenance|suppress\w*|prophyla\w*|ppx|"
    r"for (?:\d+|several|many|the past|over) ?(?:\+ )?(?:years|yrs|months)|(?:years|months) of|"
    r"since \w+|\(?\d+\s?(?:mo|mos|months|y|yrs?|years)\b|dependent|stable dose|pain (?:agreement|contract)|every day|opioid agreement)\b",
    re.I,
)
_DAILY = re.compile(
    r"\b(?:daily|qd|bid|tid|twice a day|nightly|qam|every (?:day|morning)|q\s?\d+\s?h|er\b|weekly)",
    re.I,
)
# What speaks against a long-term use, before or behind the drug.
_OVER = re.compile(
    r"\b(?:stop(?:ped|s)?|d/c'?e?d|discontinued?|discontinuing|off|no longer|never|refus\w+|declin\w+|"
    r"previously on|formerly|prior(?: use)?|history of|allerg\w+|intoleran\w+|unable to tolerate|"
    r"instead of|avoid|progressed (?:on|through)|not (?:on|taking|currently)|ran out|"
    r"quit taking|overdose\w*|ingest\w*|consider(?:ing)?|discussed|declines|contraindicated|failed|"
    r"in (?:the )?(?:ed|er|ambulance|field|pacu|or)\b|due to|secondary to|induced|toxicity|"
    r"adverse|reaction|reversed|bridg\w+|en route|per ems|by ems|x1\b|x 1\b|once\b(?! (?:a|daily|weekly|monthly|per|every))|one dose|single dose|"
    r"drip|infusion|gtt|bolus|loading|load(?:ed)?|sliding[- ]scale|correction(?:al)?|stress[- ]dose|"
    r"given|received|administered|dvt prophylaxis|vte prophylaxis|subq(?:ue)? prophylaxis)",
    re.I,
)
_NO_AFTER = re.compile(
    r"^[^.;]{0,40}?\b(?:both stopped|stopped|discontinued|d/c'?d|was stopped|years ago|in the past|allerg\w+|"
    r"in (?:the )?(?:ed|er)\b|x1\b|once\b(?! (?:a|daily|weekly|monthly|per|every))|given|prn|as needed|until \w+)|"
    r"\b(?:x|for)\s?\d+\s?(?:more )?(?:-\s?\d+ )?(?:d|days?|wks?|weeks?)\b|\b\d+[- ]day (?:course|taper|burst)|\b(?:burst|taper\w*|course)\b",
    re.I,
)
# A drug that only begins now is not in long-term use yet.
_BEGINS = re.compile(
    r"\b(?:start(?:s|ed|ing)?|initiat\w+|begin(?:ning)?|began|begun|add(?:ed|ing)?|trial of|will|plan(?:ned)?|switch(?:ed)? to|new)\b",
    re.I,
)
_BEGINS_AFTER = re.compile(r"\b(?:to start|started|begun|initiated|added)\b", re.I)
_LONG_AGO = re.compile(
    r"\b(?:ago|last (?:year|month|spring|summer|fall|winter)|since|(?:19|20)\d\d)\b", re.I
)
_OTHER_ROUTE = re.compile(
    r"^\W*(?:\w+ )?(?:nasal|intranasal|cream|ointment|topical|eye ?drops?|drops|ophthalmic|gel|lotion|shampoo|suppositor\w+|enema|injection (?:of|to)|intra-?articular)\b",
    re.I,
)
_LISTED = re.compile(r"\b(?:rx|meds?|medications?|home meds?|current meds?)\s*:", re.I)
_TYPE_1 = re.compile(
    r"\b(?:type\s?(?:1|i|one)\b(?: (?:diabet\w+|dm)\b)?(?= diabet| dm|,|\.|;| with|$)|type\s?(?:1|i|one) (?:diabet\w+|dm)|t1dm|dm\s?1|iddm type 1|juvenile(?:-onset)? diabetes|lada)\b",
    re.I,
)
_GESTATIONAL = re.compile(r"\b(?:gestational diabetes|gdm(?:a[12])?)\b", re.I)


def read_long_term_drugs(reading: NoteReading) -> Iterator[Found]:
    """Yield the codes of long-term drug therapy."""
    _, tree = load_drug_classes()
    text = reading.note.text
    for match, drug in reading.matches(tree):
        if drug.code is None or not _is_long_term(match, drug, reading):
            continue
        if drug.code == "Z79.4" and _TYPE_1.search(text):
            continue
        # Control of gestational diabetes is part of its own code (I.C.15.i).
        if drug.code in ("Z79.4", "Z79.84") and _GESTATIONAL.search(text):
            continue
        yield Found(drug.code, match.span)


def _is_long_term(match: Match, drug: DrugClass, reading: NoteReading) -> bool:
    kind = match.sentence.kind
    if kind in _BARRED or reading.assertion(match.span) not in ("present", "historical"):
        return False
    before, after = _clause(match)
    if _OVER.search(before) or _NO_AFTER.search(after) or _OTHER_ROUTE.search(after):
        return False
    if not _LONG_AGO.search(match.sentence.text) and (
        _BEGINS.search(before) or _BEGINS_AFTER.search(after)
    ):
        return False
    prefix = match.sentence.text[: match.span.start - match.sentence.span.start]
    listed = kind == "medications" and reading.in_list(match) or bool(_LISTED.search(prefix))
    around = f"{before} {after}"
    if drug.evidence == "chronic":
        daily = listed and _DAILY.search(after) is not None
        return daily or _CHRONIC.search(f"{around} {match.after(_AFTER)}") is not None
    return listed or bool(_RUNNING.search(before)) or bool(_FREQUENCY.search(after))


def _clause(match: Match) -> tuple[str, str]:
    """Return what stands before and behind a drug in its own part of the sentence."""
    before = re.split(r"[;.]\s|\bbut\b|\bhowever\b", match.before(_BEFORE))[-1]
    after = re.split(r"[;\n]|[.,]\s|\bbut\b|\bhowever\b", match.after(_AFTER))[0]
    return before, after
