"""The static check: what it finds, how it says it, and that LAMMPS agrees."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mdevalbench.lammps import install
from mdevalbench.lammps.check import FORBIDDEN, MOST_FINDINGS, Diagnostic, Edit, check, render
from mdevalbench.lammps.filecheck import FILE_STYLES
from mdevalbench.lammps.styles import installed

HEAD = """\
units metal
lattice fcc 3.6
region box block 0 2 0 2 0 2
create_box 1 box
create_atoms 1 box
mass 1 63.5
"""
GOOD = f"""{HEAD}
pair_style eam/alloy
pair_coeff * * Cu_mishin1.eam.alloy Cu
fix 1 all nvt temp 300 300 0.1
compute r all rdf 50
dump 1 all custom 100 traj.lammpstrj id x y z
thermo_style custom step temp pe
run 0
"""


def found(script: str, files: tuple[str, ...] = ()) -> list[tuple[str, int, str]]:
    """(severity, line, code) of every finding."""
    return [(one.severity, one.line, one.code) for one in check(script, files=files)]


def accepted(script: str, folder: Path) -> bool:
    """Whether LAMMPS takes a script, loops skipped."""
    (folder / "in.script").write_text(script)
    command = [str(install.executable()), "-skiprun", "-log", "none", "-in", "in.script"]
    done = subprocess.run(command, cwd=folder, env=install.executable_environment(), capture_output=True, check=False)
    return done.returncode == 0


def test_a_good_script_has_no_findings() -> None:
    assert check(GOOD) == ()


@pytest.mark.parametrize(
    ("line", "code", "column", "message", "suggestion"),
    [
        ("minimise 0 1e-8 100 1000", "unknown-command", 1, "LAMMPS has no command 'minimise'", "minimize"),
        ("  Thermo 100", "unknown-command", 3, "LAMMPS has no command 'Thermo'", "thermo"),
        ("This is a simulation", "unknown-command", 1, "LAMMPS has no command 'This'", None),
        ("fix 1 all nvt/langevin temp 1 1 1", "unknown-style", 11, "Unrecognized fix style 'nvt/langevin'", None),
        ("compute 1 all mds", "unknown-style", 15, "Unrecognized compute style 'mds'", "msd"),
        ("pair_style eam/aloy", "unknown-style", 12, "Unrecognized pair style 'eam/aloy'", "eam/alloy"),
        ("pair_style hybrid/overlay ljcut 2.5 eam", "unknown-style", 27, "Unrecognized pair style 'ljcut'", "lj/cut"),
        ("region slab bloc 0 1 0 1 0 1", "unknown-style", 13, "Unrecognized region style 'bloc'", "block"),
        ("kspace_style ppm 1e-4", "unknown-style", 14, "Unrecognized kspace style 'ppm'", "pppm"),
        ("min_style quikmin", "unknown-style", 11, "Unknown minimize style quikmin", "quickmin"),
        ("run_style verlt", "unknown-style", 11, "Unknown integrate style verlt", "verlet"),
        ("dump d all lammpstrj 10 a.lammpstrj", "unknown-style", 12, "Unrecognized dump style 'lammpstrj'", None),
        ("write_dump all custo a.dump id", "unknown-style", 16, "Unrecognized dump style 'custo'", "custom"),
        ("pair_style reax/c NULL", "unknown-style", 12, "This pair style is no longer available", "reaxff"),
        ("read_dump frame.dump 0 x y z", "missing-file", 11, "there is no file 'frame.dump'", None),
        ("include settings.lmp", "missing-file", 9, "there is no file 'settings.lmp'", None),
        ("molecule m water.mol", "missing-file", 12, "there is no file 'water.mol'", None),
        ("variable t file temperatures.txt", "missing-file", 17, "there is no file 'temperatures.txt'", None),
        ('print "a', "syntax", 1, 'LAMMPS cannot read this line: the quote " has no partner', None),
        ("// Young's modulus", "syntax", 1, "LAMMPS cannot read this line: the quote ' has no partner", "#"),
    ],
)
def test_errors_are_errors_of_lammps_too(
    line: str, code: str, column: int, message: str, suggestion: str | None, tmp_path: Path
) -> None:
    script = f"{HEAD}{line}\n"
    (one,) = check(script)
    assert (one.severity, one.line, one.column, one.code, one.message) == ("error", 7, column, code, message)
    assert (one.suggestion.text if one.suggestion else None) == suggestion
    assert one.advice
    assert accepted(HEAD, tmp_path)
    assert not accepted(script, tmp_path)


def test_a_suggestion_mends_the_script(tmp_path: Path) -> None:
    script = GOOD.replace("Cu_mishin1", "Cu_mishin").replace("rdf", "rfd").replace("thermo_style", "thermostyle")
    while remaining := check(script):
        assert remaining[0].suggestion is not None
        script = remaining[0].suggestion.apply(script)
    assert script == GOOD
    assert accepted(script, tmp_path)


def test_reading_stops_where_the_text_is_no_script() -> None:
    prose = "".join(f"Sentence {n} of a book.\n" for n in range(20000))
    assert len(check(prose)) == MOST_FINDINGS


def test_a_missing_package_is_named() -> None:
    (one,) = check("fix 1 all lb/fluid 1 1 1.0 1.0\n")
    assert "part of the LATBOLTZ package which is not enabled" in one.message
    assert one.advice == "This LAMMPS was built without it: do it in another way."


def test_a_name_of_another_kind_is_explained() -> None:
    assert check("nvt temp 1 1 1\n")[0].advice == "'nvt' is a fix style: write 'fix ID group nvt ...'."
    assert check("fix 1 all rdf 50\n")[0].advice == "'rdf' is a compute style, not a fix style."


@pytest.mark.parametrize(
    "script",
    [
        "pair_style lj/cut/omp 2.5\n",
        "suffix omp\npair_style lj/cut 2.5\n",
        "pair_style none\nbond_style none\nkspace_style none\nregion box delete\n",
        "pair_style hybrid lj/cut 2.5 nonesuch 3\n",
        "pair_style hybrid/scaled 0.5 lj/cut 2.5\n",
        "fix ${id} all ${style} 1 1\n${command} 100\n",
        "variable f string nonesuch\nread_data ${f}\npair_style eam\npair_coeff * * $(v_f).eam\n",
        "if '1 > 2' then 'nonesuch' 'read_data nonesuch' else 'fix 1 all nonesuch'\n",
        "run 10 every 5 'nonesuch'\n",
        "quit\nnonesuch\npair_style nonesuch\nshell ls\n",
        "reset_atoms id\n",
        "fix 1 all NEIGH_HISTORY 4\n",
        "jump SELF next\n",
        "pair_style lj/cut 2.5\npair_coeff 1 1 1.0 1.0\n",
        "pair_style eam/alloy\npair_coeff * * /opt/lammps/potentials/Cu_u3.eam.alloy.old/Cu_zhou.eam.alloy Cu\n",
        "pair_style airebo 3.0\npair_coeff * * CH.airebo C\n",
        "read_restart restart.*\n",
        "dump 1 all custom/gz 10 a.gz id\nwrite_dump all atom/gz b.gz\n",
    ],
)
def test_what_cannot_be_told_is_no_error(script: str) -> None:
    assert not [one for one in check(script) if one.severity == "error"]


@pytest.mark.parametrize(
    "before",
    [
        "jump in.other\n",
        "if '$x > 1' then 'jump SELF end'\n",
        "if '$x > 1' then \"if '$y > 1' then quit\"\n",
        "partition yes 1 quit\n",
        "${command} 100\n",
        "run 10 every 5 'include x'\n",
    ],
)
def test_lines_that_may_be_skipped_are_warned_of(before: str) -> None:
    findings = found(f"{before}nonesuch\npair_style nonesuch\n", ("in.other",))
    assert findings == [("warning", 2, "unknown-command"), ("warning", 3, "unknown-style")]


def test_lines_after_a_loop_are_reached(tmp_path: Path) -> None:
    loop = "label again\nvariable i loop 3\nnext i\njump SELF again\n"
    assert accepted(loop, tmp_path)
    assert found(f"{loop}nonesuch\n") == [("error", 5, "unknown-command")]
    assert found(f"{loop.replace('next i', '')}nonesuch\n") == [("warning", 5, "unknown-command")]


@pytest.mark.parametrize(
    "writer",
    [
        "write_data data.new\n",
        "write_restart data.new\n",
        "print 'text' file data.new\n",
        'print "x = $(v_x)" append data.new screen no\n',
        "fix 1 all ave/time 1 1 1 v_x file data.new\n",
        "fix 1 all print 10 '${t}' file ${name}.new\n",
        "dump 1 all atom 10 data.*\n",
        "write_data ${name}\n",
        "if 1 then 'write_data data.new'\n",
        "run 10 every 5 'write_data data.$(step)' 'print x file data.new'\n",
    ],
)
def test_a_file_that_the_script_writes_may_be_read(writer: str) -> None:
    assert found(f"{writer}read_data data.new\n") == []
    anything = writer == "write_data ${name}\n"
    assert found(f"{writer}read_data another\n") == ([] if anything else [("error", 2, "missing-file")])


@pytest.mark.parametrize(
    "reader", ["read_data data.x", "read_data ./data.x", "include data.x", "molecule m data.x", "jump data.x"]
)
def test_given_files_are_there(reader: str) -> None:
    assert found(f"{reader}\n") == [("error", 1, "missing-file")]
    assert found(f"{reader}\n", ("data.x",)) == []


def test_potential_files() -> None:
    script = f"{HEAD}pair_style eam/alloy\npair_coeff * * Cu_mishin.eam.alloy Cu\n"
    (one,) = check(script)
    assert (one.code, one.severity, one.message) == (
        "missing-file",
        "error",
        "there is no potential file 'Cu_mishin.eam.alloy'",
    )
    assert one.advice == "LAMMPS comes with Cu_mishin1.eam.alloy, Cu_zhou.eam.alloy."
    assert one.suggestion == Edit(8, 16, 35, "Cu_mishin1.eam.alloy")
    assert check(script, files=("Cu_mishin.eam.alloy",)) == ()


def test_a_restart_brings_its_own_units() -> None:
    script = "clear\nread_restart a.restart\npair_style sw\npair_coeff * * Si.sw Si\n"
    assert check(script, files=("a.restart",)) == ()
    assert found(script.replace("read_restart a.restart\n", "")) == [("warning", 3, "file-units")]


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        ("pair_style eam\npair_coeff * * Cu_zhou.eam.alloy", "file-style", "a file for pair_style eam/alloy, not eam"),
        ("pair_style eam/alloy\npair_coeff * * AlCu.eam.alloy Ni", "file-elements", "has Al, Cu, but not Ni"),
        ("units lj\npair_style sw\npair_coeff * * Si.sw Si", "file-units", "in metal units, the script in lj"),
        ("pair_style sw\npair_coeff * * Si.sw Si", "file-units", "in metal units, the script in lj"),
    ],
)
def test_potential_files_that_do_not_fit_are_warned_of(lines: str, code: str, message: str, tmp_path: Path) -> None:
    head = HEAD.replace("units metal\n", "") if code == "file-units" else HEAD
    script = (
        f"{lines.split(chr(10))[0]}\n{head}{lines.partition(chr(10))[2]}\n"
        if "units lj" in lines
        else f"{head}{lines}\n"
    )
    (one,) = check(script)
    assert (one.severity, one.code) == ("warning", code)
    assert message in one.message
    assert one.advice
    assert not accepted(script, tmp_path), "LAMMPS does not like it either"


FORBIDDEN_LINES = {
    "shell": "shell ls",
    "plugin": "plugin list",
    "python": "python f source here x",
    "geturl": "geturl http://x",
    "mdi": "mdi engine",
    "fix imd": "fix 1 all imd 1234",
    "fix ipi": "fix 1 all ipi host 1234",
    "fix mdi/*": "fix 1 all mdi/qm",
    "fix python/*": "fix 1 all python/invoke 1 end_of_step f",
    "pair_style python": "pair_style hybrid lj/cut 2.5 python 2.5",
    "variable python": "variable x python f",
    "variable universe": "variable x universe 1 2",
    "variable uloop": "variable x uloop 3",
}


@pytest.mark.parametrize("pattern", FORBIDDEN_LINES)
def test_forbidden_commands(pattern: str) -> None:
    line = FORBIDDEN_LINES[pattern]
    assert pattern in FORBIDDEN
    (one,) = check(f"{line}\n")
    assert (one.severity, one.code) == ("error", "forbidden")
    assert FORBIDDEN[pattern] in one.message
    (one,) = check(f"if '$x > 1' then 'print a' else \"{line}\"\n")
    assert (one.severity, one.code) == ("warning", "forbidden")


@pytest.mark.parametrize("line", ["shell rm -f old.dump", "shell mkdir a b/c", "shell rmdir nonesuch"])
def test_what_shell_does_without_a_program_is_allowed(line: str, tmp_path: Path) -> None:
    assert found(f"{line}\n") == []
    assert accepted(f"{line}\n", tmp_path)


@pytest.mark.parametrize("line", ['shell "rm -f old.dump"', "shell cd ..", "shell mv a b", "shell rmx", "shell"])
def test_all_else_of_shell_is_forbidden(line: str) -> None:
    assert found(f"{line}\n") == [("error", 1, "forbidden")]


def test_every_pattern_names_a_command_or_style() -> None:
    names = {pattern.partition(" ")[0] for pattern in FORBIDDEN}
    assert {"shell", "plugin", "python", "geturl", "fix", "pair_style", "variable"} <= names


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("dump 1 all atom 10 a.bz2", "starts-program"),
        ("write_dump all atom a.zst", "starts-program"),
        ("dump 1 all atom 10 out/a.dump", "outside-file"),
        ("write_data ../data.x", "outside-file"),
        ("read_data /data/x", "outside-file"),
        ("read_data ../x", "outside-file"),
    ],
)
def test_what_the_folder_does_not_allow_is_warned_of(line: str, code: str) -> None:
    assert found(f"{line}\n") == [("warning", 1, code)]


@pytest.mark.parametrize(
    ("folder", "file"), [("out", "out/a.dump"), ("out/deep", "./out/a.dump"), ("out out/deep", "out/deep/a.dump")]
)
def test_a_folder_that_the_script_made_can_be_written_to(folder: str, file: str) -> None:
    assert found(f"shell mkdir {folder}\nlog {file}\n") == []
    assert [code for _, _, code in found(f"shell mkdir elsewhere\nlog {file}\n")] == ["outside-file"]


def test_files_of_gzip_need_no_program() -> None:
    assert found("dump 1 all atom 10 a.gz\nwrite_dump all atom b.gz\n") == []


SETTINGS = {
    "agni": "", "airebo": "3.0", "airebo/morse": "3.0", "coul/ctip": "8.0 1", "coul/streitz": "12.0 wolf 0.3",
    "comb3": "polar_off", "mesocnt": "10.0", "reaxff": "NULL", "table": "linear 1000", "vashishta/table": "100 10",
}  # fmt: skip
"""What `pair_style` needs beside the name."""
COEFFICIENTS = {
    "snap": "nosuchfile x C", "pod": "nosuchfile x C", "eam": "nosuchfile", "local/density": "nosuchfile",
    "meam": "nosuchfile C NULL C", "rebomos": "nosuchfile M", "drip": "drip nosuchfile C",
}  # fmt: skip
ASK = """
import ctypes, json, sys
from mdevalbench.lammps import _inquiry, install
ctypes.CDLL(str(install.mpi_library()), mode=ctypes.RTLD_GLOBAL)
print(json.dumps(_inquiry.replies(json.load(sys.stdin))))
"""


def test_styles_that_read_a_file_do_so(tmp_path: Path) -> None:
    """LAMMPS itself complains of the file that the table says it would open."""
    setup = [
        "units metal",
        "atom_style charge",
        "atom_modify map array",
        "region b block 0 9 0 9 0 9",
        "create_box 1 b",
    ]
    tried = sorted(FILE_STYLES & installed().styles["pair"])
    sequences = []
    for style in tried:
        settings = f"{'hybrid/overlay tersoff ' if style == 'drip' else ''}{style} {SETTINGS.get(style, '')}"
        coefficients = COEFFICIENTS.get(style, "nosuchfile C")
        sequences.append([*setup, "mass 1 12", f"pair_style {settings}", f"pair_coeff * * {coefficients}"])
    command = [sys.executable, "-c", ASK]
    environment = install.executable_environment()
    done = subprocess.run(
        command, input=json.dumps(sequences), capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
    )
    replies = {
        style: reply.split("\n")[0]
        for style, reply in zip(tried, json.loads(done.stdout.splitlines()[-1]), strict=True)
    }
    assert len(replies) > 40
    assert {style: reply for style, reply in replies.items() if not re.search("[Cc]an ?not (be )?open", reply)} == {}


def test_rendering() -> None:
    script = 'units metal\nfix\t1 all nvtt temp 1 1 1\nprint """a\nb"""c\n'
    assert render(check(script), script) == (
        "error[unknown-style]: Unrecognized fix style 'nvtt'\n"
        "  --> line 2, column 11\n"
        "  2 | fix\t1 all nvtt temp 1 1 1\n"
        "    |    \t      ^^^^\n"
        "    = Did you mean 'nvt'?\n"
        "    = line 2 would be: fix\t1 all nvt temp 1 1 1\n"
        "\n"
        'error[syntax]: LAMMPS cannot read this line: after the closing quote """ a blank is missing\n'
        "  --> line 3, column 1\n"
        '  3 | print """a\n'
        "    | ^^^^^\n"
        "    = Quotes come in pairs, with a blank after the second; ${...} and $(...) need their closing bracket.\n"
    )
    assert render((), script) == ""
    assert render([Diagnostic("error", 9, 1, 2, "syntax", "beyond the end")], "run 1\n").splitlines()[2] == "  9 | "
