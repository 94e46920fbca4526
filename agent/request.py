"""What the agent is asked."""

from dataclasses import dataclass, field, replace

from agent.result import ResultContext
from knowledge.language import detect_language


@dataclass(frozen=True, slots=True)
class CodingRequest:
    """One note to code and what is known of its encounter."""

    id: str
    text: str
    context: ResultContext = field(default_factory=ResultContext)

    def with_language(self) -> "CodingRequest":
        """Return the request with the language of its note, detected where none is given.

        Raises:
            UserError: The note is plainly written in a language that notes cannot be coded in.
        """
        if self.context.language:
            return self
        language = detect_language(self.text, f"the note {self.id!r}")
        return replace(self, context=self.context.model_copy(update={"language": language}))
