"""Opening a model before an evaluation begins, so that a wrong name, a missing key or a dead server costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import anyio
from inspect_ai.model import GenerateConfig, get_model
from rich.text import Text
from tenacity import RetryError

from mdevalbench.errors import UsageError
from mdevalbench.zoo.nano import find_nano
from mdevalbench.zoo.provider import MODELS

IN_PROCESS = frozenset({"hf", "vllm", "sglang", "nnterp", "transformer_lens", "llama-cpp-python", "mockllm", "none"})
"""providers that load the weights themselves: opening them is expensive and happens once, in the evaluation"""
EXAMPLES = (
    "mdevalbench/template, openai/gpt-5, anthropic/claude-sonnet-4-5, hf/Qwen/Qwen3-4B, openai-api/local/my-model"
)


def check_model(name: str, base_url: str | None = None, model_args: Mapping[str, Any] | None = None) -> None:
    """See that a model exists and answers, by a question of a few tokens (none for built-in models).

    Args:
        name: an Inspect model string, `provider/model`.
        base_url: address of the provider's server, if it is not the usual one.
        model_args: arguments of the provider.

    Raises:
        UsageError: the name, the key, the packages or the server are not there; the message says what to set.
    """
    provider, _, model = name.partition("/")
    if not model:
        raise UsageError(f"--model {name}: a model is given as provider/model, for example {EXAMPLES}")
    if provider == "mdevalbench":
        if model not in MODELS:
            known = "; ".join(f"mdevalbench/{known} {what}" for known, what in MODELS.items())
            raise UsageError(f"--model {name}: there is no such built-in model; there are: {known}")
        if model == "nano":
            find_nano(**(model_args or {}))
        return
    if provider in IN_PROCESS and base_url is None:
        return
    anyio.run(_ask, name, base_url, dict(model_args or {}))


async def _ask(name: str, base_url: str | None, model_args: dict[str, Any]) -> None:
    try:
        opened = get_model(name, base_url=base_url, memoize=False, **model_args)
    except Exception as error:  # providers raise whatever their packages raise; all of it means "cannot be opened"
        raise UsageError(f"--model {name} cannot be opened: {in_words(error)}{_hint(name, error)}") from error
    config = GenerateConfig(max_tokens=16, max_retries=0, timeout=120, attempt_timeout=120)
    async with opened:
        try:
            await opened.generate("Answer with the word ready.", config=config)
        except Exception as error:
            raise UsageError(_refusal(name, opened.api.base_url, _cause(error))) from error


def _refusal(name: str, base_url: str | None, error: BaseException) -> str:
    """Why a model does not answer, and what to do."""
    server = f"the server at {base_url}" if base_url else "the provider"
    status = getattr(error, "status_code", None)
    if status in (401, 403):
        return f"--model {name}: {server} refuses the API key (HTTP {status}): set another. It says: {in_words(error)}"
    if status == 404:
        return f"--model {name}: {server} does not know it (HTTP 404); check its name. It says: {in_words(error)}"
    if status is not None:
        return f"--model {name}: {server} refuses a short question (HTTP {status}). It says: {in_words(error)}"
    return (
        f"--model {name}: {server} cannot be reached ({in_words(error)}); start it, or check --base-url and the network"
    )


def _cause(error: BaseException) -> BaseException:
    """What made the last of several attempts fail."""
    return error.last_attempt.exception() or error if isinstance(error, RetryError) else error


def in_words(error: BaseException) -> str:
    """The message of an exception in one line, without markup; its type where it has none."""
    error = _cause(error)
    text = Text.from_markup(str(getattr(error, "message", None) or error)).plain
    return " ".join(text.removeprefix("ERROR: ").split()) or type(error).__name__


def _hint(name: str, error: BaseException) -> str:
    if "not recognized" in str(error):
        return f"; known forms are for example {EXAMPLES}"
    if "_API_KEY" in str(error):
        return "; set it with `export NAME=...` (a local server usually takes any word)"
    if "_BASE_URL" in str(error):
        return "; or give --base-url http://host:port/v1"
    if "pip install" in str(error):
        return f" (into {sys.prefix})"
    return ""
