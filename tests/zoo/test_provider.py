"""Built-in models answer as Inspect models do, and recognise tasks by the prompt alone."""

from __future__ import annotations

import pytest
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, ModelOutput, get_model

from mdevalbench.errors import UsageError
from mdevalbench.tasks import load_task, render_reference, wrong
from mdevalbench.zoo.provider import BuiltinModel, builtin, recognise
from mdevalbench.zoo.template import write_script

TASK = "lattice_constant/cu-mishin"


async def ask(model: str, prompt: str) -> ModelOutput:
    assert builtin is not None  # importing it registers the provider
    messages: list[ChatMessage] = [
        ChatMessageSystem(content="You write LAMMPS scripts."),
        ChatMessageUser(content=prompt),
    ]
    return await get_model(f"mdevalbench/{model}", memoize=False).generate(messages)


async def test_reference_answers_with_the_reference_script() -> None:
    task = load_task(TASK)
    output = await ask("reference", task.prompt)
    assert output.completion == f"```lammps\n{render_reference(task)}```\n"
    assert output.usage is not None
    assert output.usage.total_tokens == output.usage.input_tokens + output.usage.output_tokens > 0


async def test_wrong_answers_go_round() -> None:
    task = load_task(TASK)
    model = BuiltinModel("wrong")
    message = ChatMessageUser(content=task.prompt)
    scripts = [variant.script for variant in wrong(task)]
    answers = [
        (await model.generate([message], [], "none", GenerateConfig())).completion for _ in range(len(scripts) + 1)
    ]
    assert answers == [f"```lammps\n{script}```\n" for script in (*scripts, scripts[0])]


async def test_template_answers_whatever_is_asked() -> None:
    output = await ask("template", "Simulate something.")
    assert output.completion == f"```lammps\n{write_script('Simulate something.')}```\n"


def test_an_altered_prompt_is_not_recognised() -> None:
    task = load_task(TASK)
    assert recognise(task.prompt).id == TASK
    with pytest.raises(UsageError, match="no task has this prompt"):
        recognise(task.prompt + " Please.")


def test_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="mdevalbench/reference, mdevalbench/wrong, mdevalbench/template"):
        BuiltinModel("best")
