"""Seeds of drawn tasks: open ones, which everybody can draw again, and sealed ones, which only their owner can.

An open seed is a whole number and stands in the ids (`lattice_constant/draw-7-0`). A sealed seed is a secret text; ids
show a short hash of it. Label and random numbers both come from a slow hash, so that neither ids nor prompts help to
guess a seed; still, it has to be a text that nobody guesses.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import cache

from mdevalbench.errors import TaskError

VARIABLE = "MDEVALBENCH_SEAL"
"""environment variable that holds a sealed seed"""
LABEL = r"\d{1,18}|s[0-9a-f]{10}"
"""what an id shows of a seed"""
_SALT = b"mdevalbench: sealed seeds of drawn tasks, version 1"


@dataclass(frozen=True)
class Seed:
    """What a draw begins with."""

    label: str
    """the number of an open seed; `s` and ten hexadecimal digits of a sealed one"""
    key: bytes = field(repr=False)
    """what the random numbers are made from"""

    @classmethod
    def open(cls, number: int) -> Seed:
        """A seed that everybody may know. Raises TaskError if it is negative or has more than 18 digits."""
        if not 0 <= number < 10**18:
            raise TaskError(f"a seed is a whole number from 0 to 10^18, or a text that stays secret, not {number}")
        return cls(str(number), b"open %d" % number)

    @classmethod
    def sealed(cls, secret: str) -> Seed:
        """A seed that only its owner knows. Raises TaskError if it is empty."""
        if not secret.strip():
            raise TaskError("an empty text seals nothing")
        return _sealed(secret)

    @classmethod
    def labelled(cls, label: str | int | None) -> Seed:
        """The seed that ids show as `label`; for None the sealed one of the environment.

        Raises TaskError if a sealed one is asked for that the environment does not hold.
        """
        secret = os.environ.get(VARIABLE, "")
        if label is None:
            if not secret:
                raise TaskError(f"drawn tasks need a seed: give --seed (a number), or set {VARIABLE} to a secret text")
            return cls.sealed(secret)
        if str(label).isdecimal():
            return cls.open(int(label))
        if not re.fullmatch(LABEL, str(label)):
            raise TaskError(f"{label!r} is no seed: give a whole number, or set {VARIABLE} to a secret text")
        if not secret:
            raise TaskError(f"these tasks ({label}) are sealed: set {VARIABLE} to their seed, which their owner has")
        if (found := cls.sealed(secret)).label != label:
            raise TaskError(f"these tasks were drawn with the seed {label}, but {VARIABLE} holds that of {found.label}")
        return found


@cache
def _sealed(secret: str) -> Seed:
    key = hashlib.scrypt(secret.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32)
    return Seed("s" + hashlib.sha256(b"label " + key).hexdigest()[:10], key)


class Numbers:
    """Random numbers that are the same on every machine: SHA-256 of a key and a counter."""

    def __init__(self, seed: Seed, purpose: str) -> None:
        self._key = seed.key + b"\0" + purpose.encode() + b"\0"
        self._count = 0

    def fraction(self) -> float:
        """The next number, uniform in [0, 1), with 53 bits."""
        digest = hashlib.sha256(self._key + str(self._count).encode()).digest()
        self._count += 1
        return (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return int(self.fraction() * count)
