"""Rules on arguments that are missing: damping times, seeds, tolerances, cutoffs."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, add, drop, is_number, put_before, swap
from mdevalbench.lammps.remedies.tables import BOUNDARY, SKIN
from mdevalbench.lammps.script import Word

SEED = "48279"
_MINIMIZE = ("0.0", "1.0e-8", "1000", "10000")


def damping(case: Case) -> Answer | None:
    """`nvt temp 300 300`, `npt ... iso 0 0`: without a damping time, or with one value where two belong."""
    found = case.said(r"Illegal fix (?:nvt|npt|nph)\S* (temp|iso|aniso|tri|x|y|z) command: missing argument")
    if not found or case.timestep is None:
        return None
    steps = 100 if found[1] == "temp" else 1000
    time = f"{steps * case.timestep:.6g}"
    advice = (
        f"'{found[1]}' needs a value at the start, one at the end and a damping time, usually {steps} steps: {time}."
    )
    at = case.texts.index(found[1]) if found[1] in case.texts else -1
    words = []
    for word in case.command.args[at + 1 :]:
        if not is_number(word.text) and word.literal:
            break
        words.append(word)
    if at < 0 or not words or len(words) > 2:
        return Answer(advice)
    if len(words) == 1:
        return Answer(advice, (add(words[0], f"{words[0].text} {time}"),))
    if words[0].text == words[1].text:
        return Answer(advice, (add(words[1], time),))
    second = float(words[1].text) / case.timestep if is_number(words[1].text) else 0.0
    first = float(words[0].text) if is_number(words[0].text) else 0.0
    damps = 0.1 * steps <= second <= 10 * steps and (first == 0 or first > 20 * float(words[1].text))
    return Answer(advice, (add(words[0], words[0].text),) if damps else ())


def langevin(case: Case) -> Answer | None:
    """`langevin 300 300 0.1`, `langevin 300 0.1 48279`, `langevin temp 300 300 0.1 48279`."""
    args = case.command.args
    if case.texts[2:3] != ["langevin"] or not case.said("Illegal|Expected|missing|seed"):
        return None
    advice = "It is 'fix ID group langevin Tstart Tstop damp seed', with a whole number as seed."
    if case.texts[3:4] == ["temp"]:
        return Answer(advice, (drop(case.command, args[3]),))
    numbers = []
    for word in args[3:]:
        if not is_number(word.text) and word.literal:
            break
        numbers.append(word)
    if len(numbers) != 3:
        return Answer(advice)
    if numbers[0].text == numbers[1].text or not numbers[2].text.isdigit():
        return Answer(advice, (add(numbers[2], SEED),))
    if int(numbers[2].text) > 1000:
        return Answer(advice, (add(numbers[0], numbers[0].text),))
    return Answer(advice)


def velocity(case: Case) -> Answer | None:
    """`velocity all create 300` without a seed, or with an option that lacks its keyword."""
    args = case.command.args
    if case.command.name != "velocity" or case.texts[1:2] != ["create"] or len(args) < 3:
        return None
    advice = "It is 'velocity group create T seed', with a whole number as seed."
    if args[2].text.lower() in ("temp", "t", "temperature") and len(args) > 3 and is_number(args[3].text):
        return Answer(advice, (drop(case.command, args[2]),))
    if len(args) == 3 or (args[3].literal and not args[3].text.isdigit() and not is_number(args[3].text)):
        return Answer(advice, (add(args[2], SEED),))
    found = case.said(r"Unknown velocity keyword: (gaussian|uniform|geom)$")
    words = [word for word in args if found and word.text == found[1]]
    if found and words:
        name = "loop" if found[1] == "geom" else "dist"
        return Answer(f"'{found[1]}' is a value of '{name}'.", (put_before(words[0], name),))
    return None


def minimize(case: Case) -> Answer | None:
    """`minimize` with fewer than its four arguments."""
    if case.command.name != "minimize" or not case.said("expected 4 arguments") or len(case.texts) >= 4:
        return None
    advice = "It is 'minimize etol ftol maxiter maxeval'."
    last = case.command.words[-1]
    missing = list(_MINIMIZE[len(case.texts) :])
    if len(case.texts) == 3 and case.texts[2].isdigit():
        missing = [str(10 * int(case.texts[2]))]
    return Answer(advice, (add(last, " ".join(missing)),))


def simple(case: Case) -> Answer | None:
    """Commands with one usual value for what is missing."""
    name, args = case.command.name, case.command.args
    if name == "neighbor" and len(args) == 1 and case.said("expected 2"):
        advice = "It is 'neighbor skin bin'."
        if is_number(args[0].text):
            return Answer(advice, (add(args[0], "bin"),))
        skin = SKIN.get(case.units)
        return Answer(advice, (swap(args[0], f"{skin} bin"),) if skin and args[0].text == "bin" else ())
    if name == "neighbor" and len(args) == 2 and args[0].text in ("bin", "nsq", "multi") and is_number(args[1].text):
        return Answer("It is 'neighbor skin bin'.", (swap(args[0], args[1].text), swap(args[1], args[0].text)))
    if name == "kspace_style" and len(args) == 1 and case.said("missing argument|Illegal"):
        return Answer("Say how accurate it shall be: 'kspace_style pppm 1.0e-4'.", (add(args[0], "1.0e-4"),))
    if name == "set" and case.texts[:1] and case.texts[0].isdigit() and case.texts[1:2] == ["charge"]:
        fits = case.types is not None and int(case.texts[0]) <= case.types
        return Answer("Say what is set: 'set type 1 charge ...'.", (put_before(args[0], "type"),) if fits else ())
    if name == "create_atoms" and len(args) == 2 and args[1].text in case.defined("region"):
        if args[1].text == "box" or not case.said("Unknown|Illegal|missing"):
            return None
        return Answer("A region is named behind 'region'.", (put_before(args[1], "region"),))
    if name == "delete_atoms" and case.texts[:1] and case.texts[0] in case.defined("group"):
        return Answer("It is 'delete_atoms group NAME'.", (put_before(args[0], "group"),))
    if name == "create_atoms" and case.texts[-2:-1] == ["mol"] and case.said("missing argument"):
        return Answer("Behind the molecule stands a seed.", (add(args[-1], SEED),))
    if name == "create_atoms" and case.texts[1:] == ["region"] and len(case.defined("region")) == 1:
        return Answer("Say which region it is.", (add(args[1], next(iter(case.defined("region")))),))
    return None


def boundary(case: Case) -> Answer | None:
    """`boundary ppp`, `periodic periodic periodic`, `P P P`."""
    if case.command.name != "boundary" or not case.command.args:
        return None
    parts = [part for part in re.split(r"[\s,;]+", " ".join(case.texts).lower()) if part]
    if len(parts) == 1 and re.fullmatch("[pfsm]{3}", parts[0]):
        parts = list(parts[0])
    signs = [part if re.fullmatch("[pfsm]{1,2}", part) else BOUNDARY.get(part, "") for part in parts]
    advice = "It is 'boundary x y z', each of them p (periodic), f (fixed), s (shrink-wrapped) or m."
    if len(signs) < 3 and len(set(signs)) == 1:
        signs = signs[:1] * 3
    args = case.command.args
    plain = len(signs) == 3 and all(signs) and args[0].line == args[-1].end_line
    edit = Edit(args[0].line, args[0].column, args[-1].end_column, " ".join(signs)) if plain else None
    return Answer(advice, (edit,) if edit and signs != case.texts else ())


def block(case: Case) -> Answer | None:
    """`region box block 10 10 10`."""
    args = case.command.args
    if (
        case.command.name != "region"
        or case.texts[1:2] != ["block"]
        or not case.said("missing argument|Expected|Illegal")
    ):
        return None
    advice = "It is 'region NAME block xlo xhi ylo yhi zlo zhi'."
    signs = [word for word in args[2:] if re.search(r"[()\[\],]", word.text) and word.literal]
    bare = {word: re.sub(r"[()\[\],]+", " ", word.text).strip() for word in signs}
    if signs and all(is_number(part) for text in bare.values() for part in text.split()):
        return Answer(advice, tuple(swap(word, text) for word, text in bare.items()))
    numbers: list[Word] = [word for word in args[2:] if is_number(word.text) or word.substituted]
    whole = len(numbers) == 3 and len(args) == 5
    return Answer(advice, tuple(put_before(word, "0") for word in numbers) if whole else ())


def averaging(case: Case) -> Answer | None:
    """Numbers of `fix ave/*` that do not fit each other."""
    args = case.command.args
    if not case.said("(?:Inconsistent|Illegal|Invalid) .*nevery/nrepeat/nfreq") or len(args) < 6:
        return None
    advice = "Of Nevery Nrepeat Nfreq, Nfreq is a multiple of Nevery and at least Nevery times Nrepeat."
    if not all(word.text.isdigit() for word in args[3:6]):
        return Answer(advice)
    every, repeat, frequency = (int(word.text) for word in args[3:6])
    if every <= 0 or frequency % every or frequency // every >= repeat:
        return Answer(advice)
    return Answer(advice, (swap(args[4], str(frequency // every)),))


RULES: tuple[Rule, ...] = (damping, langevin, velocity, minimize, simple, boundary, block, averaging)
