"""What Inspect may see of this package (entry point `inspect_ai`)."""

from mdevalbench.scorers.inspect import physics
from mdevalbench.tasks.inspect_tasks import codegen
from mdevalbench.zoo.provider import builtin

__all__ = ["builtin", "codegen", "physics"]
