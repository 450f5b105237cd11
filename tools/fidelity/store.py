"""Results on disk: per stage one JSON line an input, appended as they come, and the screen output in files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STAGES = ("check", "bare-skip", "engine-skip", "bare-real", "engine-real", "bare-again")
Found = dict[str, Any]
"""What a stage found out about one input."""


class Store:
    """Results of a sweep in a folder; what is there already need not be done again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.results: dict[str, dict[str, Found]] = {stage: self._read(stage) for stage in STAGES}

    def _read(self, stage: str) -> dict[str, Found]:
        """Input -> found, the last line of each counting; a line that a kill cut short does not count."""
        file, read = self._file(stage), dict[str, Found]()
        for line in file.read_text().splitlines(keepends=True) if file.exists() else ():
            if line.endswith("\n"):
                record = json.loads(line)
                read[record["input"]] = record["found"]
        file.write_text("".join(_line(name, found) for name, found in read.items()))
        return read

    def _file(self, stage: str) -> Path:
        return self.folder / f"{stage}.jsonl"

    def _output_file(self, stage: str, name: str) -> Path:
        return self.folder / "output" / stage / f"{name.replace('/', '__')}.txt"

    def add(self, stage: str, name: str, found: Found, output: str = "") -> None:
        """Keep what a stage found."""
        if output:
            self._output_file(stage, name).parent.mkdir(parents=True, exist_ok=True)
            self._output_file(stage, name).write_text(output)
        with self._file(stage).open("a") as lines:
            lines.write(_line(name, found))
        self.results[stage][name] = found

    def output(self, stage: str, name: str) -> str:
        """What the input printed at that stage."""
        file = self._output_file(stage, name)
        return file.read_text() if file.exists() else ""

    def forget(self, stages: Iterable[str], names: Iterable[str]) -> None:
        """Drop results, so that they are made again."""
        dropped = set(names)
        for stage in stages:
            kept = {name: found for name, found in self.results[stage].items() if name not in dropped}
            self._file(stage).write_text("".join(_line(name, found) for name, found in kept.items()))
            self.results[stage] = kept


def _line(name: str, found: Found) -> str:
    return json.dumps({"input": name, "found": found}) + "\n"
