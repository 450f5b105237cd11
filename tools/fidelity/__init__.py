"""Does the engine do what `lmp` does? Inputs are given to both and compared; see lammps_examples.py."""
