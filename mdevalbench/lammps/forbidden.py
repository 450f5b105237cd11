"""What no script may use here, because it reaches outside the simulation, with the reason that users read.

The recorder enforces these patterns on the fully expanded command (a word, or a command and a shell pattern for its
style); the static check reports them early. Neither is the wall: that is sandbox.py.
"""

FORBIDDEN: dict[str, str] = {
    "shell": "runs programs of the machine, or changes where LAMMPS works",
    "plugin": "loads native code",
    "python": "runs Python code",
    "geturl": "opens a network connection",
    "mdi": "talks to another program",
    "kim": "loads native code",
    "kim_init": "loads native code",
    "kim_query": "opens a network connection",
    "fix imd": "opens a network connection",
    "fix ipi": "opens a network connection",
    "fix client/md": "talks to another program",
    "fix mdi/*": "talks to another program",
    "fix python/*": "runs Python code",
    "fix plumed": "reads and writes files through another program",
    "pair_style python": "runs Python code",
    "pair_style quip": "loads another program",
    "variable python": "runs Python code",
    "variable getenv": "reads the environment of the harness",
    "variable universe": "shares its values with other processes",
    "variable uloop": "shares its numbers with other processes",
}
"""pattern -> why"""

ALLOWED = ("shell mkdir", "shell rm", "shell rmdir")
"""Patterns that go before those of `FORBIDDEN`: what LAMMPS does itself, without a program.

A folder is made inside the folder of the script only, and the sandbox lets no file be removed (an open file without a
name could grow unseen), of which LAMMPS warns.
"""
