"""Whether a model of a card can be asked on this machine, and if not, what is missing. Nothing is asked or loaded."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from mdevalbench.errors import UsageError
from mdevalbench.zoo.cards import Card
from mdevalbench.zoo.nano import find_nano

_SERVICES: dict[str, tuple[tuple[str, ...], str]] = {
    "openai": (("OPENAI_API_KEY",), "openai"),
    "anthropic": (("ANTHROPIC_API_KEY",), "anthropic"),
    "google": (("GOOGLE_API_KEY", "GEMINI_API_KEY"), "google.genai"),
    "mistral": (("MISTRAL_API_KEY",), "mistralai"),
    "grok": (("XAI_API_KEY", "GROK_API_KEY"), "xai_sdk"),
    "groq": (("GROQ_API_KEY",), "groq"),
    "together": (("TOGETHER_API_KEY",), "openai"),
    "fireworks": (("FIREWORKS_API_KEY",), "openai"),
    "moonshot": (("MOONSHOT_API_KEY",), "openai"),
    "deepseek": (("DEEPSEEK_API_KEY",), "openai"),
    "openrouter": (("OPENROUTER_API_KEY",), "openai"),
}
"""provider of Inspect -> environment variables of which one holds the key, and the package that it needs"""
_PACKAGES = {"google.genai": "google-genai", "xai_sdk": "xai-sdk"}
"""module -> name to install, where they differ"""
_HALF_PRECISION = 2
"""bytes for a parameter"""
_HEADROOM = 1.2
"""activations beside the weights"""


def why_not(card: Card) -> str | None:
    """What is missing to ask a model here, in plain words; None if nothing is known to be missing."""
    if card.inspect is None:
        return "its weights are unpublished"
    provider, _, rest = card.inspect.partition("/")
    if provider == "mdevalbench":
        return _no_builtin(rest)
    if provider == "openai-api":
        return _no_server(rest.partition("/")[0])
    if provider == "ollama":
        return (
            None if shutil.which("ollama") or os.environ.get("OLLAMA_BASE_URL") else "there is no ollama program here"
        )
    if provider in _SERVICES:
        keys, package = _SERVICES[provider]
        return _no_package(package) or _no_key(keys)
    if provider in ("hf", "vllm", "sglang"):
        return _no_weights(provider, rest, card)
    return f"whether provider {provider!r} works here is not known: try it"


def _no_builtin(name: str) -> str | None:
    if name != "nano":
        return None
    try:
        find_nano()
    except UsageError as error:
        return str(error)
    return None


def _no_key(names: tuple[str, ...]) -> str | None:
    return None if any(os.environ.get(name) for name in names) else f"no key: set {' or '.join(names)}"


def _no_server(service: str) -> str | None:
    prefix = service.upper().replace("-", "_")
    missing = [name for name in (f"{prefix}_API_KEY", f"{prefix}_BASE_URL") if not os.environ.get(name)]
    return f"no server: set {' and '.join(missing)}" if missing else None


def _no_package(module: str) -> str | None:
    try:
        there = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        there = False
    return None if there else f"no package: pip install {_PACKAGES.get(module, module)}"


def _no_weights(provider: str, model: str, card: Card) -> str | None:
    if os.environ.get(f"{provider.upper()}_BASE_URL"):
        return None
    package = {"hf": "transformers", "vllm": "vllm", "sglang": "sglang"}[provider]
    if _no_package(package) is not None:
        install = f"'mdevalbench[{provider}]'" if provider != "sglang" else "sglang"
        server = f" and no {provider.upper()}_BASE_URL" if provider != "hf" else ""
        return f"no {package} (pip install {install}){server}"
    memory, where = _memory()
    if provider != "hf" and where != "GPU":
        return f"no GPU, which {provider} needs; set {provider.upper()}_BASE_URL to a server that has one"
    needed = card.gigabytes or _HEADROOM * _HALF_PRECISION * (card.parameters or 0.0)
    if needed > memory:
        return f"it needs about {needed:.0f} GB, more than the {memory:.0f} GB of {where} memory"
    if not _is_here(model):
        return "no weights yet: the hub has them, and the first use fetches them"
    return None


def _memory() -> tuple[float, str]:
    """GB of the GPUs, or of the machine if there is none."""
    import torch

    if torch.cuda.is_available():
        return sum(
            torch.cuda.get_device_properties(n).total_memory for n in range(torch.cuda.device_count())
        ) / 1e9, "GPU"
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, "machine"


def _is_here(model: str) -> bool:
    """Whether weights lie in a folder of this name or in the hub's cache."""
    if Path(model).expanduser().is_dir():
        return True
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)
