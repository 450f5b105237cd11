"""Rendering of templates and of the Jinja2 strings of `family.yml`.

Everything is rendered with one flat namespace. A string that is one expression (`"{{ timestep * 10 }}"`) becomes the
value of that expression, so that numbers stay numbers; any other string stays text. A missing name is an error,
never empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
    meta,
)
from jinja2.environment import TemplateExpression

from mdevalbench.errors import TaskError
from mdevalbench.tasks.source import KeyPath, did_you_mean

_ONE_EXPRESSION = re.compile(r"\{\{((?:(?!\}\}|\{\{).)*)\}\}", re.DOTALL)

At = Callable[[KeyPath], str]
"""tells where a key path stands, for error messages"""


def _plain_number(value: Any) -> Any:
    """Floats as a person writes them: 12 significant digits, no rounding noise (0.30000000000000004 -> 0.3)."""
    return f"{value:.12g}" if isinstance(value, float) else value


@cache
def _environment(folder: Path | None) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder) if folder else None,
        undefined=StrictUndefined,
        finalize=_plain_number,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


@lru_cache(maxsize=4096)  # the same few expressions are rendered for every task of a family
def _expression(text: str) -> TemplateExpression:
    return _environment(None).compile_expression(text, undefined_to_none=False)


@lru_cache(maxsize=4096)
def _text(text: str) -> Template:
    return _environment(None).from_string(text)


@lru_cache(maxsize=4096)
def _undeclared(text: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_environment(None).parse(text)))


def render_template(path: Path, folder: Path, names: Mapping[str, Any]) -> str:
    """The text of a template of a family. Raises TaskError naming file, line and the missing name."""
    try:
        return _environment(folder).get_template(path.relative_to(folder).as_posix()).render(names)
    except TemplateNotFound as error:
        raise TaskError(f"{folder / str(error.name)}: this file is missing") from error
    except TemplateSyntaxError as error:
        raise TaskError(f"{error.filename or path}:{error.lineno}: {error.message}") from error
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise TaskError(f"{path}:{_template_line(error, path)}: {_plain(error, names)}") from error


def render_value(value: Any, names: Mapping[str, Any], at: At, where: KeyPath = ()) -> Any:
    """A YAML value with every Jinja2 string in it (keys too) rendered; `where` is its key path."""
    if isinstance(value, Mapping):
        return {
            render_value(k, names, at, where): render_value(v, names, at, (*where, str(k))) for k, v in value.items()
        }
    if isinstance(value, list):
        return [render_value(v, names, at, (*where, n)) for n, v in enumerate(value)]
    if not _is_template(value):
        return value
    try:
        if alone := _ONE_EXPRESSION.fullmatch(value.strip()):
            result = _expression(alone[1].strip())(**names)
            if isinstance(result, Undefined):
                str(result)  # a strict undefined raises here, with its name
            return result
        return _text(value).render(names)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise TaskError(f"{at(where)}: {value!r}: {_plain(error, names)}") from error


def resolve(layers: Mapping[str, tuple[KeyPath, Any]], at: At, wanted: Iterable[str] | None = None) -> dict[str, Any]:
    """Values of names that may refer to each other: name -> (key path, value) becomes name -> rendered value.

    With `wanted`, of these names only and of those that they refer to. Raises TaskError for names that are missing or
    that go round in a circle.
    """
    needs = {name: _names_in(raw, where, at) for name, (where, raw) in layers.items()}
    done: dict[str, Any] = {}

    def settle(name: str, chain: tuple[str, ...]) -> None:
        where, raw = layers[name]
        if name in chain:
            raise TaskError(f"{at(where)}: goes round in a circle: {' -> '.join((*chain, name))}")
        for other in sorted((needs[name] & layers.keys()) - done.keys()):
            settle(other, (*chain, name))
        done[name] = render_value(raw, done, at, where)

    # plain values first: they are known in any error
    for name in sorted(layers if wanted is None else wanted, key=lambda name: bool(needs[name])):
        if name not in done:
            settle(name, ())
    return done


def names_in(expression: str, at: At, where: KeyPath = ()) -> set[str]:
    """Names that a Jinja2 expression refers to. Raises TaskError if it is none."""
    return _names_in("{{" + expression + "}}", where, at)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _names_in(value: Any, where: KeyPath, at: At) -> set[str]:
    """Names that the Jinja2 strings of a value refer to."""
    if isinstance(value, Mapping):
        return set().union(*(_names_in(v, (*where, str(k)), at) for k, v in value.items()))
    if isinstance(value, list):
        return set().union(*(_names_in(v, (*where, n), at) for n, v in enumerate(value)))
    if not _is_template(value):
        return set()
    try:
        return set(_undeclared(value))
    except TemplateSyntaxError as error:
        raise TaskError(f"{at(where)}: {value!r}: {error.message}") from error


def _plain(error: Exception, names: Mapping[str, Any]) -> str:
    if isinstance(error, UndefinedError) and (found := re.match(r"'(\w+)' is undefined", str(error))):
        name = found[1]
        hint = did_you_mean(name, sorted(names), "known names")
        return f"`{name}` is neither in the recipe nor a parameter of the task{hint}"
    if isinstance(error, TemplateError):
        return str(error)
    return f"{error} ({type(error).__name__})"


def _template_line(error: BaseException, path: Path) -> int:
    """Line of the template on which rendering failed (Jinja2 puts template lines into the traceback)."""
    line, step = 1, error.__traceback__
    while step is not None:
        if Path(step.tb_frame.f_code.co_filename) == path:
            line = step.tb_lineno
        step = step.tb_next
    return line
