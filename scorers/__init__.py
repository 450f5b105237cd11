"""Scoring: the one judge of LAMMPS scripts, and thin adapters around it."""
