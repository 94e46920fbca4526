"""The code system as the metrics need it: codes come without dots, and some do not exist."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from knowledge.code_systems import CodeSystem
from knowledge.errors import UserError


@dataclass(frozen=True, slots=True)
class Validity:
    """Assigned codes that a claim could not carry; each counts once a note.

    Attributes:
        codes_not_in_release: Codes that the release does not have.
        codes_not_billable: Headings that are divided further.
    """

    codes_not_in_release: int
    codes_not_billable: int


class CodeTree:
    """Looks up codes without dots.

    Args:
        system: The code system.
    """

    def __init__(self, system: CodeSystem) -> None:
        self._system = system
        self.official = lru_cache(maxsize=None)(self._official)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the entries above a code, nearest first; none for an unknown one."""
        known = self.official(code)
        return self._system.ancestors(known) if known else ()

    def chapter(self, code: str) -> str | None:
        """Return the number of a code's chapter; None for an unknown one."""
        known = self.official(code)
        return self._system.get(known).chapter if known else None

    def validity(self, code_sets: Iterable[frozenset[str]]) -> Validity:
        """Count the codes that the release lacks or does not take."""
        codes = [self.official(code) for assigned in code_sets for code in assigned]
        return Validity(
            codes_not_in_release=codes.count(None),
            codes_not_billable=sum(
                code is not None and not self._system.get(code).billable for code in codes
            ),
        )

    def written(self, code: str) -> str:
        """Return the code with its dot, whether it exists or not."""
        try:
            return self._system.normalise(code)
        except UserError:
            return code

    def _official(self, code: str) -> str | None:
        """Return the code in official form, None if the release lacks it."""
        written = self.written(code)
        return written if written in self._system else None
