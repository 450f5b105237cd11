"""`mdevalbench eval` where suites hold questions or the published code tasks; `official` is several of them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any

from mdevalbench.cli.code_tables import code_json, code_plan, print_code, print_code_plan
from mdevalbench.cli.output import print_json
from mdevalbench.cli.question_tables import print_question_plan, print_questions, question_json, question_plan
from mdevalbench.leaderboard import run
from mdevalbench.leaderboard.evaluation import Evaluation, check, check_options
from mdevalbench.tasks.qa.suites import CODE, OFFICIAL


def evaluate_questions(parts: Sequence[Evaluation], display: str, dry_run: bool, as_json: bool) -> bool:
    """Run the evaluations one after the other and print what came out; whether every answer was given and judged."""
    for part in parts:
        (check_options if dry_run else check)(part)
    contents: dict[str, Any] = {}
    complete = True
    for number, part in enumerate(parts):
        if number and not as_json:
            print()
        if dry_run:
            contents[part.suite] = _planned(part, as_json)
            continue
        contents[part.suite], whole = _asked(part, display, as_json)
        complete = complete and whole
    if not dry_run and parts[0].model == "mdevalbench/reference" and parts[0].suite in (*OFFICIAL, CODE):
        print("The log and the report of this model hold the published answers: do not pass them on.", file=sys.stderr)
    if as_json:
        print_json(contents if len(parts) > 1 else contents[parts[0].suite])
    return complete


def _planned(part: Evaluation, as_json: bool) -> dict[str, Any]:
    plan, tell = (code_plan(part), print_code_plan) if part.of_code else (question_plan(part), print_question_plan)
    if not as_json:
        tell(plan, part.epochs)
    return plan


def _asked(part: Evaluation, display: str, as_json: bool) -> tuple[dict[str, Any], bool]:
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        if part.of_code:
            code = run.run_published_code(part, display)
        else:
            asked = run.ask(part, display)
    if part.of_code:
        if not as_json:
            print_code(code, part.report)
        return code_json(code, part.report), code.complete
    if not as_json:
        print_questions(asked, part.report)
    return question_json(asked, part.report), asked.complete
