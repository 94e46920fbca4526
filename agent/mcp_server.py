"""The tools of a coder for other programs, by the Model Context Protocol (official Python SDK).

One coder serves all calls, one call at a time. It is loaded at the first call that needs it, so
that a client sees the tools at once. Notes come in as arguments and go out in answers; nothing of
them is written anywhere. Nor does the log hold it: the SDK logs at INFO what a tool refused, which
is left out, and with a traceback the text of an exception, which may quote a note; so a defect is
reported here, without that text.
"""

import functools
import importlib.metadata
import inspect
import threading
from collections.abc import Callable
from typing import TypeVar

import orjson
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from agent.coder import Coder, CoderOptions, code_or_fail
from agent.defects import report_defect
from agent.encounter import make_context
from agent.request import CodingRequest
from agent.result import Result
from agent.tools import Desk, NoteDesk
from agent.tools.advice import advice
from agent.tools.answers import Places, PLMCandidates
from agent.tools.arguments import AgeOf, DateOf, Limit, NoteText, Query, SettingOf, SexOf
from knowledge.description import describe
from knowledge.errors import UserError
from knowledge.guidelines import card, load_cards
from knowledge.official.releases_at_hand import icd10cm_of

_INSTRUCTIONS = (
    "Assigns and checks ICD-10-CM codes on this machine. code_note codes a whole clinical note, "
    "with evidence, reasons and rule findings. To work by yourself: search_codes, then show_code; "
    "find_in_note for the evidence; check_codes before you report. Never report a code that "
    "show_code does not know or that is not billable."
)
# Nothing is changed, and the same call gives the same answer.
_READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_GUIDELINE = "icd-agent://guideline/"
_MARKDOWN = "text/markdown"
_JSON = "application/json"

Answer = TypeVar("Answer", bound=BaseModel)


class NoteFunctions:
    """The functions that are given the note with each call.

    Args:
        desk: The reference works.
        coder: Gives the loaded coder.
    """

    def __init__(self, desk: Desk, coder: Callable[[], Coder]) -> None:
        self._desk = desk
        self._coder = coder

    def code_note(
        self,
        note: NoteText,
        setting: SettingOf = "inpatient",
        sex: SexOf = None,
        age: AgeOf = None,
        date: DateOf = None,
    ) -> Result:
        """Assign ICD-10-CM codes to a clinical note.

        Each code has its evidence (offsets into the note), confidence, role and reason; findings
        are those of the coding rules, rejected codes say why they were left out. Give setting, sex
        and age where they are known: they decide codes.
        """
        context = make_context(
            {"setting": setting, "sex": sex, "age": age, "date": date}, "code_note"
        )
        return code_or_fail(self._coder(), CodingRequest("note", _text(note), context))

    def find_in_note(self, note: NoteText, words: Query, limit: Limit = 10) -> Places:
        """Find words in a note: their offsets, section and sentence, and what is said of them.

        Case and white space do not matter; the words must stand one after the other. Tells whether
        a condition is present, absent, possible, historical, of the family, or hypothetical.
        """
        return self._desk_with(note).find_in_note(words, limit)

    def plm_icd_candidates(self, note: NoteText, limit: Limit = 10) -> PLMCandidates:
        """Ask the PLM-ICD model which codes it would give a note, most probable first.

        It knows only codes that stood in its training notes, and does not know what is negated.
        Take it as a second opinion and look for the evidence in the note.
        """
        return self._desk_with(note).plm_icd_candidates(limit)

    def _desk_with(self, note: str) -> NoteDesk:
        return NoteDesk(self._desk, CodingRequest("note", _text(note)))


def build_server(options: CoderOptions) -> MCPServer:
    """Return the server; call its ``run`` to serve standard input and output.

    Args:
        options: How notes are coded. ``trace_dir`` should be None, since traces hold notes.

    Raises:
        UserError: The search indexes belong to a damaged release.
    """
    coder = functools.cache(lambda: Coder(options))
    desk = Desk(icd10cm_of(options.index), lambda: coder().context, options.index)
    notes = NoteFunctions(desk, coder)
    server = MCPServer(
        name="icd-agent",
        title="ICD coding",
        version=importlib.metadata.version("icd-agent"),
        instructions=_INSTRUCTIONS,
        log_level="ERROR",
    )
    lock = threading.Lock()
    for function in (
        notes.code_note,
        desk.search_codes,
        desk.show_code,
        desk.browse_children,
        desk.search_guidelines,
        desk.check_codes,
        desk.map_code,
        notes.find_in_note,
        notes.plm_icd_candidates,
    ):
        server.add_tool(
            _served(function, lock),
            description=inspect.getdoc(function),
            annotations=_READ_ONLY,
            structured_output=True,
        )
    _add_resources(server, desk)
    return server


def _served(function: Callable[..., Answer], lock: threading.Lock) -> Callable[..., Answer]:
    """Return a function that is called alone and whose errors a client may see."""

    @functools.wraps(function)
    def run(*args: object, **arguments: object) -> Answer:
        with lock:
            try:
                return function(*args, **arguments)
            except UserError as error:
                raise ToolError(advice(error)) from None
            except Exception as error:
                report_defect(error)
                raise ToolError(f"a defect of icd-agent ({type(error).__name__})") from None

    return run


def _add_resources(server: MCPServer, desk: Desk) -> None:
    @server.resource(
        "icd-agent://guidelines",
        name="guidelines",
        title="Guideline cards",
        description="All guideline cards: section, title and address.",
        mime_type=_MARKDOWN,
    )
    def guidelines() -> str:
        return "\n".join(f"- [{c.id} {c.title}]({_GUIDELINE}{c.id})" for c in load_cards())

    @server.resource(
        _GUIDELINE + "{section}",
        name="guideline",
        title="Guideline card",
        description="What a section of the ICD-10-CM Official Guidelines asks for, in our words; "
        "where it has no card, that of the nearest section above.",
        mime_type=_MARKDOWN,
    )
    def guideline(section: str) -> str:
        found = card(section)
        if found is None:
            raise ResourceNotFoundError(
                f"no guideline card covers {section}; icd-agent://guidelines lists all"
            )
        return f"# {found.id} {found.title}\n\n{found.section} ({found.year})\n\n{found.body}\n"

    @server.resource(
        "icd-agent://code/{code}",
        name="code",
        title="ICD-10-CM code",
        description="A code, block or chapter, as show_code shows it.",
        mime_type=_JSON,
    )
    def code_entry(code: str) -> str:
        try:
            return orjson.dumps(describe(desk.system, code)).decode()
        except UserError as error:
            raise ResourceNotFoundError(advice(error)) from None


def _text(note: str) -> str:
    if not note.strip():
        raise UserError("the note is empty", fix="give the whole text of the note")
    return note
