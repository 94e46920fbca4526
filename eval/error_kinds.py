"""How two codes differ: the kinds of a near miss, closest first."""

import re
from typing import Literal, TypeAlias, get_args

from knowledge.code_systems import ICD10CM

NearMiss: TypeAlias = Literal[
    "seventh_character", "laterality", "unspecified", "ancestor", "sibling", "category"
]
"""Only the 7th character differs; only the side; one leaves open what the other specifies; one
stands above the other; both stand below the same entry; both belong to one category."""

CLOSENESS: tuple[NearMiss, ...] = get_args(NearMiss)
_SIDE = re.compile(r"\b(?:right|left|unilateral|bilateral|unspecified (?=eye|ear|side|limb))\b")


def near_miss(code: str, other: str, system: ICD10CM) -> NearMiss | None:
    """Tell how two different codes differ.

    Args:
        code: A code of the release, dotted.
        other: Another one.
        system: The release.

    Returns:
        The closest kind that fits; None for codes of different categories.
    """
    if code[:3] != other[:3]:
        return None
    if system.stem(code) == system.stem(other):
        return "seventh_character"
    if code in system.ancestors(other) or other in system.ancestors(code):
        return "ancestor"
    titles = [system.get(system.stem(c)).title.lower() for c in (code, other)]
    without_sides = {" ".join(_SIDE.sub(" ", title).split()) for title in titles}
    if len(without_sides) == 1:
        return "laterality"
    if sum("unspecified" in title for title in titles) == 1:
        return "unspecified"
    stems = [system.get(system.stem(c)).parent for c in (code, other)]
    return "sibling" if stems[0] == stems[1] else "category"
