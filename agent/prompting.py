"""Prompts are files in ``agent/prompts``; they are validated when read and rendered strictly."""

import functools
from pathlib import Path

import jinja2
import yaml
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict

_FOLDER = Path(__file__).parent / "prompts"
_ENVIRONMENT = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)


class Prompt(BaseModel):
    """A prompt file: unknown keys are refused, a missing variable fails when rendering."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    choices: tuple[str, ...]
    system: str
    user: str

    def render(self, **variables: str) -> list[BaseMessage]:
        """Return the chat messages.

        Raises:
            jinja2.UndefinedError: A variable of the prompt is not given.
        """
        user = _ENVIRONMENT.from_string(self.user).render(**variables)
        return [SystemMessage(self.system), HumanMessage(user)]


@functools.cache
def load_prompt(name: str) -> Prompt:
    """Read ``agent/prompts/NAME.yaml``."""
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return Prompt.model_validate(yaml.safe_load(text))
