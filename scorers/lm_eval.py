"""Questions and scripts for lm-eval, whose task files are in `tasks/lm_eval`; the numbers are those of the other ways.

lm-eval knows no answer without a score: where the harness fails, the evaluation ends with the fault instead of a number
that would count it as the model's. The system message of scripts is part of the prompt, since lm-eval has one for all.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps.executor import in_threads
from mdevalbench.scorers.answers import score
from mdevalbench.scorers.code import CodeOutcome, run_code
from mdevalbench.scorers.inspect import shared_judge, values
from mdevalbench.scorers.inspect_answers import asked
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import load_suite
from mdevalbench.tasks.chat import system_message
from mdevalbench.tasks.qa.code import load_code
from mdevalbench.tasks.qa.loading import right_letters
from mdevalbench.tasks.qa.prompts import prompt, right_answer
from mdevalbench.tasks.qa.schema import Language
from mdevalbench.tasks.qa.suites import dealt, questions_of

Splits = dict[str, Dataset]


def questions(suite: str, language: Language, seed: int = 0, data: str | None = None, **_: Any) -> Splits:
    """All questions of a suite as they are asked; `--metadata '{"data": "DIR", "seed": 7}'` gives the last two."""
    found = questions_of(suite, language, Path(data) if data else None)
    letters = dealt(suite, found, seed)
    rows = []
    for question in found:
        item, options = question.item, letters.get(question.id, ())
        rows.append(
            {
                "id": question.id,
                "kind": item.kind,
                "difficulty": item.difficulty,
                "prompt": prompt(item, language, options),
                "target": right_answer(item, language, right_letters(options)),
                "asked": json.dumps({"language": language, "seed": seed, "data": data}),
            }
        )
    return {"test": Dataset.from_list(rows)}


def choices(suite: str, language: Language, data: str | None = None, **_: Any) -> Splits:
    """The single choices of a suite, their options without letters, in the order in which they are written."""
    found = questions_of(suite, language, Path(data) if data else None)
    rows = [
        {
            "id": question.id,
            "question": question.item.question[language].strip(),
            "options": [option.text[language] for option in question.item.options],
            "right": [option.right for option in question.item.options].index(True),
        }
        for question in found
        if question.item.kind == "single" and any(option.right for option in question.item.options)
    ]
    return {"test": Dataset.from_list(rows)}


def score_answer(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """Score and partial credit of one answer."""
    metadata = json.loads(doc["asked"])
    question, options = asked(doc["id"], metadata)
    made = score(question.item, results[0], metadata["language"], options)
    return {"score": made.score, "partial": made.partial}


def scripts(scripts: str = "codegen", draw: str | int | None = None, count: int | None = None, **_: Any) -> Splits:
    """Tasks of a suite; a drawn one by `--metadata '{"scripts": "codegen-train", "draw": 7, "count": 100}'`."""
    tasks = load_suite(scripts, seed=draw, count=count)
    rows = [{"id": task.id, "prompt": f"{system_message()}\n\n{task.prompt}"} for task in tasks]
    return {"test": Dataset.from_list(rows)}


def judge_all(responses: Sequence[Sequence[str]], docs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Numbers of the verdict on each response, as JSON. Raises HarnessFault if one cannot be judged."""
    ids = [doc["id"] for doc, given in zip(docs, responses, strict=True) for _ in given]
    verdicts = iter(Rewards(shared_judge().pool).verdicts(ids, [text for given in responses for text in given]))
    judged = []
    for doc, given in zip(docs, responses, strict=True):
        found = [next(verdicts) for _ in given]
        if None in found:
            raise HarnessFault(f"an answer to {doc['id']} could not be judged: run the evaluation again")
        judged.append([json.dumps(values(verdict)) for verdict in found if verdict is not None])
    return judged


def published_code(language: Language, data: str | None = None, **_: Any) -> Splits:
    """The published code tasks; `--metadata '{"data": "DIR"}'` names their folder."""
    tasks = load_code(Path(data) if data else None, language)
    rows = [{"id": task.id, "prompt": f"{system_message()}\n\n{task.prompt}"} for task in tasks]
    return {"test": Dataset.from_list(rows)}


def run_all(responses: Sequence[Sequence[str]], docs: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Success and Code-Score of each response, as JSON. Raises HarnessFault if one cannot be run."""
    pool = shared_judge().pool
    texts = [text for given in responses for text in given]
    found: dict[int, CodeOutcome] = {}
    in_threads(
        lambda text, cancel: run_code(text, pool, cancel),
        texts,
        pool.workers,
        lambda done, number, outcome: found.update({number: outcome}),
    )
    outcomes = iter(found[number] for number in range(len(texts)))
    return [
        [
            json.dumps({"executed": float(one.executed), "code_score": one.score})
            for one in itertools.islice(outcomes, len(given))
        ]
        for given in responses
    ]


def rungs(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """The numbers of one response that the filter has judged: rungs and reward, or success and Code-Score."""
    found: dict[str, float] = json.loads(results[0])
    return found
