"""Looking things up: what the installed LAMMPS has, and what the manual and our notes say.

The manual is searched where it is installed as web pages: in the folder named by MDEVALBENCH_MANUAL, or where
distributions put it. Full-text search and ranking are SQLite's (FTS5, bm25).
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from pathlib import Path

from mdevalbench.errors import UsageError
from mdevalbench.lammps import styles
from mdevalbench.training import corpus

MANUAL = "MDEVALBENCH_MANUAL"
_USUAL = (Path("/usr/share/doc/lammps/html"), Path("/usr/share/doc/lammps-doc/html"))
_WORDS_SHOWN = 60


def look_up(topic: str, count: int = 3) -> str:
    """What is known of a command, a style or a subject, as text.

    Raises UsageError if the topic is empty, or MDEVALBENCH_MANUAL names no folder with pages.
    """
    if not topic.strip():
        raise UsageError("look_up needs a topic: a command, a style or a few words")
    parts = [*_installed(topic), *_pages(topic, count)]
    return "\n\n".join(parts) or f"nothing was found on {topic!r}"


def _installed(topic: str) -> Iterator[str]:
    """Commands and styles of the installed LAMMPS by this name, or those that look like it."""
    known = styles.installed()
    words = topic.lower().split()
    name = words[-1]
    there = [category for category in ("command", *known.styles) if known.knows(category, name)]
    if there:
        yield f"The installed LAMMPS has {', '.join(f'{category} {name}' for category in there)}."
        return
    wanted = words[0] if len(words) > 1 and words[0] in known.styles else None
    near = {
        category: known.nearest(category, name) for category in ([wanted] if wanted else ["command", "fix", "pair"])
    }
    alike = [f"{category} {one}" for category, names in near.items() for one in names]
    if len(words) <= 2 and alike:
        yield f"The installed LAMMPS has no {name!r}; names like it: {', '.join(alike)}."


def _pages(topic: str, count: int) -> Iterator[str]:
    """The best passages on a topic."""
    folder = _manual()
    words = re.findall(r"\w+", topic)
    if not words:
        return
    query = " OR ".join(f'"{word}"' for word in words)
    rows = _index(folder).execute(
        f"SELECT title, snippet(pages, 1, '', '', ' ... ', {_WORDS_SHOWN}) FROM pages WHERE pages MATCH ? "
        "ORDER BY bm25(pages, 8.0, 1.0) LIMIT ?",
        (query, count),
    )
    for title, passage in rows:
        yield f"{title}: {' '.join(passage.split())}"
    if folder is None:
        yield f"(The manual is not installed here; name a folder with its web pages in {MANUAL}.)"


def _manual() -> Path | None:
    given = os.environ.get(MANUAL)
    if given:
        if not any(Path(given).glob("*.html")):
            raise UsageError(f"{MANUAL}={given}: there are no web pages (*.html) in this folder")
        return Path(given)
    return next((folder for folder in _USUAL if any(folder.glob("fix_*.html"))), None)


@lru_cache(maxsize=4)
def _index(manual: Path | None) -> sqlite3.Connection:
    """Full texts in memory: our notes, and the manual's pages if there are any."""
    found = sqlite3.connect(":memory:", check_same_thread=False)
    found.execute("CREATE VIRTUAL TABLE pages USING fts5(title, body, tokenize='porter unicode61')")
    found.executemany("INSERT INTO pages VALUES (?, ?)", _texts(manual))
    return found


def _texts(manual: Path | None) -> Iterator[tuple[str, str]]:
    for path in sorted(corpus.NOTES.glob("*.md")):
        for section in re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8")):
            title, _, body = section.partition("\n")
            yield f"notes, {title.strip('# ')}", body
    for path in sorted(manual.glob("*.html")) if manual else ():
        text = path.read_text(encoding="utf-8", errors="replace")
        text = re.sub(r"(?s)<(script|style|nav|footer)\b.*?</\1>", " ", text)
        yield f"manual, {path.stem}", unescape(re.sub(r"<[^>]+>", " ", text))
