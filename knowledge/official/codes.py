"""From a code as the official tables print it to a code of a release."""

import re

from knowledge.code_systems.base import CodeSystem

PRINTED_CODE = re.compile(r"([A-Z][0-9A][0-9AB])(?:\.([0-9A-Z]{1,4})|\.)?-?")


def printed_code(system: CodeSystem, printed: str) -> str | None:
    """Return the code of a release that a table means, None where there is no such code.

    A hyphen at the end says that the code needs more characters; it is dropped, as is a full stop
    or a placeholder X that nothing follows (``C79.8-``, ``D48.-``, ``W94.1X-``).
    """
    match = PRINTED_CODE.fullmatch(printed.strip())
    if match is None:
        return None
    category, rest = match.groups()
    code = f"{category}.{rest}" if rest else category
    while code not in system and code.endswith(("X", ".")):
        code = code[:-1]
    return code if code in system else None
