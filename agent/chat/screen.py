"""How replies reach the coder: on a terminal with rich, or as one JSON object a reply."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.chat.intents import COMMANDS
from agent.chat.models import CodeLine, Question, Reply, Statement

_STATUS_MARK = {"accepted": "✓", "proposed": "·"}
_COLOURS = ("green", "cyan", "magenta", "yellow", "blue", "red")
EXAMPLES = (
    "why I50.32?",
    "why not I50.9?",
    "is there a more specific code for N18.9?",
    "what does the guideline say about sepsis?",
    "what if I add E10.9?",
    "what if I remove I10?",
)


class Screen(Protocol):
    """Shows replies and help, and says that something takes time."""

    def show(self, reply: Reply) -> None:
        """Show a reply."""
        ...

    def note(self, text: str, reply: Reply) -> None:
        """Show a note with the evidence of its codes."""
        ...

    def tell(self, text: str) -> None:
        """Say something that is no reply."""
        ...

    def help(self) -> None:
        """Show what can be said."""
        ...

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Say that something takes time, while it does."""
        ...


class JsonScreen:
    """One JSON object a reply, on a line."""

    def show(self, reply: Reply) -> None:
        """Print the reply."""
        click.echo(reply.model_dump_json())

    def note(self, text: str, reply: Reply) -> None:
        """Print nothing: who reads JSON has the note."""

    def tell(self, text: str) -> None:
        """Say it on standard error, out of the way."""
        click.echo(text, err=True)

    def help(self) -> None:
        """Print the commands and examples of questions."""
        lines = [Statement(text=f"{usage}: {what}") for usage, what in COMMANDS.items()]
        lines += [Statement(text=example) for example in EXAMPLES]
        self.show(Reply(kind="answer", statements=tuple(lines)))

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Say nothing."""
        return nullcontext()


class RichScreen:
    """A terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._asked: Question | None = None

    def show(self, reply: Reply) -> None:
        """Print statements with what they rest on, the list, and the open question."""
        for statement in reply.statements:
            self._console.print(_statement(statement, reply.kind == "error"))
        if reply.kind == "codes" and reply.codes:
            self._console.print(_table(reply.codes))
        elif reply.kind == "decision":
            self._console.print(_on_one_line(reply.codes))
        if reply.question and (reply.kind == "codes" or reply.question != self._asked):
            self._console.print(_question(reply.question))
        elif reply.question:
            self.tell(f"the question about {reply.question.code} is open; /codes shows it again")
        self._asked = reply.question

    def note(self, text: str, reply: Reply) -> None:
        """Print the note with coloured evidence."""
        shown = Text(text)
        for place, line in enumerate(reply.codes):
            for start, end in line.evidence:
                shown.stylize(f"bold {_COLOURS[place % len(_COLOURS)]}", start, end)
        self._console.print(Panel(shown))

    def tell(self, text: str) -> None:
        """Print a line."""
        self._console.print(Text(text, style="dim"))

    def help(self) -> None:
        """Print the commands and examples of questions."""
        table = Table.grid(padding=(0, 2))
        for usage, what in COMMANDS.items():
            table.add_row(Text(usage, style="bold"), what)
        self._console.print(table)
        self._console.print(Text("or ask: " + "  ".join(EXAMPLES), style="dim"))

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Show a spinner."""
        return Console(stderr=True).status(what)


def _statement(statement: Statement, mistake: bool) -> Text:
    text = Text(statement.text, style="yellow" if mistake else "")
    for citation in statement.citations:
        text.append(f" [{citation}]", style="dim")
    return text


def _table(codes: Iterable[CodeLine]) -> Table:
    table = Table("", "code", "description", "conf.", "reason", show_lines=True, expand=True)
    for place, line in enumerate(codes):
        name = Text(line.code, style=f"bold {_COLOURS[place % len(_COLOURS)]}")
        if line.role == "principal":
            name.append("\nprincipal", style="dim")
        confidence = "" if line.confidence is None else f"{line.confidence:.2f}"
        mark = _STATUS_MARK[line.status]
        table.add_row(mark, name, Text(line.description), confidence, Text(line.reason))
    return table


def _on_one_line(codes: Iterable[CodeLine]) -> Text:
    text = Text()
    for line in codes:
        text.append(f"{_STATUS_MARK[line.status]} ", style="green")
        text.append(f"{line.code}  ", style="bold" if line.role == "principal" else "")
    return text


def _question(question: Question) -> Panel:
    text = Text(question.text)
    for number, option in enumerate(question.options, 1):
        text.append(f"\n{number}  {option.value}")
        if option.code:
            text.append(f"  {option.code} {option.title}", style="dim")
    cited = " ".join(f"[note {start}-{end}]" for start, end in question.spans)
    text.append(f"\n{cited} [guideline {question.citation}]", style="dim")
    return Panel(text, title=f"question about {question.code}", title_align="left")
