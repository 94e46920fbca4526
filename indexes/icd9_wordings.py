"""What ICD-9-CM calls the conditions of ICD-10-CM codes.

A title of ICD-9-CM is one more wording of a code, where the mappings leave no doubt which code it
means. US clinicians learned many of their terms from it ("chronic airway obstruction"), and it has
titles for much that ICD-10-CM files under "other". Read when the indexes are built; run time does
not need it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from indexes.tokens import text_stems
from knowledge.code_systems import CodeSystem, get_code_system
from knowledge.crosswalk.gem import GemMapper


class ICD9Wording(NamedTuple):
    """A title of ICD-9-CM.

    Attributes:
        code: The ICD-10-CM code it means, billable or not, without 7th character.
        text: The title without what only ICD-9-CM distinguishes.
    """

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


def icd9_wordings(system: CodeSystem) -> Iterator[ICD9Wording]:
    """Yield titles whose General Equivalence Mapping has one target.

    An approximate one (most are) counts if the titles share a word: then the one code is wider or
    is the default of the other.

    Args:
        system: ICD-10-CM.

    Raises:
        UserError: The package that carries ICD-9-CM is missing.
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
                yield ICD9Wording(stem, text)
