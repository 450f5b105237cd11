"""What Inspect may see of this package (entry point `inspect_ai`)."""

from mdevalbench.scorers.inspect import physics
from mdevalbench.scorers.inspect_answers import answers
from mdevalbench.tasks.inspect_tasks import codegen
from mdevalbench.tasks.qa.asking import knowledge, official_knowledge, official_syntax, syntax
from mdevalbench.zoo.provider import builtin

__all__ = ["answers", "builtin", "codegen", "knowledge", "official_knowledge", "official_syntax", "physics", "syntax"]
