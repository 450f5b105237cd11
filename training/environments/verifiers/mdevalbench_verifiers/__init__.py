"""MD-EvalBench as a taskset of verifiers: `vf-eval mdevalbench-verifiers`."""

from mdevalbench_verifiers.taskset import ScriptTaskset

__all__ = ["ScriptTaskset"]
