"""Maps between ICD-10-CM and the WHO's ICD-10 by what they share; no official table exists.

ICD-10-CM keeps the categories of the WHO's edition and refines them, but it has also given some
numbers another meaning (``E11.0``, ``K58.1``, ``R65.1``). So the same number counts only with the
same or a like title. Where the title differs, or the other edition lacks the number, the nearest
code above that both share stands in for it, and says so.
"""

from typing import NamedTuple

from knowledge.code_systems import ICD10CM, Code, CodeSystem
from knowledge.crosswalk.gem import once_listed
from knowledge.crosswalk.mapping import CodeMapping, Method, Option, target_in
from knowledge.crosswalk.titles import like_title, same_title

SHARED_LINKS = (("icd10cm", "icd10who"), ("icd10who", "icd10cm"))
_CATEGORY_LENGTH = 3
# Categories that the two editions use for different things, found by comparing all titles.
_REUSED = frozenset({"T76", "U09"})
_HINT = "the other edition of ICD-10 has neither this code nor one above it."


class _Counterpart(NamedTuple):
    code: str
    exact: bool
    method: Method


class SharedCodeMapper:
    """ICD-10-CM to the WHO's ICD-10, or back.

    Args:
        source: The edition mapped from.
        target: The edition mapped to.
    """

    def __init__(self, source: CodeSystem, target: CodeSystem) -> None:
        self.source = source
        self.target = target

    @property
    def method(self) -> Method:
        """How codes are compared."""
        return "shared_code"

    def accepts(self, code: str) -> bool:
        """Tell that any code can be compared, complete or not."""
        return True

    def map(self, code: str) -> CodeMapping:
        """Map a code, or one that the release has dropped, by the nearest code in both editions.

        Raises:
            UserError: The code does not exist and never did.
        """
        title, candidates = self._candidates(code)
        for candidate in candidates:
            found = self._counterpart(candidate)
            if found is None:
                continue
            own = candidate == code
            option = Option(
                approximate=not (own and found.exact),
                parts=((target_in(self.target, found.code),),),
            )
            via = None if own else candidate
            method = found.method if own else "nearest_ancestor"
            return CodeMapping(code, title, "mapped", via, (option,), method)
        return CodeMapping(code, title, "not_in_tables", None, (), self.method, _HINT)

    def _candidates(self, code: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the title of a code, and the code with those above it, the nearest first."""
        if code in self.source:
            above = (a for a in self.source.ancestors(code) if a in self.source)
            return self.source.get(code).title, (code, *above)
        if self.source.key != ICD10CM.key or not once_listed(code):
            self.source.get(code)  # raises the error with codes close to it
        # The release has dropped it: what is left of it stands in its place.
        beginnings = (code[:end].rstrip(".") for end in range(len(code) - 1, 2, -1))
        kept = next((start for start in beginnings if start in self.source), None)
        return None, self._candidates(kept)[1] if kept else ()

    def _counterpart(self, code: str) -> _Counterpart | None:
        if code not in self.target:
            return None
        entry, other = self.source.get(code), self.target.get(code)
        if same_title(entry.title, other.title):
            return _Counterpart(code, exact=True, method="shared_code")
        above = _title_above(entry, self.source), _title_above(other, self.target)
        if like_title(entry.title, other.title, *above):
            return _Counterpart(code, exact=False, method="shared_code")
        if len(code) == _CATEGORY_LENGTH and code not in _REUSED:
            return _Counterpart(code, exact=False, method="same_category")
        return None


def _title_above(entry: Code, system: CodeSystem) -> str:
    if entry.parent is None or entry.parent not in system:
        return ""
    return system.get(entry.parent).title
