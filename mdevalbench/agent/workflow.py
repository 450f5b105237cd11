"""The fixed workflow: write, check, start, run, evaluate, and tell the model what to mend, until nothing is wrong.

Made for models that cannot call tools. Each answer is a whole script; the model is shown the request, its last answer
and what was wrong with it, and nothing else, so that a conversation never grows. References are nowhere in sight.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import anyio
from anyio import to_thread
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from mdevalbench import __version__
from mdevalbench.agent.bench import Bench
from mdevalbench.agent.budget import Budget, Meter
from mdevalbench.agent.evaluator import evaluate
from mdevalbench.agent.finding import Finding, State
from mdevalbench.agent.problem import Problem
from mdevalbench.agent.seen import seen
from mdevalbench.agent.trajectory import Reached, Round, Trajectory
from mdevalbench.agent.watching import Watch, unwatched
from mdevalbench.agent.wish import NOT_OURS, Wish, understand
from mdevalbench.agent.writer import Reply, Writer, most_tokens_of
from mdevalbench.errors import HarnessFault
from mdevalbench.extract import extract
from mdevalbench.tasks.chat import lammps_version, system_message
from mdevalbench.types import Limits

SYSTEM = """\
{usual}
The script is checked and run for you, and you are told what was wrong, so that you can mend it. Choose a system that \
runs within a minute on one core. End the script by printing what was asked for, once, in the form
print "RESULT name = ${{value}} unit"
"""
RUN_SECONDS = 120.0
"""CPU time of one run, at most"""
START_SECONDS = 10.0


class _Step(NamedTuple):
    """A round, and why to stop after it, if so."""

    tried: Round | None
    stopped: str = ""
    failed: bool = False
    """provider or harness failed"""


@dataclass(frozen=True)
class Agent:
    """Writes and mends scripts for requests.

    Args:
        writer: the model.
        bench: where scripts are tried.
        budget: what one request may take.
        watch: called with the number of an answer and each step that is made with it.
    """

    writer: Writer
    bench: Bench
    budget: Budget = field(default_factory=Budget)
    watch: Watch = unwatched

    async def pursue(self, request: str) -> Trajectory:
        """Answer a request, which is in words.

        If the model's provider or the harness fails, the trajectory says so and holds what came before.
        """
        meter, rounds, failed = Meter(self.budget), list[Round](), False
        wish, start = understand(request), opening(request)
        stopped = "" if wish.of_the_field else NOT_OURS
        conversation, doubted = start, set[str]()
        while not stopped:
            tried, stopped, failed = await self._round(wish, conversation, meter)
            if tried is None:
                break
            serious = [one for one in tried.findings if _matters(one, doubted)]
            doubted.update(one.check for one in tried.findings if one.state is State.DOUBT)
            stopped = stopped or _ended(rounds, tried, serious)
            if not stopped:
                told = feedback(tried, serious)
                tried = tried.model_copy(update={"told": told})
                conversation = [*start, ChatMessageAssistant(content=tried.completion), ChatMessageUser(content=told)]
            rounds.append(tried)
        return Trajectory(
            request=request,
            model=self.writer.name,
            mdevalbench=__version__,
            lammps=lammps_version(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            budget=self.budget,
            rounds=tuple(rounds),
            stopped=stopped,
            done=bool(rounds) and rounds[-1].sound and not failed,
            failed=failed,
            seconds=meter.seconds,
        )

    async def _round(self, wish: Wish, conversation: list[ChatMessage], meter: Meter) -> _Step:
        """One answer and what became of it; no round where a limit came first."""
        asks = most_tokens_of(conversation)
        if spent := meter.exhausted():
            return _Step(None, f"{spent} was reached")
        if asks >= meter.tokens_left:
            return _Step(None, f"the next question might take more than the {meter.tokens_left} tokens that are left")
        number, begin, fault = meter.rounds + 1, time.monotonic(), ""
        tried: Round | None = None
        with anyio.move_on_after(meter.seconds_left) as scope:
            try:
                self.watch(number, "the model writes")
                reply = await self.writer.write(conversation, meter.tokens_left - asks)
                meter.rounds, meter.tokens = number, meter.tokens + reply.input_tokens + reply.output_tokens
                tried = _answered(number, reply)
                async for step in self._tried(wish, tried, meter):
                    tried = step  # the last that was reached in time counts
            except HarnessFault as error:
                fault = str(error)
        if tried is not None:
            tried = tried.model_copy(update={"seconds": time.monotonic() - begin})
        late = f"the limit of {self.budget.seconds:g} seconds was reached" if scope.cancelled_caught else ""
        return _Step(tried, fault or late, bool(fault))

    async def _tried(self, wish: Wish, answer: Round, meter: Meter) -> AsyncIterator[Round]:
        """Check, start, run and evaluate the script of an answer, as far as it goes; after each step what is known."""
        extraction = extract(answer.completion)
        script, files = extraction.script, {**self.bench.given, **extraction.files}
        if script is None:
            words = f"there is no script: {extraction.how}"
            yield answer.model_copy(update={"problems": (Problem(words=words),)})
            return
        self.watch(answer.number, "static check")
        problems = await to_thread.run_sync(self.bench.check, script, files)  # others go on meanwhile
        update: dict[str, object] = {"script": script, "files": files, "reached": Reached.CHECK, "problems": problems}
        yield answer.model_copy(update=update)
        if problems:
            return
        self.watch(answer.number, "start without loops")
        limits = Limits(cpu_seconds=max(0.1, min(START_SECONDS, meter.cpu_left)))
        problem, seconds = await self.bench.start(script, files, limits)
        meter.cpu_seconds += seconds
        update |= {"reached": Reached.START, "cpu_seconds": seconds, "problems": (problem,) if problem else ()}
        yield answer.model_copy(update=update)
        if problem or not meter.cpu_left:
            return
        self.watch(answer.number, "run")
        limits = Limits(cpu_seconds=min(RUN_SECONDS, meter.cpu_left))
        run, problem = await self.bench.run(script, files, limits)
        meter.cpu_seconds += run.cpu_seconds
        update |= {**seen(run), "cpu_seconds": seconds + run.cpu_seconds, "reached": Reached.RUN}
        if problem is None:
            self.watch(answer.number, "evaluation")
            problem = self.bench.warned(script, run)
            findings = await to_thread.run_sync(evaluate, wish, script, run)
            update |= {"reached": Reached.EVALUATION, "findings": findings}
        yield answer.model_copy(update=update | {"problems": (problem,) if problem else ()})


def feedback(tried: Round, serious: Sequence[Finding]) -> str:
    """What a model is told about its answer."""
    parts = [problem.told(tried.script or "") for problem in tried.problems]
    parts += [one.told(tried.script or "") for one in serious]
    intro = {
        Reached.ANSWER: "No LAMMPS script could be found in your answer.",
        Reached.CHECK: "The script was checked, and LAMMPS would not take it.",
        Reached.START: "LAMMPS did not get to the first run of the script.",
        Reached.RUN: "The script was run and did not come to its end.",
        Reached.EVALUATION: "The script ran to its end, but its physics is not sound.",
    }[tried.reached]
    return "\n\n".join([intro, *parts, "Answer with the whole script, corrected, in one fenced code block."])


def opening(request: str) -> list[ChatMessage]:
    """How every conversation begins."""
    return [
        ChatMessageSystem(content=SYSTEM.format(usual=system_message())),
        ChatMessageUser(content=request),
    ]


def _answered(number: int, reply: Reply) -> Round:
    """A round of which nothing is known yet but the answer."""
    return Round(
        number=number,
        completion=reply.text.encode("utf-8", "replace").decode(),  # half characters cannot be written
        script=None,
        reached=Reached.ANSWER,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def _ended(before: Sequence[Round], tried: Round, serious: Sequence[Finding]) -> str:
    """Why there is nothing more to ask for; empty if there is."""
    if tried.reached is Reached.EVALUATION and not serious and not tried.problems:
        doubts = sum(one.state is State.DOUBT for one in tried.findings)
        left = f"; {doubts} doubt{'s' if doubts > 1 else ''} could not be removed" if doubts else ""
        return f"the script ran, and nothing was found wrong with it{left}"
    if before and tried.script is not None and before[-1].script == tried.script:
        return "the model gave the same script again"
    return ""


def _matters(finding: Finding, doubted: set[str]) -> bool:
    """Whether the model has to mend it: what is wrong, and each doubt once."""
    return finding.state is State.WRONG or (finding.state is State.DOUBT and finding.check not in doubted)
