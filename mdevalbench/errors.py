"""Faults, named after the boundary they crossed.

A script that does something wrong is *not* an exception: it is described by a `Run` and ends in a
`Verdict`. The exceptions here are for the two other parties: the user of the harness and the harness.
"""


class MDEvalBenchError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(MDEvalBenchError):
    """The user asked for something that cannot be; the message says what to do instead (exit code 2)."""


class TaskError(UsageError):
    """A task family is malformed or a task id is unknown."""


class HarnessFault(MDEvalBenchError):
    """The harness failed, not the model: retried, reported, never turned into a score (exit code 3)."""


class IsolationUnavailable(HarnessFault):
    """The kernel offers no Landlock or seccomp, so that untrusted scripts are refused."""


class WorkerFault(HarnessFault):
    """A worker process died or did not answer, repeatedly, for a reason that no script could cause."""


class RecorderFault(HarnessFault):
    """The flight recorder is missing, does not fit this LAMMPS, or failed its self-test."""


class Cancelled(MDEvalBenchError):
    """The caller cancelled a job before it ended."""


class Unmeasured(MDEvalBenchError):
    """Nothing in the evidence can be measured in the way a family asks for; the message says why.

    Raised by selections and estimators, caught by the judge alone, which turns it into a reason.
    """
