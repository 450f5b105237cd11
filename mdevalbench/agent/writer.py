"""The model that writes, behind one method; any model of Inspect is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inspect_ai.model import ChatMessage, GenerateConfig, Model
from inspect_ai.util import LimitExceededError

from mdevalbench.errors import HarnessFault, MDEvalBenchError
from mdevalbench.tasks import budget as spending
from mdevalbench.zoo.opening import in_words


class Unanswered(HarnessFault):
    """A model's provider failed, after retries, which says nothing of the model."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, and what it took."""

    text: str
    input_tokens: int
    output_tokens: int


class Writer(Protocol):
    """Answers a conversation."""

    @property
    def name(self) -> str:
        """`provider/model`"""
        ...

    async def write(self, conversation: Sequence[ChatMessage], most_tokens: int) -> Reply:
        """Answer, in at most so many tokens. Raises Unanswered if the provider fails."""
        ...


@dataclass(frozen=True, slots=True)
class InspectWriter:
    """A model of Inspect."""

    model: Model

    @property
    def name(self) -> str:
        """`provider/model`"""
        return str(self.model)

    async def write(self, conversation: Sequence[ChatMessage], most_tokens: int) -> Reply:
        """Answer, in at most so many tokens."""
        own = self.model.config.max_tokens or self.model.api.max_tokens_for_config(self.model.config)
        limit = min(most_tokens, own or self.model.api.max_tokens() or most_tokens)
        async with spending.turn():
            try:
                output = await self.model.generate(list(conversation), config=GenerateConfig(max_tokens=limit))
            except (MDEvalBenchError, LimitExceededError):
                raise
            except Exception as error:  # providers raise whatever their packages raise
                raise Unanswered(f"{self.name} does not answer any more: {in_words(error)}") from error
            usage = output.usage
            spending.add(usage)
        return Reply(output.completion, usage.input_tokens if usage else 0, usage.output_tokens if usage else 0)


@dataclass
class Reciter:
    """Gives answers that were written down before, in turn, and then the last one again; words stand for tokens."""

    answers: Sequence[str]
    name: str = "mdevalbench/reciter"
    heard: list[Sequence[ChatMessage]] = field(default_factory=list)
    """the conversations so far"""

    async def write(self, conversation: Sequence[ChatMessage], most_tokens: int) -> Reply:
        """The next answer, cut off at the limit."""
        words = self.answers[min(len(self.heard), len(self.answers) - 1)].split(" ")
        self.heard.append(tuple(conversation))
        read = sum(len(message.text.split(" ")) for message in conversation)
        return Reply(" ".join(words[:most_tokens]), read, min(len(words), most_tokens))


def most_tokens_of(conversation: Sequence[ChatMessage]) -> int:
    """No tokenizer makes more tokens of a conversation: one for each byte, and some for each message's frame."""
    return sum(len(message.text.encode("utf-8", "replace")) + 16 for message in conversation)
