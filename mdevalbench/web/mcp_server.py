"""The agent's tools over the Model Context Protocol, for any coding agent. A thin adapter over the toolbox."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from mdevalbench import __version__
from mdevalbench.agent.toolbox import Toolbox, told, tools
from mdevalbench.tasks.chat import lammps_version

INSTRUCTIONS = """\
Tools for molecular dynamics with LAMMPS {lammps}: check a script, run it in a sandbox (its physics is looked at), \
read what it printed, measure observables from what was recorded, draw them, find potentials, build structures, \
look things up. Check a script before you run it; structures that were built lie in the folder of each run."""


def create_server(toolbox: Toolbox) -> MCPServer[Any]:
    """A server with every tool of a toolbox."""
    server = MCPServer("mdevalbench", instructions=INSTRUCTIONS.format(lammps=lammps_version()), version=__version__)
    for tool in tools(toolbox):
        server.add_tool(told(toolbox, tool, ToolError), description=tool.__doc__, structured_output=False)
    return server
