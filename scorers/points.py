"""Whether an open answer says a point, by words: quick, the same every time, and blind to what it was not told.

A point names groups of words or phrases. It is said if one sentence, or two that follow each other, hold a word of
every group. English words are recognised by their beginning (`thermostat` finds `thermostatted`). How often this agrees
with a reader is measured: see `tasks/qa/labels.yml`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from mdevalbench.tasks.qa.schema import Language, Words

_ENDS = re.compile(r"(?<=[.!?;])\s+|[。！？；]|\n+")


def said(words: Words, answer: str, language: Language) -> bool:
    """Whether an answer says a point."""
    sentences = [_plain(part) for part in _ENDS.split(answer) if part.strip()]
    if any(_holds(sentence, phrase, language) for sentence in sentences for phrase in words.never):
        return False
    if words.share < 1:
        groups, whole = words[language], " ".join(sentences)
        there = sum(any(_holds(whole, phrase, language) for phrase in group) for group in groups)
        return there >= words.share * len(groups)
    windows = [*sentences, *(f"{first} {second}" for first, second in pairwise(sentences))]
    groups = words[language]
    return any(all(any(_holds(w, phrase, language) for phrase in group) for group in groups) for w in windows)


def _holds(sentence: str, phrase: str, language: Language) -> bool:
    return _pattern(phrase, language).search(sentence) is not None


@lru_cache(maxsize=8192)
def _pattern(phrase: str, language: Language) -> re.Pattern[str]:
    """English at the beginning of a word; Chinese, and signs, anywhere."""
    text = _plain(phrase)
    begins = r"(?<![a-z0-9])" if text[:1].isascii() and text[:1].isalnum() else ""
    return re.compile(begins + re.escape(text).replace(r"\ ", r"\s+"))


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("-", " ")
    return " ".join(re.sub(r"[`*\"'“”‘’]", "", text).split())
