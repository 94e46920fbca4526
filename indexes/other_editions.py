"""What ICD-9-CM and the WHO's ICD-10 call the conditions of ICD-10-CM codes.

A title of another edition is one more wording of a code, where the tables leave no doubt which code
it means. US clinicians learned many of their terms from ICD-9-CM ("chronic airway obstruction"),
and it has titles for much that ICD-10-CM files under "other". Read when the indexes are built; run
time needs neither edition.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from indexes.tokens import text_stems
from knowledge.code_systems import CodeSystem, get_code_system
from knowledge.crosswalk.gem import GemMapper
from knowledge.crosswalk.shared_code import SharedCodeMapper
from knowledge.crosswalk.titles import same_title

EditionKind = Literal["icd9", "who"]


class EditionWording(NamedTuple):
    """A title of another edition.

    Attributes:
        kind: The edition.
        code: The ICD-10-CM code it means, billable or not, without 7th character.
        text: The title without what only the other edition distinguishes.
    """

    kind: EditionKind
    code: str
    text: str


# Axes of ICD-9-CM that are no part of what the patient has: how tuberculosis was proved, in which
# visit an obstetric condition was met, whether diabetes was said to be controlled.
_ICD9_AXES = re.compile(
    r",?\s*(?:(?:tubercle bacilli|bacteriological or histological|unspecified examination).*$"
    r"|unspecified as to episode of care.*$|episode of care unspecified.*$"
    r"|(?:initial|subsequent) episode of care|delivered,.*$|antepartum condition.*$"
    r"|postpartum condition.*$|,? ?not stated as (?:un)?controlled"
    r"|type II or unspecified type|without mention of [^,]*"
    r"|unspecified (?:as to|whether) [^,]*|not specified as [^,]*"
    r"|confirmation unspecified.*$|without having achieved remission)",
    re.I,
)
_CLOSED = re.compile(r"^closed\s+", re.I)
# External causes are worded by tables of their own; of injuries the open ones need a 7th character
# that the wording of a code cannot give.
_LEFT_OUT = re.compile(
    r"^E\d|\bopen (?:fracture|dislocation)|\bother\b|\bspecified\b|\bNEC\b", re.I
)
# "Malignant neoplasm: Liver cell carcinoma"; "Mental and behavioural disorders due to use of
# alcohol : dependence syndrome".
_WHO_LABEL = re.compile(r"^malignant neoplasm: (?=.*(?:oma|omas)\b)", re.I)
_WHO_SUBSTANCE = re.compile(r"^mental and behavioural disorders due to use of (.+?) ?: (.+)", re.I)


def edition_wordings(system: CodeSystem) -> Iterator[EditionWording]:
    """Yield the titles of other editions that mean one code of ICD-10-CM.

    Args:
        system: ICD-10-CM.

    Raises:
        UserError: A package that carries an edition is missing.
    """
    yield from _icd9_wordings(system)
    yield from _who_wordings(system)


def _icd9_wordings(system: CodeSystem) -> Iterator[EditionWording]:
    """Yield titles whose General Equivalence Mapping has one target.

    An approximate one (most are) counts if the titles share a word: then the one code is wider or
    is the default of the other.
    """
    icd9 = get_code_system("icd9cm")
    mapper = GemMapper(icd9, system)
    for code in icd9.codes(billable_only=True):
        title = icd9.get(code).title
        if _LEFT_OUT.search(title) or _LEFT_OUT.search(code):
            continue
        options = mapper.map(code).options
        targets = [t.code for option in options for part in option.parts for t in part]
        if len(targets) != 1 or targets[0] not in system:
            continue
        text = _CLOSED.sub("", _ICD9_AXES.sub("", title)).strip(" ,")
        related = text_stems(text) & text_stems(system.get(targets[0]).title)
        if text and (related or not options[0].approximate):
            target = system.get(targets[0])
            stem = target.parent if target.seventh is not None else target.code
            if stem is not None:
                yield EditionWording("icd9", stem, text)


def _who_wordings(system: CodeSystem) -> Iterator[EditionWording]:
    """Yield titles of the same code that differ from that of ICD-10-CM but say much the same."""
    who = get_code_system("icd10who")
    mapper = SharedCodeMapper(who, system)
    for code in who.codes():
        if code not in system or code[0] in "VWXY":
            continue
        title, mapping = who.get(code).title, mapper.map(code)
        shared = mapping.method == "shared_code" and mapping.via is None
        if shared and not same_title(title, system.get(code).title):
            text = _WHO_SUBSTANCE.sub(r"\1 \2", _WHO_LABEL.sub("", title))
            yield EditionWording("who", code, text[0].upper() + text[1:])
