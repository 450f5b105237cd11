"""What to do about a script that LAMMPS stopped, in plain words and, where it is most probably right, with edits."""

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.remedies.remedy import Remedy, remedy

__all__ = ["Edit", "Remedy", "remedy"]
