"""Answers to questions as an Inspect scorer: keys `score` and `partial`, each in [0, 1].

Letters, numbers and texts are compared here. Points of open answers are found by words, or, if a judge is named, by
that model, which sees question, points and answer and says yes or no to each point; what the words found is kept
beside it (`by_words`). A judge that fails leaves the answer unscored: it never becomes a 0.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, Model, get_model
from inspect_ai.scorer import Score as InspectScore
from inspect_ai.scorer import Scorer, Target, scorer
from inspect_ai.solver import TaskState

from mdevalbench.errors import HarnessFault
from mdevalbench.scorers.answers import Score, score
from mdevalbench.scorers.inspect import interval
from mdevalbench.scorers.point_judge import JUDGE, decisions, question_to_judge
from mdevalbench.tasks.qa.loading import Question
from mdevalbench.tasks.qa.schema import Language, Option
from mdevalbench.tasks.qa.suites import dealt, questions_of


@scorer(metrics={"score": [interval()], "partial": [interval()]})
def answers(judge: str | None = None) -> Scorer:
    """Score an answer to a question; `judge` is the model that judges open ones."""

    async def scored(state: TaskState, target: Target) -> InspectScore:
        return await score_answer(str(state.sample_id), state.metadata, state.output.completion, judge)

    return scored


async def score_answer(sample: str, metadata: dict[str, Any], completion: str, judge: str | None) -> InspectScore:
    """The score of one answer to the question of a sample."""
    question, options = asked(sample, metadata)
    language: Language = metadata["language"]
    found = score(question.item, completion, language, options)
    more: dict[str, Any] = {}
    if judge and question.item.kind == "open":
        more["by_words"] = found.score
        try:
            async with get_model(judge, memoize=False) as model:  # a client is of no use beyond its event loop
                found = await _judged(model, question, completion, language)
        except HarnessFault as fault:
            return InspectScore.unscored(reason="judge_fault", explanation=f"{judge}: {fault}", metadata=more)
    return InspectScore(
        value={"score": found.score, "partial": found.partial},
        answer=found.given,
        explanation="\n".join(found.reasons) or "right",
        metadata=more,
    )


Shown = tuple[Question, tuple[Option, ...]]
"""a question and its options as A, B, C, ..."""


@lru_cache(maxsize=16)
def _dealt(
    suite: str, language: Language, seed: int, data: str | None
) -> dict[str, tuple[Question, tuple[Option, ...]]]:
    questions = questions_of(suite, language, Path(data) if data else None)
    options = dealt(suite, questions, seed)
    return {question.id: (question, options.get(question.id, ())) for question in questions}


def asked(sample: str, metadata: dict[str, Any]) -> Shown:
    """The question of a sample, and its options as they were shown."""
    suite = sample.partition("/")[0]
    return _dealt(suite, metadata["language"], int(metadata["seed"]), metadata.get("data"))[sample]


async def judged_points(judge: Model, question: Question, completion: str, language: Language) -> list[bool]:
    """Which points an answer makes, as a model sees it. Raises HarnessFault if it does not decide."""
    text = question_to_judge(question.item, completion, language)
    chat: list[ChatMessage] = [ChatMessageSystem(content=JUDGE), ChatMessageUser(content=text)]
    said = await judge.generate(chat, config=GenerateConfig(temperature=0))
    return decisions(said.completion, len(question.item.points))


async def _judged(judge: Model, question: Question, completion: str, language: Language) -> Score:
    made = await judged_points(judge, question, completion, language)
    missing = [p.text[language] for p, is_said in zip(question.item.points, made, strict=True) if not is_said]
    share = sum(made) / len(made)
    reasons = tuple(f"missing: {text}" for text in missing)
    return Score(given=completion.strip(), score=share, partial=share, reasons=reasons)
