"""The values that rendering works on: turns in, spans out. No I/O and nothing of the engine."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Turn:
    """One message of a conversation. Conversations alternate and begin with the user."""

    role: Role
    text: str


@dataclass(frozen=True)
class Span:
    """A piece of prompt text. `user` marks what a person or a model wrote, as against the pack's own scaffold."""

    text: str
    user: bool = False


@dataclass(frozen=True)
class Rendered:
    """A conversation as a prompt: concatenating the spans gives the exact text.

    The first `constant` spans do not depend on the conversation. `stops` are the texts that end an answer; `fence` is
    set when the prompt ends inside an open fence, whose closing line ends the answer too.
    """

    spans: tuple[Span, ...]
    constant: int = 0
    stops: tuple[str, ...] = ()
    fence: str | None = None

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)
