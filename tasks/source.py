"""Reading YAML so that an error can name the file, the line and the key path."""

from __future__ import annotations

import re
import types
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, RootModel, ValidationError
from pydantic_core import ErrorDetails

from mdevalbench.errors import TaskError

KeyPath = tuple[int | str, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, beginning with a letter",
    r"^[a-z0-9][a-z0-9.\-]*$": "lower-case letters, digits, dots and hyphens",
}
_WORDS = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def did_you_mean(name: str, known: Iterable[str], all_of_them: str = "") -> str:
    """`"; did you mean 'x' or 'y'?"`; if nothing is near, nothing, or all names after the words `all_of_them`."""
    names, lower = list(known), name.lower()
    likeness = {one: SequenceMatcher(None, lower, one.lower()).ratio() for one in names}
    best = max(likeness.values(), default=0.0)
    near = [one for one in names if likeness[one] >= max(0.6, best - 0.1)]
    near = sorted(near, key=lambda one: -likeness[one]) or [one for one in names if lower and lower in one.lower()]
    if near:
        return f"; did you mean {' or '.join(repr(one) for one in near[:3])}?"
    return f"; {all_of_them}: {', '.join(names) or 'none'}" if all_of_them else ""


class _Loader(yaml.SafeLoader):
    """YAML as physicists write it: `1e-3` is a number (PyYAML alone reads it as text) and a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key `{key.value}` stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_value(text: str) -> Any:
    """One value as physicists write it in YAML; raises yaml.YAMLError."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def read_text(path: Path) -> str:
    """The text of a file; raises TaskError if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: cannot be read: {error}") from error


@dataclass(frozen=True)
class Source:
    """A YAML file with the line of every key."""

    path: Path
    data: Any
    lines: Mapping[KeyPath, int] = field(repr=False)
    """key path -> 1-based line"""

    @classmethod
    def read(cls, path: Path) -> Source:
        """Parse a file; raises TaskError if it is missing or no YAML."""
        text = read_text(path)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise TaskError(f"{path}:{mark.line + 1 if mark else 1}: this is no valid YAML: {error.problem}") from error
        finally:
            loader.dispose()
        lines: dict[KeyPath, int] = {}
        if node is not None:
            _collect_lines(node, (), lines)
        return cls(path, data, lines)

    def at(self, where: KeyPath) -> str:
        """`file:line: key.path`, the line being that of the deepest key which is in the file."""
        known = next(where[:n] for n in range(len(where), -1, -1) if where[:n] in self.lines or n == 0)
        return f"{self.path}:{self.lines.get(known, 1)}: {dotted(where)}" if where else f"{self.path}"

    def validate(self, model: type[ModelT], data: Any, moved: Mapping[KeyPath, KeyPath] | None = None) -> ModelT:
        """`data` as a `model`; raises TaskError with every problem in plain words.

        `moved` maps the beginning of a key path in `data` to where it stands in the file.
        """
        try:
            return model.model_validate(data)
        except ValidationError as error:
            problems = []
            for detail in error.errors(include_url=False):
                where = detail["loc"]
                for begin, real in (moved or {}).items():
                    if where[: len(begin)] == begin:
                        where = real + where[len(begin) :]
                problems.append(f"{self.at(where)}: {_explain(detail, model)}")
            raise TaskError("\n".join(problems)) from error


def dotted(where: KeyPath) -> str:
    """`tasks[0].parameters.temperature`."""
    text = ""
    for key in where:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def _collect_lines(node: yaml.Node, where: KeyPath, lines: dict[KeyPath, int]) -> None:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*where, key.value)] = key.start_mark.line + 1
            _collect_lines(value, (*where, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _collect_lines(item, (*where, number), lines)


def _explain(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One pydantic error in plain words."""
    where, kind, given, limits = detail["loc"], detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(_model_at(model, where[:-1]).model_fields)
        return f"unknown key{did_you_mean(str(where[-1]), known, 'known keys here')}"
    if kind == "missing":
        return f"is missing; expected {_expected(model, where)}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", limits.get("expected", ""))
        return f"expected one of {', '.join(choices)}, got {given!r}{did_you_mean(str(given), choices)}"
    if kind == "string_pattern_mismatch":
        return f"expected {_PATTERNS.get(limits['pattern'], limits['pattern'])}, got {given!r}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        bound = next(iter(limits.values()))
        return f"must be {kind.replace('_', ' ').replace('than equal', 'than or equal to')} {bound:g}, got {given!r}"
    if kind == "value_error":
        return str(limits["error"])
    if kind == "too_short":
        least = limits["min_length"]
        return f"needs at least {least} {'entry' if least == 1 else 'entries'}, got {limits['actual_length']}"
    return f"expected {_expected(model, where)}, got {_shown(given)}"


def _shown(given: Any) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, Mapping):
        return f"a mapping with the keys {', '.join(map(str, given))}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"a list of {len(given)}"
    return repr(given)


def _expected(model: type[BaseModel], where: KeyPath) -> str:
    return _in_words(_annotation_at(model, where))


def _annotation_at(model: type[BaseModel], where: KeyPath) -> Any:
    """The type that the schema asks for at a key path (`Any` where it does not say)."""
    kind: Any = model.model_fields["root"].annotation if issubclass(model, RootModel) else model
    for key in where:
        kind = _strip(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found = kind.model_fields.get(str(key))
            kind = found.annotation if found else Any
        elif get_origin(kind) is tuple:
            args = get_args(kind)
            kind = args[0] if args[-1] is Ellipsis or not isinstance(key, int) or key >= len(args) else args[key]
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            return Any
    return _strip(kind)


def _model_at(model: type[BaseModel], where: KeyPath) -> type[BaseModel]:
    kind = _annotation_at(model, where)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else model


def _strip(kind: Any) -> Any:
    """Without `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _strip(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        rest = [a for a in get_args(kind) if a is not type(None)]
        return _strip(rest[0]) if len(rest) == 1 else kind
    return kind


def _in_words(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        needed = [n for n, f in kind.model_fields.items() if f.is_required()]
        return f"a mapping with the keys {', '.join(needed or kind.model_fields)}"
    if origin is tuple:
        count = "a list" if args[-1] is Ellipsis else f"a list of {len(args)}"
        return f"{count} ({_in_words(_strip(args[0]))} each)"
    if origin is dict:
        return f"a mapping ({_in_words(_strip(args[0]))}: {_in_words(_strip(args[1]))})"
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    return _WORDS.get(kind, "a value")
