"""From a failed completion to a new prompt: the task, the script, and what was wrong with it.

The reference is never told: a rewriter sees the task, the completion and its diagnosis, nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from mdevalbench.errors import HarnessFault, UsageError
from mdevalbench.extract import extract

LONGEST = 6000
"""characters of a failed script that are shown"""
Rewriter = Callable[[str, str, str], str]
"""(prompt of the task, completion, diagnosis) -> new prompt"""

_ORDER = """\
You improve exercises in molecular dynamics. Below is a task, a LAMMPS script that failed it, and what was wrong. Write
a new request to the author of the script: it states the whole task again with every number and condition unchanged,
and says what to mind so that the mistake does not happen again. Do not write the script, and do not tell a numerical
result.
"""


def rewriter(name: str) -> Rewriter:
    """`words`, or the name of a model behind OPENAI_BASE_URL (OpenAI itself if that is not set).

    Raises UsageError if the model cannot be asked for want of a key.
    """
    return in_words if name == "words" else _by_model(name)


def in_words(prompt: str, completion: str, diagnosis: str) -> str:
    """The deterministic rewriter."""
    script = extract(completion).script
    if script is None:
        return (
            f"{prompt.strip()}\n\nAn earlier answer to this held no LAMMPS input script. Give a whole one in a fence."
        )
    shown = script.strip() if len(script) <= LONGEST else script[:LONGEST].rstrip() + "\n# (shortened)"
    return (
        f"{prompt.strip()}\n\nAn earlier answer to this was the script\n\n```lammps\n{shown}\n```\n\n"
        f"and this was wrong with it:\n\n{diagnosis}\n\nGive a whole script that is right."
    )


def _by_model(name: str) -> Rewriter:
    from openai import OpenAI, OpenAIError

    if not os.environ.get("OPENAI_API_KEY"):
        raise UsageError(f"grpo.recycling.rewriter: {name} needs OPENAI_API_KEY (a local server takes any word)")
    client = OpenAI()

    def rewrite(prompt: str, completion: str, diagnosis: str) -> str:
        given = in_words(prompt, completion, diagnosis)
        messages = [{"role": "system", "content": _ORDER}, {"role": "user", "content": given}]
        try:
            answer = client.chat.completions.create(model=name, messages=messages)  # type: ignore[arg-type]
        except OpenAIError as error:
            raise HarnessFault(f"the rewriter {name} did not answer: {error}") from error
        return (answer.choices[0].message.content or "").strip() or given

    return rewrite
