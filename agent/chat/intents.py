"""What a coder's line asks for: commands and plain questions, told by patterns alone.

No model reads the line, so the same words always do the same, with and without an LLM.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent.chat.models import Turn
from agent.chat.worklist import ALL
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.errors import UserError

COMMANDS: dict[str, str] = {
    "/codes": "the list as it stands",
    "/why CODE": "what speaks for a code, and every step that led to it",
    "/whynot CODE": "why a code is not on the list",
    "/accept CODE|all": "accept",
    "/reject CODE [reason]": "take a code off the list",
    "/replace A B": "put B in the place of A",
    "/add CODE [words of the note]": "add a code with its evidence",
    "/principal CODE": "make a code the principal diagnosis",
    "/move CODE N": "move a code to place N of the list",
    "/check": "the coding rules over the list",
    "/mend N": "apply the mend of finding N of the last check",
    "/undo": "take the last decision back",
    "/export json|csv|fhir FILE": "write the list",
    "/note [FILE]": "another note: from a file, or pasted up to a line with a dot alone",
    "/help": "these commands",
    "/quit": "leave; a stored thread can be opened again",
}
_CODE = r"[A-Za-z][0-9][0-9A-Za-z](?:\.?[0-9A-Za-z]{1,4})?"
_GUIDELINE = (
    r"(?:what (?:does|do) the (?:official )?guidelines? say (?:about|on)"
    r"|guidelines? (?:about|on|for)|guidelines?) (?P<text>.+?)"
)


class _Form(NamedTuple):
    """A way to say something and the action that it means."""

    pattern: re.Pattern[str]
    action: str


def _form(pattern: str, action: str) -> _Form:
    return _Form(re.compile(rf"\s*(?:{pattern})\s*[?.!]*\s*", re.IGNORECASE | re.DOTALL), action)


_C, _O = rf"(?P<code>{_CODE})", rf"(?P<other>{_CODE})"
_FORMS: Sequence[_Form] = (
    _form(rf"why not {_C}", "whynot"),
    _form(rf"why (?:is|was) {_C} (?:not .*|missing|rejected|dropped)", "whynot"),
    _form(rf"why (?:isn't|wasn't) {_C}.*", "whynot"),
    _form(rf"why (?:did|do) you not (?:code|assign|choose) {_C}", "whynot"),
    _form(rf"why (?:didn't|don't) you (?:code|assign|choose) {_C}", "whynot"),
    _form(rf"why (?:(?:did|do) you (?:code|assign|choose) |is |was )?{_C}(?: there)?", "why"),
    _form(rf"explain {_C}", "why"),
    _form(r"why not (?P<text>.+?)", "whynot"),
    _form(r"why (?P<text>.+?)", "why"),
    _form(
        r"(?:is there |give me )?(?:a |anything |something )?more specific(?: code)?"
        r"(?: for| than)? (?P<text>.+?)",
        "specific",
    ),
    _form(_GUIDELINE, "guideline"),
    _form(r"check(?: (?:it|them|the codes|the list))?", "check"),
    _form(rf"what if i (?:add|added|code|coded) {_C}", "what_if_added"),
    _form(rf"what if i (?:remove|removed|drop|dropped|reject|rejected) {_C}", "what_if_removed"),
    _form(rf"what if i replaced? {_C} (?:with|by) {_O}", "what_if_replaced"),
    _form(r"(?:show |list )?(?:the )?codes", "codes"),
    _form(r"undo", "undo"),
    _form(rf"accept (?P<code>{_CODE}|all)", "accept"),
    _form(rf"reject {_C}(?:(?:,? because|:)? (?P<text>.+?))?", "reject"),
    _form(rf"replace {_C} (?:with|by) {_O}", "replace"),
    _form(rf"add {_C}(?:(?:,? for|:)? (?P<text>.+?))?", "add"),
)


def read(line: str, system: ICD10CM) -> Turn:
    """Return what a line asks for.

    Raises:
        UserError: It is no command or question that is known, an argument is missing, or no code.
    """
    line = line.strip()
    if line.startswith("/"):
        return _command(line, system)
    for form in _FORMS:
        match = form.pattern.fullmatch(line)
        if match:
            groups = {k: v.strip() for k, v in match.groupdict().items() if v}
            return normal(_turn(action=form.action, **groups), system)
    raise UserError(
        "that is no question I know; you can ask why CODE, why not CODE, is there a more specific "
        "code for CODE, what does the guideline say about WORDS, what if I add CODE, or check",
        fix="/help",
    )


def _command(line: str, system: ICD10CM) -> Turn:
    name, _, rest = line[1:].partition(" ")
    name, rest = name.lower(), rest.strip()
    reader = _READERS.get(name)
    if reader is None:
        known = ", ".join(command.split()[0] for command in COMMANDS)
        raise UserError(f"unknown command /{name}; there are {known}", fix="/help")
    return normal(reader(name, rest), system)


def _turn(**fields: object) -> Turn:
    return Turn.model_validate(fields)


def _bare(name: str, rest: str) -> Turn:
    if rest:
        raise UserError(f"/{name} takes nothing after it, not {rest!r}", fix=f"/{name}")
    return _turn(action=name)


def _of_code(name: str, rest: str) -> Turn:
    code, _, text = rest.partition(" ")
    if not code:
        raise UserError(f"/{name} needs a code", fix=_usage(name))
    if text and name not in ("reject", "add"):
        raise UserError(f"/{name} takes one code, not {rest!r}", fix=_usage(name))
    return _turn(action=name, code=code, text=text.strip())


def _of_two_codes(name: str, rest: str) -> Turn:
    parts = rest.split()
    if len(parts) != 2:
        raise UserError(f"/{name} needs two codes, not {rest!r}", fix=_usage(name))
    return _turn(action=name, code=parts[0], other=parts[1])


def _of_code_and_number(name: str, rest: str) -> Turn:
    code, _, number = rest.partition(" ")
    if not number.strip().isdecimal():
        raise UserError(f"/{name} needs a code and a place, not {rest!r}", fix=_usage(name))
    return _turn(action=name, code=code, number=int(number))


def _of_number(name: str, rest: str) -> Turn:
    if not rest.isdecimal():
        raise UserError(f"/{name} needs the number of a finding, not {rest!r}", fix="/check")
    return _turn(action=name, number=int(rest))


def _usage(name: str) -> str:
    return next(usage for usage in COMMANDS if usage.split()[0] == f"/{name}")


_READERS: dict[str, Callable[[str, str], Turn]] = {
    **dict.fromkeys(("codes", "check", "undo"), _bare),
    **dict.fromkeys(("why", "whynot", "accept", "reject", "add", "principal"), _of_code),
    "replace": _of_two_codes,
    "move": _of_code_and_number,
    "mend": _of_number,
}


def normal(turn: Turn, system: ICD10CM) -> Turn:
    """Bring the codes of a turn into official form and see that they exist.

    Raises:
        UserError: A code does not exist.
    """
    update = {
        key: _code(value, system)
        for key, value in (("code", turn.code), ("other", turn.other))
        if value and value.casefold() != ALL
    }
    if turn.code.casefold() == ALL:
        if turn.action != "accept":
            raise UserError(f"/{turn.action} takes one code, not all", fix=_usage(turn.action))
        update["code"] = ALL
    return turn.model_copy(update=update)


def _code(raw: str, system: ICD10CM) -> str:
    return system.get(system.normalise(raw)).code
