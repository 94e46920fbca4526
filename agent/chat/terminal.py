"""The loop of ``icd-agent chat``: lines in, replies out."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from agent.chat.conversation import Conversation
from agent.chat.export import FORMATS
from agent.chat.files import ChatFiles, write_private
from agent.chat.models import Reply, Statement
from agent.chat.screen import Screen
from agent.chat.session import Parts, name_of_pasted
from agent.chat.store import ChatStore
from agent.inputs import read_note
from agent.request import CodingRequest
from agent.result import ResultContext
from knowledge.errors import UserError

_PROMPT, _PASTE_PROMPT = "icd> ", "... "
_END_OF_NOTE = "."
_HISTORY_LENGTH = 500
_PASTE = "Paste the note; a line with a dot alone ends it."


class History:
    """The commands that the arrow keys bring back; never lines of a note.

    Args:
        files: Where they are kept between sessions; None keeps them nowhere.
    """

    def __init__(self, files: ChatFiles | None) -> None:
        import readline

        self._readline = readline
        self._files = files
        readline.set_auto_history(False)
        readline.set_history_length(_HISTORY_LENGTH)
        if files and files.history.exists():
            readline.read_history_file(files.history)

    def add(self, line: str) -> None:
        """Remember a line."""
        self._readline.add_history(line)

    def save(self) -> None:
        """Write the lines, for the next session."""
        if self._files:
            self._files.create(self._files.history)
            self._readline.write_history_file(self._files.history)


class Terminal:
    """Reads what the coder types, or a pipe gives, until it ends.

    Args:
        parts: The loaded parts.
        store: Where threads live.
        screen: Where replies go.
        context: The encounter of every note.
        history: The lines of earlier sessions; None where no one types.
    """

    def __init__(
        self,
        parts: Parts,
        store: ChatStore,
        screen: Screen,
        context: ResultContext,
        history: History | None,
    ) -> None:
        self._parts, self._store, self._screen = parts, store, screen
        self._context, self._history = context, history
        self._talk: Conversation | None = None

    def run(self, first: CodingRequest | None, thread: str | None) -> None:
        """Talk until the coder leaves or the input ends.

        Args:
            first: The note to begin with; None asks for one, unless the thread has one.
            thread: The thread; None gives each note its own.

        Raises:
            UserError: The thread holds another note than the one given.
        """
        if thread:
            self._talk = Conversation.open(thread, self._parts, self._store)
        self._begin(first)
        while (line := self._line(_PROMPT)) is not None:
            if line.strip() in ("/quit", "/exit"):
                break
            if line.strip():
                self._say(line)
        if self._history:
            self._history.save()

    def _begin(self, first: CodingRequest | None) -> None:
        if first:
            self._open(first, self._talk)
        elif self._talk and self._talk.has_note:
            self._go_on(self._talk)
        else:
            self._pasted(self._talk)

    def _say(self, line: str) -> None:
        try:
            if "\n" in line:  # a terminal that brackets what is pasted gives it whole
                self._open(self._request(line))
                return
            name, _, rest = line.strip().partition(" ")
            own = self._own.get(name.lower())
            if own:
                own(self, rest.strip())
            else:
                self._screen.show(self._conversation().send(line))
            if self._history and name.startswith("/"):
                self._history.add(line)
        except UserError as error:
            self._screen.show(Reply(kind="error", statements=(Statement(text=str(error)),)))

    def _conversation(self) -> Conversation:
        if self._talk is None:
            raise UserError("there is no note yet", fix="/note FILE, or /note and paste one")
        return self._talk

    def _request(self, pasted: str) -> CodingRequest:
        return CodingRequest(name_of_pasted(pasted), pasted, self._context)

    def _open(self, request: CodingRequest, thread: Conversation | None = None) -> None:
        """Code a note in a thread, by default its own, or go on where the thread was left."""
        talk = thread or Conversation.open(self._parts.thread_of(request), self._parts, self._store)
        if talk.has_note and talk.note == request.text:
            self._talk = talk
            self._go_on(talk)
            return
        if talk.has_note:
            raise UserError(
                f"the thread {talk.thread!r} holds another note",
                fix="leave --thread away, or name another",
            )
        with self._screen.waiting(f"coding {request.id}"):
            reply = talk.code_note(request.text, request.context, request.id)
        self._talk = talk
        self._screen.note(request.text, reply)
        self._screen.show(reply)

    def _go_on(self, talk: Conversation) -> None:
        self._screen.tell(f"thread {talk.thread}, decisions so far: {len(talk.decisions)}")
        self._screen.show(talk.codes())

    def _note(self, path: str) -> None:
        if path:
            self._open(read_note(path, self._context))
        else:
            self._pasted()

    def _pasted(self, thread: Conversation | None = None) -> None:
        """Read a note from the lines that follow; none leaves all as it is."""
        self._screen.tell(_PASTE)
        lines: list[str] = []
        while (line := self._line(_PASTE_PROMPT)) is not None and line.strip() != _END_OF_NOTE:
            lines.append(line)
            if "\n" in line:
                break
        text = "\n".join(lines)
        if text.strip():
            self._open(self._request(text), thread)

    def _export(self, rest: str) -> None:
        form, _, file = rest.partition(" ")
        known = next((f for f in FORMATS if f == form.lower()), None)
        if known is None or not file.strip():
            raise UserError(
                f"/export takes {' or '.join(FORMATS)} and a file, not {rest!r}",
                fix="/export csv codes.csv",
            )
        path = Path(file.strip())
        if path.exists():
            raise UserError(f"{path} exists already", fix="name another file")
        talk = self._conversation()
        write_private(path, talk.export(known))
        shown = talk.codes()
        open_codes = sum(line.status == "proposed" for line in shown.codes)
        text = f"Written to {path}: {len(shown.codes)} codes, {open_codes} not accepted yet."
        statements = (Statement(text=text),)
        self._screen.show(shown.model_copy(update={"kind": "answer", "statements": statements}))

    def _help(self, rest: str) -> None:
        self._screen.help()

    _own: ClassVar[dict[str, Callable[["Terminal", str], None]]] = {
        "/note": _note,
        "/export": _export,
        "/help": _help,
    }

    def _line(self, prompt: str) -> str | None:
        """Return the next line without its end; None at the end of the input.

        Raises:
            UserError: It is not UTF-8.
        """
        try:
            if self._history:
                return input(prompt if sys.stdout.isatty() else "")
            line = sys.stdin.readline()
            return line.rstrip("\n") if line else None
        except EOFError:
            return None
        except UnicodeDecodeError as error:
            raise UserError(
                f"the input is not {error.encoding}", fix="give notes and commands as UTF-8"
            ) from error
        except KeyboardInterrupt:
            return ""  # what was typed is dropped, the conversation goes on
