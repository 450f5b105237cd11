"""Tasks: families of LAMMPS questions, their loading and checking."""
