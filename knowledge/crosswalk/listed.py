"""Maps by a list of equivalents: the WHO's tables between ICD-10 and ICD-11, or our seed.

Neither says how close two codes are. An equivalent counts as exact only where both titles are the
same, else as approximate.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from knowledge.code_systems import CodeSystem, get_code_system
from knowledge.code_systems.icd11 import ICD11
from knowledge.crosswalk.mapping import CodeMapping, Method, Option, Target, target_in
from knowledge.crosswalk.titles import same_title
from knowledge.icd11_seed import load_seed

OFFICIAL_HINT = (
    "the WHO's mapping tables say more: see icd.who.int, ICD-11 browser, Info, "
    '"ICD-10 / ICD-11 mapping tables", unpack them and add --tables FOLDER.'
)
_SEED_HINT = f"not in the small seed of common conditions; {OFFICIAL_HINT}"
_TABLE_HINT = "neither the code nor a code above it is in the tables given."


class Equivalent(NamedTuple):
    """A line of a list.

    Attributes:
        source: Code mapped from.
        source_title: Title of the code mapped from, as the list has it.
        target: Code mapped to; None where the list says that there is none.
        target_title: Title of the code mapped to.
    """

    source: str
    source_title: str
    target: str | None
    target_title: str


class ListedMapper:
    """Equivalents as a list gives them.

    Args:
        source: The system mapped from.
        target: The system mapped to.
        lines: The list.
        method: What kind of list it is.
    """

    def __init__(
        self, source: CodeSystem, target: CodeSystem, lines: Iterable[Equivalent], method: Method
    ) -> None:
        self.source = source
        self.target = target
        self.method = method
        self._lines: dict[str, dict[str | None, Equivalent]] = {}
        for line in lines:
            self._lines.setdefault(line.source, {}).setdefault(line.target, line)

    def accepts(self, code: str) -> bool:
        """Tell that any code can be looked up, complete or not."""
        return True

    def map(self, code: str) -> CodeMapping:
        """Map a code by its own lines, else by those of the nearest code above it.

        Raises:
            UserError: The source system is known in full and lacks the code.
        """
        title, candidates = self._candidates(code)
        held = next((c for c in candidates if c in self._lines), None)
        if held is None:
            hint = _SEED_HINT if self.method == "seed" else _TABLE_HINT
            return CodeMapping(code, title, "not_in_tables", None, (), self.method, hint)
        lines = [line for line in self._lines[held].values() if line.target]
        options = tuple(
            Option(
                approximate=held != code or not same_title(line.source_title, line.target_title),
                parts=((self._target(line),),),
            )
            for line in lines
        )
        return CodeMapping.found(code, title, held, options, self.method)

    def _candidates(self, code: str) -> tuple[str | None, Iterator[str]]:
        """Return the title of a code, and the code with those above it, the nearest first."""
        beginnings = (code[:end].rstrip(".") for end in range(len(code), 2, -1))
        if code in self.source:
            return self.source.get(code).title, beginnings
        if not isinstance(self.source, ICD11):
            self.source.get(code)  # raises the error with codes close to it
        # ICD-11 is known in part only: a code of its shape may well exist. In a cluster it is the
        # whole that counts, so nothing above it stands in for it.
        return None, iter(()) if {"&", "/"} & set(code) else beginnings

    def _target(self, line: Equivalent) -> Target:
        code = line.target or ""
        if isinstance(self.target, ICD11):
            known = code in self.target and self.target.get(code).billable
            return Target(code, line.target_title, billable=known)
        return target_in(self.target, code)


def seed_lines() -> Iterator[Equivalent]:
    """Yield our seed, ICD-10 to ICD-11, with the WHO's titles of ICD-10."""
    icd10 = get_code_system("icd10who")
    for row in load_seed():
        yield Equivalent(row.icd10, icd10.get(row.icd10).title, row.icd11, row.title)


def reverse(lines: Iterable[Equivalent]) -> Iterator[Equivalent]:
    """Yield a list the other way round."""
    for line in lines:
        if line.target:
            yield Equivalent(line.target, line.target_title, line.source, line.source_title)
