"""The agent runtime: write a script, check it, run it, look at the physics, and mend it.

`mdevalbench.agent.workflow.Agent` is the fixed workflow; `mdevalbench agent "REQUEST"` runs it on the command line.
"""
