"""Code systems behind one protocol; `get_code_system` is the way in."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, Literal, overload

from knowledge.code_systems.base import Code, CodeSystem
from knowledge.code_systems.icd9cm import ICD9CM, ICD9Procedures
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.code_systems.icd10pcs import ICD10PCS
from knowledge.code_systems.icd10who import ICD10WHO
from knowledge.code_systems.icd11 import ICD11
from knowledge.errors import UserError

__all__ = ["ICD10CM", "SYSTEM_KEYS", "Code", "CodeSystem", "get_code_system", "get_icd10cm"]

DEFAULT_SYSTEM: Final = "icd10cm"

_LOADERS: Mapping[str, Callable[[], CodeSystem]] = {
    ICD10CM.key: cache(ICD10CM.load),
    ICD10WHO.key: cache(ICD10WHO.load),
    ICD10PCS.key: cache(ICD10PCS.load),
    ICD9CM.key: cache(ICD9CM.load),
    ICD9Procedures.key: cache(ICD9Procedures.load),
    ICD11.key: cache(ICD11.load),
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
    if key not in _LOADERS:
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
        UserError: The user chose another system, or there is none of this key.
    """
    system = get_code_system(key)
    if not isinstance(system, ICD10CM):
        raise UserError(
            f"Notes are coded in {ICD10CM.key} only, not in {key!r}.",
            fix=f"--code-system {ICD10CM.key}",
        )
    return system
