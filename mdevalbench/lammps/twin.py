"""Twins of potential files: the same physics in a world where every length and every energy is another.

If phi(r) is the original interaction, the twin's is `energy * phi(r / length)`, exactly. Structures scale by
`length`, energies by `energy`, forces by `energy / length`, pressures and elastic constants by `energy / length**3`; a
result that is computed from the simulation follows, one that was remembered does not.

What LAMMPS itself adds to a file cannot be scaled. Three such things are known: the tables of `pair_style edip`, whose
spacing is fixed (they change an energy by less than 1e-9 of itself); the universal repulsion of MEAM at distances that
no crystal or liquid visits, below about 0.8 of that of nearest neighbours; and MEAM's default cutoff, see `twins`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from mdevalbench.errors import UsageError
from mdevalbench.lammps.eam import Atom, Grid, SetflStyle, read_funcfl, read_setfl
from mdevalbench.lammps.potentials import guess_style

Powers = Mapping[int, tuple[float, float]]
"""place of a word in its entry -> powers of (length, energy)"""

_PARAMETERS: dict[str, tuple[int, Powers]] = {
    # e1 e2 e3 epsilon sigma a lambda gamma costheta0 A B p q tol
    "sw": (14, {3: (0, 1), 4: (1, 0)}),
    # e1 e2 e3 m gamma lambda3 c d costheta0 n beta lambda2 B R D lambda1 A
    "tersoff": (17, {5: (-1, 0), 11: (-1, 0), 12: (0, 1), 13: (1, 0), 14: (1, 0), 15: (-1, 0), 16: (0, 1)}),
    # e1 e2 e3 H eta Zi Zj lambda1 D lambda4 W rc B gamma r0 C costheta0; Zi Zj / r and H / r**eta are energies
    "vashishta": (
        17,
        dict.fromkeys((5, 6), (0.5, 0.5))
        | dict.fromkeys((7, 9, 11, 13, 14), (1, 0))
        | {8: (4, 1), 10: (6, 1), 12: (0, 1)},
    ),
    # e1 e2 e3 A B cutoffA cutoffC alpha beta eta gamma lambda mu rho sigma Q0 u1 u2 u3 u4
    "edip": (20, {3: (0, 1), 4: (1, 0), 5: (1, 0), 6: (1, 0), 10: (1, 0), 11: (0, 1), 14: (1, 0)}),
    # elt lat z ielement atwt alpha b0 b1 b2 b3 alat esub asub t0 t1 t2 t3 rozero ibar
    "meam": (19, {10: (1, 0), 11: (0, 1)}),
}
"""Style -> words per entry, and the powers of those that have a dimension (LAMMPS manual); H of Vashishta's depends on
eta."""

_MEAM_KEYWORDS = dict.fromkeys(("rc", "delr", "re"), (1, 0)) | dict.fromkeys(("Ec", "delta"), (0, 1))
_MEAM_NUMBERS = frozenset(
    "alpha rho0 lattce attrac repuls nn2 Cmin Cmax augt1 gsmooth_factor ialloy mixture_ref_t erose_form zbl "
    "emb_lin_neg bkgd_dyn theta".split()
)
"""Keywords of a MEAM parameter file with a dimension and their powers, and those without."""
_MEAM_DEFAULTS = {"rc": 4.0, "delr": 0.1}
"""Lengths that LAMMPS takes where a parameter file does not give them (angstrom)."""
_MEAM_LINE = re.compile(r"\s*(\w+).*?[\s=(),'](?P<value>[^\s=(),']+)[\s=(),']*")


def twins(contents: Mapping[str, bytes], length: float, energy: float) -> dict[str, bytes]:
    """The twins of all potential files of a system, by name.

    Raises `UsageError` where `twin` does, and for a MEAM library without a parameter file in a world with another
    length: its cutoff would remain LAMMPS's default.
    """
    meam = [name for name in contents if guess_style(name) == "meam"]
    if length != 1 and meam and all(_is_library(name) for name in meam):
        raise UsageError(
            f"no twin of {meam[0]} alone can have other lengths: LAMMPS's default cutoff (rc = 4) would stay; "
            "give only another energy, or prescribe a parameter file, too"
        )
    return {name: twin(content, name, length, energy) for name, content in contents.items()}


def twin(content: bytes, name: str, length: float, energy: float) -> bytes:
    """The twin of a potential file with all lengths times `length` and all energies times `energy` (both > 0).

    The name tells the format, as those of LAMMPS's own files do: `.eam.alloy`, `.eam.fs`, `.eam`, `.adp`, `.sw`,
    `.tersoff`, `.vashishta`, `.edip`, `library*.meam` and other `.meam`. Comments stay.

    Raises `UsageError` for other formats, malformed content and factors that are not positive.
    """
    if not (0 < length < math.inf and 0 < energy < math.inf):
        raise UsageError(f"the factors of a twin potential must be positive numbers, not {length} and {energy}")
    style = guess_style(name)
    if style not in SUPPORTED:
        raise UsageError(
            f"no twin can be made of {name}: its format is {style or 'unknown'}, "
            f"and only {', '.join(SUPPORTED)} are supported"
        )
    return SUPPORTED[style](content, name, length, energy)


def _alloy(content: bytes, name: str, length: float, energy: float) -> bytes:
    return _setfl(content, name, "eam/alloy", length, energy)


def _finnis_sinclair(content: bytes, name: str, length: float, energy: float) -> bytes:
    return _setfl(content, name, "eam/fs", length, energy)


def _angular_dependent(content: bytes, name: str, length: float, energy: float) -> bytes:
    return _setfl(content, name, "adp", length, energy)


def _setfl(content: bytes, name: str, style: SetflStyle, length: float, energy: float) -> bytes:
    """Densities keep their values, on stretched distances; F scales as an energy and r * phi as length times energy.

    Of angular-dependent potentials, (u(r) r_a)^2 and (w(r) r_a r_b)^2 are energies.
    """
    file = read_setfl(content, name, style)
    root = math.sqrt(energy)
    scaled = replace(
        file,
        grid=_stretched(file.grid, length),
        atoms=tuple(_swollen(atom, length) for atom in file.atoms),
        embedding=tuple(values * energy for values in file.embedding),
        pair=tuple(values * (length * energy) for values in file.pair),
        dipole=tuple(values * (root / length) for values in file.dipole),
        quadrupole=tuple(values * (root / length**2) for values in file.quadrupole),
    )
    return scaled.format().encode()


def _funcfl(content: bytes, name: str, length: float, energy: float) -> bytes:
    """As for setfl; since r * phi is proportional to Z**2, the effective charge scales by the square root."""
    file = read_funcfl(content, name)
    scaled = replace(
        file,
        atom=_swollen(file.atom, length),
        grid=_stretched(file.grid, length),
        embedding=file.embedding * energy,
        charge=file.charge * math.sqrt(length * energy),
    )
    return scaled.format().encode()


def _stretched(grid: Grid, length: float) -> Grid:
    return replace(grid, dr=grid.dr * length, cutoff=grid.cutoff * length)


def _swollen(atom: Atom, length: float) -> Atom:
    return replace(atom, lattice_constant=atom.lattice_constant * length)


def _parameters(content: bytes, name: str, length: float, energy: float) -> bytes:
    """A file of entries with a fixed number of words; words are replaced in place."""
    style = guess_style(name)
    count, powers = _PARAMETERS[style]
    lines = [line.partition("#") for line in content.decode("utf-8", "replace").splitlines()]
    words = [word for values, _, _ in lines for word in values.split()]
    if not words or len(words) % count:
        raise UsageError(f"{name}: a {style} file has {count} words per entry, this one has {len(words)} words in all")
    scaled: list[str] = []
    for at in range(0, len(words), count):
        scaled += _entry(words[at : at + count], style, powers, name, length, energy)
    new = iter(scaled)
    text = [re.sub(r"\S+", lambda _: next(new), values) + mark + comment for values, mark, comment in lines]
    return ("\n".join(text) + "\n").encode()


def _entry(words: Sequence[str], style: str, powers: Powers, name: str, length: float, energy: float) -> list[str]:
    if style == "vashishta":
        powers = {**powers, 3: (_number(words[4], name, style), 1)}
    scaled = list(words)
    for place, (a, b) in powers.items():
        scaled[place] = repr(_number(words[place], name, style) * length**a * energy**b)
    return scaled


def _number(word: str, name: str, style: str) -> float:
    try:
        return float(word)
    except ValueError as error:
        raise UsageError(f"{name}: '{word}' stands where a number is expected; is it a {style} file?") from error


def _meam(content: bytes, name: str, length: float, energy: float) -> bytes:
    """A library of elements, or a parameter file: one keyword with its value in each line."""
    if _is_library(name):
        return _parameters(content, name, length, energy)
    lines = [line.partition("#") for line in content.decode("utf-8", "replace").splitlines()]
    settings = [_meam_setting(values, name) for values, _, _ in lines]
    given = {setting[1]: setting["value"] for setting in settings if setting is not None}
    powers = dict(_MEAM_KEYWORDS)
    if float(given.get("erose_form", "0")) == 1:
        powers["repuls"] = (1, 0)  # this form of the energy has a term repuls / r
    text = []
    for (values, mark, comment), setting in zip(lines, settings, strict=True):
        if setting is not None and setting[1] in powers:
            a, b = powers[setting[1]]
            value = repr(_number(setting["value"], name, "MEAM parameter") * length**a * energy**b)
            values = values[: setting.start("value")] + value + values[setting.end("value") :]
        text.append(values + mark + comment)
    text += [f"{key} = {value * length!r}" for key, value in _MEAM_DEFAULTS.items() if length != 1 and key not in given]
    return ("\n".join(text) + "\n").encode()


def _meam_setting(line: str, name: str) -> re.Match[str] | None:
    """Keyword and value of a line without comment; None if it is blank."""
    if not line.strip():
        return None
    setting = _MEAM_LINE.fullmatch(line)
    if setting is None or (setting[1] not in _MEAM_KEYWORDS and setting[1] not in _MEAM_NUMBERS):
        raise UsageError(f"{name}: '{line.strip()}' is no setting that is known; is it a MEAM parameter file?")
    return setting


def _is_library(name: str) -> bool:
    return PurePosixPath(name).name.startswith("library")


SUPPORTED: dict[str, Callable[[bytes, str, float, float], bytes]] = {
    "eam/alloy": _alloy,
    "eam/fs": _finnis_sinclair,
    "eam": _funcfl,
    "adp": _angular_dependent,
    "sw": _parameters,
    "tersoff": _parameters,
    "vashishta": _parameters,
    "edip": _parameters,
    "meam": _meam,
}
"""Pair style -> how its files are scaled."""
