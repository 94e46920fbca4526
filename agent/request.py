"""What the agent is asked."""

from dataclasses import dataclass, field

from agent.result import ResultContext


@dataclass(frozen=True, slots=True)
class CodingRequest:
    """One note to code and what is known of its encounter."""

    id: str
    text: str
    context: ResultContext = field(default_factory=ResultContext)
