"""What Inspect may see of this package (entry point `inspect_ai`)."""

from mdevalbench.agent.solvers import direct, mdagent, mdagent1, mdagent_tools
from mdevalbench.scorers.inspect import physics
from mdevalbench.scorers.inspect_answers import answers
from mdevalbench.scorers.inspect_code import code
from mdevalbench.tasks.inspect_tasks import codegen
from mdevalbench.tasks.qa.asking import knowledge, official_knowledge, official_syntax, syntax
from mdevalbench.tasks.qa.asking_code import official_code
from mdevalbench.zoo.provider import builtin

__all__ = [
    "answers",
    "builtin",
    "code",
    "codegen",
    "direct",
    "knowledge",
    "mdagent",
    "mdagent1",
    "mdagent_tools",
    "official_code",
    "official_knowledge",
    "official_syntax",
    "physics",
    "syntax",
]
