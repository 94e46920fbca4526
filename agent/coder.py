"""The agent as one object: load the parts once, code many notes."""

import functools
import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from langsmith import tracing_context

from agent.graph import build_graph
from agent.llm.registry import load_llm
from agent.request import CodingRequest
from agent.result import Policy, Result, Usage
from agent.settings import Settings
from agent.state import CoderContext, LLMIdentity
from agent.trace.events import Event, RunEnd, RunStart
from agent.trace.recorder import Recorder, trace_path
from indexes.bundle import Bundle, load_bundle
from indexes.plm_icd.predict import NAME as PLM_ICD
from indexes.spanish_parts import load_spanish
from knowledge.code_systems import get_icd10cm
from knowledge.errors import UserError
from knowledge.official.releases_at_hand import icd10cm_of
from knowledge.policy_data import load_policy
from knowledge.policy_release import policy_within

_VERSIONED = ("icd-agent", "langgraph", "faiss-cpu", "onnxruntime", "xllamacpp", "simple-icd-10-cm")


@dataclass(frozen=True, slots=True)
class CoderOptions:
    """How notes are to be coded.

    Attributes:
        llm: An LLM spec, see `agent.llm.registry.parse_spec`.
        policy: The coding policy.
        code_system: Key of the code system.
        trace_dir: Folder for one trace a note; None keeps none.
        index: Folder of search indexes and, if it was built for one of its own, their release; None
            takes the shipped ones.
        learned: Folder of learned parts; None takes those of the search indexes, if any.
        top_candidates: Places of the ranking kept in a result; None keeps all.
        settings: The agent's numbers.
    """

    llm: str = "builtin"
    policy: Policy = "guidelines"
    code_system: str = "icd10cm"
    trace_dir: Path | None = None
    index: Path | None = None
    learned: Path | None = None
    top_candidates: int | None = None
    settings: Settings = field(default_factory=Settings)


class TracedResult(NamedTuple):
    """A result and the events that led to it, in order."""

    result: Result
    events: Sequence[Event]


class Coder:
    """Codes notes; loading takes seconds, so keep one for many notes.

    Raises:
        UserError: An artefact or the LLM is missing or damaged.
    """

    def __init__(self, options: CoderOptions) -> None:
        self.options = options
        system = icd10cm_of(options.index) if options.index else get_icd10cm(options.code_system)
        llm = load_llm(options.llm)
        self._bundle: Bundle = load_bundle(system, options.index, options.learned)
        learned = self._bundle.learned
        withheld = _withheld(options.settings, self._bundle)
        opinion = learned.plm_icd if learned and PLM_ICD not in withheld else None
        self._graph = build_graph()
        self._context = CoderContext(
            system=system,
            generators=[g for g in self._bundle.generators if g.name not in withheld],
            policy_data=policy_within(load_policy(), system),
            llm=llm,
            llm_identity=LLMIdentity(options.llm, llm.model_id if llm else "none"),
            plm=opinion.predictor if opinion else None,
            policy=options.policy,
            settings=options.settings,
            recorder=Recorder(),
            learned=learned,
            index_identity=self._bundle.identity,
        )

    @property
    def context(self) -> CoderContext:
        """What its nodes work with on English notes."""
        return self._context

    def _context_for(self, request: CodingRequest) -> CoderContext:
        return self._spanish if request.context.language == "es" else self._context

    @functools.cached_property
    def _spanish(self) -> CoderContext:
        """What its nodes work with on Spanish notes, loaded with the first of them."""
        voices = load_spanish(self._bundle, self._context.system)
        withheld = self.options.settings.withheld
        return replace(
            self._context,
            generators=[g for g in voices.untrained if g.name not in withheld],
            learned=voices.learned,
            plm=None,
            language="es",
            index_identity=voices.identity,
        )

    def code(
        self,
        request: CodingRequest,
        on_node: Callable[[str], None] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Result:
        """Code one note.

        Args:
            request: The note and its encounter.
            on_node: Told the name of each node that ended, for progress displays.
            on_event: Told each event of the trace as it happens; what it raises ends the coding.

        Raises:
            UserError: The trace cannot be written, or a replayed trace does not fit.
        """
        return self.code_traced(request, on_node, on_event).result

    def code_traced(
        self,
        request: CodingRequest,
        on_node: Callable[[str], None] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> TracedResult:
        """Code one note and return the events of the run besides.

        Args:
            request: The note and its encounter.
            on_node: Told the name of each node that ended, for progress displays.
            on_event: As in `code`.

        Raises:
            UserError: The trace cannot be written, or a replayed trace does not fit.
        """
        request = request.with_language()
        folder = self.options.trace_dir
        recorder = Recorder(trace_path(folder, request.id) if folder else None, on_event)
        context = replace(self._context_for(request), recorder=recorder)
        recorder.emit(self._run_start(request, context))
        result: Result | None = None
        # LangChain would send the note to LangSmith where a user's environment asks for it.
        with tracing_context(enabled=False):
            for update in self._graph.stream(
                {"request": request}, context=context, stream_mode="updates"
            ):
                for node, changes in update.items():
                    if on_node:
                        on_node(node)
                    result = (changes or {}).get("result", result)
        assert result is not None, "finalise always writes a result"
        result = self._finish(result, recorder)
        recorder.emit(RunEnd(at=recorder.elapsed, result=result))
        return TracedResult(result, recorder.events)

    def failed(self, request: CodingRequest, error: Exception) -> Result:
        """Return the result of a note that could not be coded."""
        return Result(
            id=request.id,
            status="failed",
            error=f"{type(error).__name__}: {error}",
            context=request.context,
            code_system=self._context.system.name,
            release=self._context.system.release,
            policy=self.options.policy,
            usage=Usage(llm=self.options.llm),
        )

    def _finish(self, result: Result, recorder: Recorder) -> Result:
        return result.model_copy(
            update={
                "candidates": result.candidates[: self.options.top_candidates],
                "usage": recorder.usage(self.options.llm),
                "trace": str(recorder.path) if recorder.path else None,
            }
        )

    def _run_start(self, request: CodingRequest, context: CoderContext) -> RunStart:
        return RunStart(
            at=0.0,
            note_id=request.id,
            note_sha256=hashlib.sha256(request.text.encode("utf-8")).hexdigest(),
            note=request.text,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            settings={
                "policy": context.policy,
                **context.settings.model_dump(),
                "encounter": request.context.model_dump(),
            },
            llm=context.llm_identity._asdict(),
            knowledge={
                "code_system": context.system.name,
                "release": context.system.release,
                "index": context.index_identity,
            },
            versions=_versions(),
        )


def _withheld(settings: Settings, bundle: Bundle) -> frozenset[str]:
    """Return the names of the generators that are not to be asked.

    Raises:
        UserError: There is no generator of such a name.
    """
    learned = bundle.learned.generators if bundle.learned else ()
    known = [generator.name for generator in (*bundle.generators, *learned)]
    if unknown := sorted(set(settings.withheld) - set(known)):
        raise UserError(
            f"settings, withheld: no generator is called {', '.join(unknown)}",
            fix=f"name some of {', '.join(known)}",
        )
    return frozenset(settings.withheld)


@functools.cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "unknown"
    return versions


def code_or_fail(
    coder: Coder, request: CodingRequest, on_node: Callable[[str], None] | None = None
) -> Result:
    """Code one note of a batch; a defect marks this note as failed and spares the others.

    Args:
        coder: The agent.
        request: The note.
        on_node: As in `Coder.code`.

    Raises:
        UserError: Something that stands in the way of every note.
    """
    try:
        return coder.code(request, on_node)
    except UserError:
        raise
    except Exception as error:  # the batch goes on, the result says what happened
        return coder.failed(request, error)
