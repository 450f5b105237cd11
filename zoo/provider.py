"""Built-in models as an Inspect provider: `mdevalbench/reference`, `wrong`, `template`, `majority`, ...

They take the same way as any other model: a prompt goes in, a completion comes out. `reference`, `wrong` and `majority`
recognise a task or question by the exact text of its prompt, so that a prompt which was altered on the way is noticed;
`template` and `nano` read any text.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageUser, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from mdevalbench.errors import UsageError
from mdevalbench.tasks import Task, family_names, load_family, render_reference, wrong
from mdevalbench.tasks.drawn.drawing import dealt
from mdevalbench.tasks.qa.code import recognise_code
from mdevalbench.tasks.qa.loading import right_letters
from mdevalbench.tasks.qa.prompts import right_answer
from mdevalbench.tasks.qa.recognition import favourite_letters, recognise_question
from mdevalbench.tasks.qa.suites import known_questions, published_so_far
from mdevalbench.zoo import apprentice
from mdevalbench.zoo.nano import Nano
from mdevalbench.zoo.template import write_script

BASELINES = {
    "reference": "answers each task with its reference script and each question rightly; must score 100 %",
    "wrong": "answers each task with its wrong scripts in turn, mistakes that models really make; must score 0 %",
    "template": "fills a generic script by the words of the prompt; a baseline without a neural net",
}
"""built-in models that write scripts without weights, and what they do"""
MODELS = BASELINES | {
    "majority": "answers questions by the letters that are right most often (-M seed=N as given to eval), and every "
    "published code task by the same script",
    "apprentice": "makes a typical mistake first and then follows advice to the letter; for the agent runtime",
    "nano": "a small transformer trained here; -M path=FOLDER opens another; needs the extra [hf]",
}
"""built-in models and what they do"""


ALWAYS_THE_SAME = """\
units lj
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.44 87287
fix 1 all nve
thermo 50
run 100
"""
"""a script that runs and has nothing to do with what is asked: what an execution rate alone is worth"""


class BuiltinModel(ModelAPI):
    """A model that needs no key and no network; the baselines are deterministic and need no weights either."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 (Inspect's own signature)
        **model_args: Any,
    ) -> None:
        if model_name not in MODELS:
            known = ", ".join(f"mdevalbench/{name}" for name in MODELS)
            raise UsageError(f"there is no built-in model 'mdevalbench/{model_name}'; there are {known}")
        super().__init__(model_name, base_url, api_key, [], config)
        self._transformer = Nano(config, **model_args) if model_name == "nano" else None
        seed = int(model_args.pop("seed", 0)) if model_name == "majority" else 0
        if self._transformer is None and model_args:
            raise UsageError(f"mdevalbench/{model_name} does not take the argument {', '.join(model_args)}")
        writers: dict[str, Callable[[str], str]] = {
            "reference": _reference,
            "wrong": _WrongAnswers(),
            "majority": partial(_majority, seed),
        }
        self._write: Callable[[str], str] = writers.get(model_name, lambda prompt: _fenced(write_script(prompt)))

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the last message of the user."""
        if self._transformer is not None:
            return await self._transformer.generate(input, tools, tool_choice, config)
        output = self._answer(input, [tool.name for tool in tools])
        read = sum(len(message.text.split()) for message in input)
        written = len(output.completion.split())
        # words stand for tokens: these models have no tokenizer
        output.usage = ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
        return output

    def _answer(self, input: list[ChatMessage], tools: list[str]) -> ModelOutput:
        name = f"mdevalbench/{self.model_name}"
        if self.model_name == "apprentice":
            if "run_script" in tools and (call := apprentice.next_step(input, tools)):
                return ModelOutput.for_tool_call(name, call.function, call.arguments, tool_call_id=call.id)
            return ModelOutput.from_content(name, apprentice.reply(input))
        prompt = next((message.text for message in reversed(input) if isinstance(message, ChatMessageUser)), "")
        return ModelOutput.from_content(name, self._write(prompt))

    def max_connections(self) -> int:
        """Answers of baselines come at once, so that LAMMPS limits an evaluation; the transformer takes batches."""
        return 8 if self._transformer is None else self._transformer.max_connections()

    def max_tokens(self) -> int | None:
        """Enough for any script; a transformer that does not find its end goes on to here."""
        return 1024 if self._transformer is not None else None


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


def _fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


def _reference(prompt: str) -> str:
    if asked := recognise_question(prompt):
        question, language, options = asked
        return right_answer(question.item, language, right_letters(options))
    if published := recognise_code(prompt):
        return _fenced(f"{published.reference}\n")
    return _fenced(render_reference(recognise(prompt)))


def _majority(seed: int, prompt: str) -> str:
    """The favourite letters of the question's kind, nothing where there are none to choose; or the same script."""
    if recognise_code(prompt):
        return _fenced(ALWAYS_THE_SAME)
    asked = recognise_question(prompt)
    if asked is None:
        raise UsageError("mdevalbench/majority answers questions and published code tasks, not other prompts")
    question = asked[0]
    of_suite = [one for one in known_questions(published_so_far()) if one.suite == question.suite]
    return favourite_letters(question.suite, of_suite, question.item.kind, seed)


class _WrongAnswers:
    """The wrong scripts of a task, one after the other and round again."""

    def __init__(self) -> None:
        self._turns: dict[str, Iterator[str]] = {}

    def __call__(self, prompt: str) -> str:
        task = recognise(prompt)
        if task.id not in self._turns:
            self._turns[task.id] = itertools.cycle([variant.script for variant in wrong(task)])
        return _fenced(next(self._turns[task.id]))
