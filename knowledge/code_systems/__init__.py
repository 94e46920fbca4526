"""Code systems behind one protocol; `get_code_system` is the way in."""

from functools import lru_cache

from knowledge.code_systems.base import Code, CodeSystem
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError

__all__ = ["ICD10CM", "Code", "CodeSystem", "get_code_system"]

DEFAULT_SYSTEM = ICD10CM.key


@lru_cache(maxsize=1)
def _icd10cm() -> ICD10CM:
    return ICD10CM.load()


def get_code_system(key: str = DEFAULT_SYSTEM) -> ICD10CM:
    """Return a code system by its key, loaded once a process.

    Raises:
        UserError: No code system has this key.
    """
    if key != ICD10CM.key:
        raise UserError(
            f"Unknown code system {key!r}; available: {ICD10CM.key}.",
            fix=f"--code-system {ICD10CM.key}",
        )
    return _icd10cm()
