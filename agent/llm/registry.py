"""From an LLM spec, as a user writes it after ``--llm``, to a backend."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from knowledge.errors import UserError

if TYPE_CHECKING:
    from agent.llm.base import CodingLLM

Kind = Literal["builtin", "none", "gguf", "replay", "openai"]

_ALLOWED = "builtin, none, gguf:FILE, openai:MODEL@URL or replay:TRACE"
_BARE: dict[str, Kind] = {"builtin": "builtin", "none": "none"}
_WITH_FILE: dict[str, Kind] = {"gguf": "gguf", "replay": "replay"}
_LATER = ("hf",)
_MODEL_AT_URL = re.compile(r"(?P<model>.+?)@(?P<url>https?://.+)")


@dataclass(frozen=True, slots=True)
class LLMSpec:
    """A parsed LLM spec.

    Attributes:
        kind: Which backend.
        path: The model or trace file of ``gguf`` and ``replay``, else None.
        model: The model of ``openai``, as its server calls it.
        url: Address of the server of ``openai``.
    """

    kind: Kind
    path: Path | None = None
    model: str | None = None
    url: str | None = None

    def __str__(self) -> str:
        if self.url:
            return f"{self.kind}:{self.model}@{self.url}"
        return f"{self.kind}:{self.path}" if self.path else self.kind


def parse_spec(spec: str) -> LLMSpec:
    """Parse ``builtin``, ``none``, ``gguf:FILE``, ``openai:MODEL@URL`` or ``replay:TRACE``.

    Raises:
        UserError: Anything else; says what is allowed.
    """
    text = spec.strip()
    if text in _BARE:
        return LLMSpec(_BARE[text])
    head, colon, rest = text.partition(":")
    if head in _LATER and colon:
        raise UserError(
            f"LLM {spec!r} is not supported in this version; use {_ALLOWED}", fix="--llm builtin"
        )
    if head == "openai" and colon:
        return _server(rest.strip(), spec)
    if head in _WITH_FILE and rest.strip():
        return LLMSpec(_WITH_FILE[head], Path(rest.strip()).expanduser())
    raise UserError(f"unknown LLM {spec!r}; use {_ALLOWED}", fix="--llm builtin")


def _server(rest: str, spec: str) -> LLMSpec:
    """Parse MODEL@URL; a model's own name may hold an @."""
    found = _MODEL_AT_URL.fullmatch(rest)
    address = urlsplit(found["url"]) if found else None
    if not (found and address and address.hostname):
        raise UserError(
            f"LLM {spec!r} names no model and server",
            fix="--llm openai:MODEL@http://localhost:8000/v1",
        )
    if address.username or address.password:
        raise UserError(
            "a key in the address of an LLM would end up in traces and results",
            fix="put it into the environment: ICD_AGENT_API_KEY",
        )
    return LLMSpec("openai", model=found["model"], url=found["url"].rstrip("/"))


def load_llm(
    spec: str | LLMSpec, *, context_tokens: int | None = None, threads: int | None = None
) -> "CodingLLM | None":
    """Return the backend of a spec; None for ``none``.

    The model itself is loaded at the first question. What can be wrong with the file's name or
    hash is found here.

    Args:
        spec: As a user writes it, or parsed.
        context_tokens: Of the model; default `agent.llm.base.DEFAULT_CONTEXT`.
        threads: Of a GGUF model; default all cores to read the prompt, cores - 1 to write.

    Raises:
        UserError: The spec is wrong, or its file is missing, damaged or of another kind.
    """
    parsed = parse_spec(spec) if isinstance(spec, str) else spec
    if parsed.kind == "none":
        return None
    if parsed.kind == "replay":
        from agent.llm.replay import ReplayLLM

        return ReplayLLM.from_trace(_existing(parsed))
    if parsed.kind == "openai":
        return _remote(parsed, context_tokens)
    return _gguf(parsed, context_tokens, threads)


def _remote(spec: LLMSpec, context_tokens: int | None) -> "CodingLLM":
    from agent.llm.base import DEFAULT_CONTEXT

    try:
        from agent.llm.openai_compatible import OpenAICompatibleChat
    except ImportError as error:
        raise UserError(
            f"{spec} needs the package openai", fix="pip install 'icd-agent[openai]'"
        ) from error
    assert spec.model
    assert spec.url
    return OpenAICompatibleChat(
        model=spec.model,
        base_url=spec.url,
        context_tokens=context_tokens or DEFAULT_CONTEXT,
    )


def llm_file(spec: str | LLMSpec) -> Path | None:
    """Return the file of an LLM's weights; None where the spec names none.

    Raises:
        UserError: As for `load_llm`.
    """
    parsed = parse_spec(spec) if isinstance(spec, str) else spec
    return _model_file(parsed)[0] if parsed.kind in ("builtin", "gguf") else None


def _gguf(spec: LLMSpec, context_tokens: int | None, threads: int | None) -> "CodingLLM":
    from agent.llm.base import DEFAULT_CONTEXT
    from agent.llm.llama_cpp import LlamaCppChat, default_threads
    from indexes.token_vectors import available_cores

    path, sha256 = _model_file(spec)
    return LlamaCppChat(
        path=path,
        sha256=sha256,
        context_tokens=context_tokens or DEFAULT_CONTEXT,
        threads=threads or default_threads(),
        reading_threads=threads or available_cores(),
    )


def _model_file(spec: LLMSpec) -> tuple[Path, str]:
    from agent.llm.catalogue import model_entry
    from agent.llm.fetch import model_path, remembered_sha256
    from agent.llm.llama_cpp import check_gguf

    if spec.kind == "builtin":
        entry = model_entry()
        return model_path(entry), entry.sha256
    path = _existing(spec)
    check_gguf(path)
    return path, remembered_sha256(path)


def _existing(spec: LLMSpec) -> Path:
    assert spec.path is not None
    if not spec.path.is_file():
        raise UserError(
            f"{spec}: no such file", fix=f"name an existing file: --llm {spec.kind}:FILE"
        )
    return spec.path
