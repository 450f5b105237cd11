"""Brackets of a formula that do not match: closed only where every way to do so means the same number."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: lambda one, two: math.copysign(abs(one), one) ** min(two, 50.0) if one > 0 else math.nan,
}
_LONGEST = 300
"""Longer formulas are left to their author."""


def balanced(formula: str) -> str | None:
    """The formula with the one bracket that is missing put in, or the one too many left out; None if not sure."""
    depth = formula.count("(") - formula.count(")")
    if abs(depth) != 1 or len(formula) > _LONGEST:
        return None
    if (
        depth < 0
        and formula.endswith(")")
        and all(formula[:at].count("(") >= formula[:at].count(")") for at in range(len(formula)))
    ):
        return formula[:-1]
    if depth > 0:
        tried = [f"{formula[:at]}){formula[at:]}" for at in range(1, len(formula) + 1)]
    else:
        tried = [formula[:at] + formula[at + 1 :] for at, char in enumerate(formula) if char == ")"]
    values = {one: value for one in tried if (value := _value(one)) is not None}
    different = {f"{value:.9g}" for value in values.values()}
    return list(values)[-1] if len(different) == 1 else None


def _value(formula: str) -> float | None:
    """A number for a formula whose names have arbitrary values; None if it is none."""
    names: dict[str, float] = {}

    def named(found: re.Match[str]) -> str:
        names.setdefault(found[0], 1.3 + 0.7123 * len(names))
        return f"n{list(names).index(found[0])}"

    text = re.sub(r"[A-Za-z_]\w*(?:\[[^\]()]*\])*", named, formula.replace("**", "^")).replace("^", "**")
    try:
        tree = ast.parse(text.strip(), mode="eval")
        value = _evaluate(tree.body, list(names.values()))
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return None
    return value if math.isfinite(value) else None


def _evaluate(node: ast.expr, names: list[float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return names[int(name[1:])]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_evaluate(inner, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_evaluate(left, names), _evaluate(right, names))
        case ast.Call(func=ast.Name(id=name), args=args) if args:
            values = [_evaluate(arg, names) for arg in args]
            return math.sin(names[int(name[1:])] + sum((at + 1) * one for at, one in enumerate(values))) + 2.0
    raise ValueError("not a formula")
