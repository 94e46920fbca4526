"""Code systems behind one protocol; `get_code_system` is the way in.

A system is imported and read when it is first asked for.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Literal, overload

from knowledge.code_systems.base import Code, CodeSystem
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError

__all__ = ["ICD10CM", "SYSTEM_KEYS", "Code", "CodeSystem", "get_code_system", "get_icd10cm"]

DEFAULT_SYSTEM: Final = "icd10cm"


def _icd9cm() -> CodeSystem:
    from knowledge.code_systems.icd9cm import ICD9CM

    return ICD9CM.load()


def _icd9proc() -> CodeSystem:
    from knowledge.code_systems.icd9cm import ICD9Procedures

    return ICD9Procedures.load()


def _icd10pcs() -> CodeSystem:
    from knowledge.code_systems.icd10pcs import ICD10PCS

    return ICD10PCS.load()


def _icd10who() -> CodeSystem:
    from knowledge.code_systems.icd10who import ICD10WHO

    return ICD10WHO.load()


def _icd11() -> CodeSystem:
    from knowledge.code_systems.icd11 import ICD11

    return ICD11.load()


_LOADERS: Mapping[str, Callable[[], CodeSystem]] = {
    "icd10cm": cache(ICD10CM.load),
    "icd10pcs": _icd10pcs,
    "icd10who": _icd10who,
    "icd11": cache(_icd11),
    "icd9cm": _icd9cm,
    "icd9proc": _icd9proc,
}
SYSTEM_KEYS = tuple(_LOADERS)


@overload
def get_code_system(key: Literal["icd10cm"] = DEFAULT_SYSTEM) -> ICD10CM: ...
@overload
def get_code_system(key: str) -> CodeSystem: ...
def get_code_system(key: str = DEFAULT_SYSTEM) -> CodeSystem:
    """Return a code system by its key, loaded once a process.

    Raises:
        UserError: No code system has this key.
    """
    if key not in SYSTEM_KEYS:
        raise UserError(
            f"Unknown code system {key!r}; available: {', '.join(SYSTEM_KEYS)}.",
            fix=f"choose one of these, for example {DEFAULT_SYSTEM}.",
        )
    return _LOADERS[key]()


def get_icd10cm(key: str = DEFAULT_SYSTEM) -> ICD10CM:
    """Return ICD-10-CM for work that needs its 7th characters, notes and rules.

    Args:
        key: What the user chose.

    Raises:
        UserError: The user chose another system.
    """
    system = get_code_system(key)
    if not isinstance(system, ICD10CM):
        raise UserError(
            f"Notes are coded in {ICD10CM.key} only, not in {key!r}.",
            fix=f"--code-system {ICD10CM.key}",
        )
    return system
