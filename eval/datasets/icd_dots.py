"""The dot of an ICD code, which MIMIC and the files of CMS leave out."""

from knowledge.dataset_row import CodeKind

# Version of ICD, as MIMIC gives it, and the name of the code system in a row.
CODE_SYSTEMS = {9: "ICD-9-CM", 10: "ICD-10-CM"}

_ICD9CM_PROCEDURE_DIGITS = 2
_CATEGORY, _EXTERNAL_CAUSE = 3, 4


def with_dot(code: str, version: int, kind: CodeKind) -> str:
    """Put the dot into a code that is written without one.

    ICD-9-CM diagnoses have it after three characters, external causes (E) after four; ICD-9-CM
    procedures after two; ICD-10-CM after three; ICD-10-PCS has none. A code that ends there has
    none either. What a hospital's file holds need not be a code at all, so nothing is refused.

    Args:
        code: Upper case, without a dot.
        version: 9 or 10.
        kind: What the code stands for; "procedure" of version 10 is ICD-10-PCS.
    """
    if kind == "diagnosis":
        external_cause = version == 9 and code.startswith("E")
        return _split(code, _EXTERNAL_CAUSE if external_cause else _CATEGORY)
    return _split(code, _ICD9CM_PROCEDURE_DIGITS) if version == 9 else code


def _split(code: str, at: int) -> str:
    return f"{code[:at]}.{code[at:]}" if len(code) > at else code
