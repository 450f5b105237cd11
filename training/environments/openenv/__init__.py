"""MD-EvalBench as an environment of OpenEnv."""

from mdevalbench_openenv.client import ScriptEnv
from mdevalbench_openenv.models import ScriptAction, ScriptObservation, ScriptState

__all__ = ["ScriptAction", "ScriptEnv", "ScriptObservation", "ScriptState"]
