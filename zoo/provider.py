"""Built-in models as an Inspect provider: `mdevalbench/reference`, `mdevalbench/wrong`, `mdevalbench/template`.

They take the same way as any other model: a prompt goes in, a completion comes out. `reference` and `wrong` recognise a
task by the exact text of its prompt, so that a prompt which was altered on the way is noticed; `template` reads any
text.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from mdevalbench.errors import UsageError
from mdevalbench.tasks import Task, family_names, load_family, render_reference, wrong
from mdevalbench.tasks.drawn.drawing import dealt
from mdevalbench.zoo.template import write_script

MODELS = {
    "reference": "answers each task with its reference script; must score 100 %",
    "wrong": "answers each task with its wrong scripts in turn, mistakes that models really make; must score 0 %",
    "template": "fills a generic script by the words of the prompt; a baseline without a neural net",
}
"""built-in models and what they do"""


class BuiltinModel(ModelAPI):
    """A deterministic model that needs no key, no network and no weights."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 (Inspect's own signature)
    ) -> None:
        if model_name not in MODELS:
            known = ", ".join(f"mdevalbench/{name}" for name in MODELS)
            raise UsageError(f"there is no built-in model 'mdevalbench/{model_name}'; there are {known}")
        super().__init__(model_name, base_url, api_key, [], config)
        writers: dict[str, Callable[[str], str]] = {
            "reference": _reference,
            "wrong": _WrongAnswers(),
            "template": write_script,
        }
        self._write = writers[model_name]

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the last message of the user with one fenced script."""
        prompt = next((message.text for message in reversed(input) if isinstance(message, ChatMessageUser)), "")
        output = ModelOutput.from_content(f"mdevalbench/{self.model_name}", f"```lammps\n{self._write(prompt)}```\n")
        read = sum(len(message.text.split()) for message in input)
        written = len(output.completion.split())
        # words stand for tokens: these models have no tokenizer
        output.usage = ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
        return output

    def max_connections(self) -> int:
        """Answers come at once; what limits an evaluation is LAMMPS."""
        return 8


@modelapi(name="mdevalbench")
def builtin() -> type[ModelAPI]:
    """The provider `mdevalbench`."""
    return BuiltinModel


def _digest(prompt: str) -> str:
    return hashlib.sha256(prompt.strip().encode()).hexdigest()


@cache
def _tasks_by_prompt() -> dict[str, Task]:
    return {_digest(task.prompt): task for family in family_names() for task in load_family(family)}


def recognise(prompt: str) -> Task:
    """The task that has exactly this prompt, a drawn one too. Raises UsageError if there is none."""
    task = _tasks_by_prompt().get(_digest(prompt)) or dealt(prompt)
    if task is None:
        raise UsageError(
            "no task has this prompt: mdevalbench/reference and mdevalbench/wrong answer the unaltered prompts of "
            f"mdevalbench's own tasks only (the prompt begins {prompt.strip()[:60]!r})"
        )
    return task


def _reference(prompt: str) -> str:
    return render_reference(recognise(prompt))


class _WrongAnswers:
    """The wrong scripts of a task, one after the other and round again."""

    def __init__(self) -> None:
        self._turns: dict[str, Iterator[str]] = {}

    def __call__(self, prompt: str) -> str:
        task = recognise(prompt)
        if task.id not in self._turns:
            self._turns[task.id] = itertools.cycle([variant.script for variant in wrong(task)])
        return next(self._turns[task.id])
