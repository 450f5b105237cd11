"""The elastic constants that describe stresses at given strains of a cubic crystal, and moduli that follow from them.

With Green-Lagrange strains E relative to the relaxed crystal and second Piola-Kirchhoff stresses S, which are
derivatives of the energy per relaxed volume U at any strain,

    U = U0 - p (E_1 + E_2 + E_3) + 1/2 C_IJ E_I E_J + 1/6 C_IJK E_I E_J E_K,    S_I = dU/dE_I

(Brugger, Phys. Rev. 133, A1611 (1964), doi:10.1103/PhysRev.133.A1611) with the three constants C11, C12, C44 of a
cubic crystal, its six third-order constants, a residual pressure p and the energy U0 of the relaxed crystal. Energy and
stress of one state together tell the second order from the third, so that strains in one direction are enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from mdevalbench.lammps.evidence import Floats

THIRD, FOURTH = 20.0, 100.0
"""size that third- and fourth-order constants may have, in bulk moduli"""
NUMERICAL, ROUNDING = 1e-9, 1e-12
"""noise of stresses and of energies per volume, in bulk moduli: what minimisers leave, and rounding"""
UNKNOWN = 1e3
"""standard uncertainty, in bulk moduli, of what is not known beforehand"""

PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Voigt's order"""
_CONSTANTS = 3
"""unknowns of the fit: C11, C12, C44, then six of third order, then -p and U0"""


@dataclass(frozen=True, slots=True)
class Moduli:
    """The three elastic constants of a cubic crystal."""

    constants: Floats
    """(3,) C11, C12, C44"""
    covariance: Floats
    """(3, 3)"""

    def of(self, quantity: Callable[[Floats], float]) -> tuple[float, float]:
        """A combination of the constants and its standard uncertainty."""
        steps = 1e-5 * np.abs(self.constants).max() * np.eye(3)
        slopes = [(quantity(self.constants + h) - quantity(self.constants - h)) / (2 * h.max()) for h in steps]
        variance = float(np.array(slopes) @ self.covariance @ np.array(slopes))
        return quantity(self.constants), sqrt(max(variance, 0.0))


@dataclass(frozen=True, slots=True)
class Strained:
    """Static states of one crystal."""

    strains: Floats
    """(n, 3, 3) Green-Lagrange strains relative to the relaxed crystal, in the axes of the cube"""
    stresses: Floats
    """(n, 3, 3) second Piola-Kirchhoff stresses"""
    energies: Floats
    """(n,) energies per volume of the relaxed crystal, relative to any state, in the unit of the stresses"""
    bulk_modulus: float
    """of the relaxed crystal, in the unit of the stresses"""


def _young(direction: float) -> Callable[[Floats], float]:
    """Young's modulus along (l, m, n) with `direction` = l^2 m^2 + m^2 n^2 + n^2 l^2 (Nye, Physical Properties of
    Crystals, 1957, eq. VIII.16)."""

    def modulus(c: Floats) -> float:
        s11 = (c[0] + c[1]) / ((c[0] - c[1]) * (c[0] + 2 * c[1]))
        s12 = -c[1] / ((c[0] - c[1]) * (c[0] + 2 * c[1]))
        return float(1 / (s11 - 2 * (s11 - s12 - 0.5 / c[2]) * direction))

    return modulus


QUANTITIES: dict[str, Callable[[Floats], float]] = {
    "c11": lambda c: float(c[0]),
    "c12": lambda c: float(c[1]),
    "c44": lambda c: float(c[2]),
    "c_prime": lambda c: float(c[0] - c[1]) / 2,
    "zener_ratio": lambda c: float(2 * c[2] / (c[0] - c[1])),
    "young_100": _young(0.0),
    "young_110": _young(1 / 4),
    "young_111": _young(1 / 3),
}
"""what can be asked for, from C11, C12 and C44"""


def fit(strained: Strained) -> Moduli:
    """Elastic constants of strained states by weighted linear least squares; see the head of this file."""
    rows = np.concatenate([_design(strain) for strain in strained.strains])
    stresses = np.array([_voigt(stress) for stress in strained.stresses])
    values = np.column_stack([strained.energies, stresses]).ravel() / strained.bulk_modulus
    size = np.linalg.norm(strained.strains, axis=(1, 2))
    unsure = NUMERICAL + FOURTH * size**3
    noise = np.column_stack([ROUNDING + unsure * size / 4] + [unsure] * 6).ravel()
    known = np.diag([1 / UNKNOWN] * _CONSTANTS + [1 / THIRD] * 6 + [1 / UNKNOWN] * 2)
    solution, inverse = _solve(rows, values, noise, known)
    misfit = float(np.sqrt(np.mean(((rows @ solution - values) / noise) ** 2)))
    if misfit > 1:  # the states scatter more than strains of their size make them
        solution, inverse = _solve(rows, values, noise * misfit, known)
    scale = strained.bulk_modulus
    return Moduli(solution[:_CONSTANTS] * scale, (inverse @ inverse.T)[:_CONSTANTS, :_CONSTANTS] * scale**2)


def _solve(rows: Floats, values: Floats, noise: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Solution (m,) of rows @ x = values with standard uncertainties, and the root (m, m + n) of its covariance."""
    stacked = np.concatenate([rows / noise[:, None], known])
    scale = np.linalg.norm(stacked, axis=0)  # else what is hardly known would be lost to rounding beside the rest
    inverse = np.linalg.pinv(stacked / scale, rcond=1e-15) / scale[:, None]
    return inverse @ np.concatenate([values / noise, np.zeros(len(known))]), inverse


def _design(strain: Floats) -> Floats:
    """(7, 11) derivatives of the energy, and of the stresses in Voigt's order, with respect to what is fitted."""
    e1, e2, e3, e4, e5, e6 = e = _voigt(strain) * (1, 1, 1, 2, 2, 2)
    second = np.array([(e1, e2 + e3, 0), (e2, e1 + e3, 0), (e3, e1 + e2, 0), (0, 0, e4), (0, 0, e5), (0, 0, e6)])
    third = np.array([  # C111, C112, C123, C144, C166, C456
        (e1**2 / 2, e1 * (e2 + e3) + (e2**2 + e3**2) / 2, e2 * e3, e4**2 / 2, (e5**2 + e6**2) / 2, 0),
        (e2**2 / 2, e2 * (e1 + e3) + (e1**2 + e3**2) / 2, e1 * e3, e5**2 / 2, (e4**2 + e6**2) / 2, 0),
        (e3**2 / 2, e3 * (e1 + e2) + (e1**2 + e2**2) / 2, e1 * e2, e6**2 / 2, (e4**2 + e5**2) / 2, 0),
        (0, 0, 0, e1 * e4, e4 * (e2 + e3), e5 * e6),
        (0, 0, 0, e2 * e5, e5 * (e1 + e3), e4 * e6),
        (0, 0, 0, e3 * e6, e6 * (e1 + e2), e4 * e5),
    ])  # fmt: skip
    pressure = np.array([1, 1, 1, 0, 0, 0])[:, None]
    stresses = np.hstack([second, third, pressure, np.zeros((6, 1))])
    # terms of order n of the energy are 1/n of the strains times the stresses that they make (Euler)
    energy = np.concatenate([e @ second / 2, e @ third / 3, e @ pressure, [1]])
    return np.vstack([energy, stresses])


def _voigt(tensor: Floats) -> Floats:
    """(6,) xx yy zz yz xz xy of a symmetric tensor."""
    return np.array([tensor[i, j] for i, j in PAIRS])
