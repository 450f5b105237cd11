"""What a script says of its own result: `RESULT <observable> = <number> <unit>` on its output."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from mdevalbench.errors import UsageError
from mdevalbench.observables.units import convert
from mdevalbench.types import Claim

_LINE = re.compile(
    r"^[ \t]*RESULT[ \t]+(?P<name>\w+)[ \t]*[=:][ \t]*"
    r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|[-+]?nan|[-+]?inf)"
    r"[ \t]*(?P<unit>[^\r\n]*)\r?$",
    re.MULTILINE | re.IGNORECASE,
)


class NoClaim(Exception):
    """The output holds no usable claim; the message says why in plain words."""


def find_claim(output: str, observable: str, unit: str, accepted_units: Mapping[str, float]) -> Claim:
    """The last RESULT line for `observable`, in `unit`.

    `accepted_units` are the family's further spellings (with their factor to `unit`); other units are converted.

    Raises:
        NoClaim: there is none, its number is not finite, or its unit is missing or of another quantity.
    """
    lines = [match for match in _LINE.finditer(output) if match["name"].lower() == observable.lower()]
    wanted = f"RESULT {observable} = <number> {unit}"
    if not lines:
        others = sorted({match["name"] for match in _LINE.finditer(output)})
        hint = f" (it reports {', '.join(others[:3])})" if others else ""
        raise NoClaim(f"the script reported no result: a line `{wanted}` is missing from its output{hint}")
    match = lines[-1]
    value = float(match["number"].lower().replace("d", "e"))
    if not math.isfinite(value):
        raise NoClaim(f"the reported result is not a finite number: `{match[0].strip()}`")
    given = match["unit"].strip()
    if not given:
        raise NoClaim(f"the reported result has no unit: `{match[0].strip()}`; wanted is `{wanted}`")
    if given == unit:
        return Claim(value=value, unit=unit)
    if given in accepted_units:
        return Claim(value=value * accepted_units[given], unit=unit)
    try:
        return Claim(value=convert(value, given, unit), unit=unit)
    except UsageError as error:
        raise NoClaim(f"the unit of `{match[0].strip()}` cannot be read as {unit}: {error}") from error
