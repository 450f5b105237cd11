"""Finding the script in what models answer."""

from __future__ import annotations

import json
import time

import pytest

from mdevalbench.extract import extract

SCRIPT = """\
# Lennard-Jones liquid
units lj
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
fix 1 all nve
run 100
"""
OTHER = SCRIPT.replace("run 100", "fix 2 all langevin 1.0 1.0 1.0 48279\nthermo 10\nrun 500")
DATA = "LAMMPS data file\n\n2 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n\nAtoms\n\n1 1 0 0 0\n2 1 1 1 1\n"
READER = (
    "units lj\nread_data data.two\nmass 1 1.0\npair_style lj/cut 2.5\npair_coeff 1 1 1.0 1.0\nfix 1 all nve\nrun 10\n"
)


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
@pytest.mark.parametrize("tag", ["lammps", "", "bash", "LAMMPS", "text in.melt", "{.lammps}"])
def test_fenced_block_of_any_tag(fence: str, tag: str) -> None:
    found = extract(f"Here is the script:\n\n{fence}{tag}\n{SCRIPT}{fence}\n\nRun it with lmp.\n")
    assert (found.script, found.how) == (SCRIPT, "a fenced block")


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps({"code": SCRIPT}),
        json.dumps({"answer": {"explanation": "A liquid.", "code": SCRIPT}}),
        json.dumps([{"thought": "x"}, {"code": SCRIPT}]),
        "Sure, this is the answer:\n```json\n" + json.dumps({"code": SCRIPT}, indent=1) + "\n```\nGood luck!",
        "The object {is} this: " + json.dumps({"code": SCRIPT}) + " and no more.",
        'First {"note": "code"} and {"n": ["code"]}, then ' + json.dumps({"code": SCRIPT}),
        json.dumps({"code": SCRIPT.replace("\n", "\\n")}),
        json.dumps({"code": f"```lammps\n{SCRIPT}```"}),
        '{"code": "' + SCRIPT + '"}',
    ],
    ids=[
        "plain",
        "nested",
        "list",
        "fenced",
        "in prose",
        "after others",
        "escaped twice",
        "fence inside",
        "raw line breaks",
    ],
)
def test_json(answer: str) -> None:
    found = extract(answer)
    assert (found.script, found.how) == (SCRIPT, "JSON")


def test_cut_off_json_keeps_what_is_there() -> None:
    whole = json.dumps({"code": SCRIPT})
    found = extract(whole[: whole.index("fix 1") - 1])  # ends in the middle of an escape
    assert found.script == SCRIPT[: SCRIPT.index("\nfix 1")]
    assert found.notes == ("the answer ends within the script",)


def test_cut_off_fence_keeps_what_is_there() -> None:
    found = extract("```lammps\n" + SCRIPT[:150])
    assert found.script == SCRIPT[:150] + "\n"
    assert found.notes == ("the answer ends within the script",)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_bare_script_is_kept_whole(line_end: str) -> None:
    text = "\ufeff" + SCRIPT.replace("\n", line_end)
    found = extract(text)
    assert (found.script, found.how) == (SCRIPT, "bare text")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "Here is the LAMMPS script you asked for.\n\n",
            "\nThis will simulate a liquid. You can change the temperature.\n",
        ),
        ("Sure!\nLAMMPS input script\n\n", "\n**Explanation**\n- units lj: reduced units\n1. run it\n"),
        ("## Script\n\nYou may use this one:\n", "\nLet me know if you need more help,\nBest wishes,\n"),
        ("<answer>\n", "</answer>\n"),
    ],
)
def test_prose_around_bare_text_is_left_out(before: str, after: str) -> None:
    found = extract(before + SCRIPT + after)
    assert (found.script, found.how) == (SCRIPT, "bare text between prose")


@pytest.mark.parametrize("mistake", ["unit metal", "rum 100", "Units lj", "thermostat nvt 1.0", "Fix_modify 1"])
def test_mistakes_are_kept_wherever_they_stand(mistake: str) -> None:
    first, last, middle = f"{mistake}\n{SCRIPT}", f"{SCRIPT}{mistake}\n", SCRIPT.replace("mass 1 1.0", mistake)
    for script in (first, last, middle):
        assert extract(script).script == script
        assert extract(f"This is the script that you need.\n{script}I hope that it helps.\n").script == script
        assert extract(f"```\n{script}```").script == script


@pytest.mark.parametrize(
    ("answer", "script"),
    [
        (f"<think>Let me see.\n```\nunits metal\nrun 5\n```</think>\n```\n{SCRIPT}```", SCRIPT),
        (f"I think of\n```\nunits metal\nrun 5\n```\n</think>\n\n{SCRIPT}", "\n\n" + SCRIPT),
        (f"<THINKING>\n{OTHER}</THINKING>{SCRIPT}", SCRIPT),
        (f"```\n{SCRIPT}```\n<think>Is this right? Perhaps\n{OTHER}", SCRIPT),
        (f"<think>a</think><think>b <think>c</think>\n```\n{SCRIPT}```", SCRIPT),
    ],
    ids=["paired", "only a closing tag", "another spelling", "open at the end", "several"],
)
def test_reasoning_is_removed(answer: str, script: str) -> None:
    assert extract(answer).script == script


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "it is empty"),
        (" \n\t\n", "it is empty"),
        (f"<think>\n{SCRIPT}", "it ends within the reasoning"),
        (f"Well. <think>\n{SCRIPT}", "it ends within the reasoning, with no LAMMPS input before"),
        ("<think>hm</think>\n", "it holds nothing but reasoning"),
        ("I am sorry, but I cannot help with that.", "it holds no LAMMPS input"),
        (
            "To run a simulation, first choose the units.\nThen fix the temperature.\nrun it.",
            "it holds no LAMMPS input",
        ),
        (
            '```python\nimport lammps\nprint("hello")\nfor i in range(3):\n    f(i)\n```',
            "its only block is no LAMMPS input",
        ),
        ("```bash\nls\n```\n```yaml\na: 1\n```", "none of its 2 blocks is a LAMMPS input"),
        ("```lammps\n# your script here\n```", "its only block is no LAMMPS input"),
        ("```\n```", "it holds no LAMMPS input"),
        ('{"code": ""}', "it holds no LAMMPS input"),
        ('{"code": 7}', "it holds no LAMMPS input"),
    ],
)
def test_answers_without_a_script_say_why(answer: str, why: str) -> None:
    found = extract(answer)
    assert (found.script, found.how, found.files) == (None, why, {})


def test_the_lammps_block_is_chosen_among_others() -> None:
    answer = f"```bash\nmodule load lammps\n```\n```lammps\n{SCRIPT}```\n```bash\nmpirun -np 4 lmp -in in.melt\n```\n"
    assert extract(answer).script == SCRIPT


def test_the_fullest_of_several_scripts_is_chosen() -> None:
    snippet = "fix 1 all npt temp 1 1 1 iso 0 0 1\nrun 5000\n"
    found = extract(f"```\n{SCRIPT}```\nBetter:\n```\n{OTHER}```\nFor NPT:\n```lammps\n{snippet}```\n")
    assert found.script == OTHER
    assert found.notes == ("of 3 blocks with LAMMPS commands the fullest was taken",)


def test_of_equals_the_last_is_chosen() -> None:
    corrected = SCRIPT.replace("run 100", "run 200")
    assert extract(f"```\n{SCRIPT}```\nWait, that is too short.\n```\n{corrected}```\n").script == corrected


def test_parts_of_one_script_are_joined_in_order() -> None:
    lines = SCRIPT.splitlines(keepends=True)
    parts = ["".join(lines[:2]), "".join(lines[2:7]), "".join(lines[7:])]
    answer = "\n".join(f"### Step {n}\n```lammps\n{part}```" for n, part in enumerate(parts, 1))
    found = extract(answer)
    assert (found.script, found.how) == (SCRIPT, "3 blocks that are the parts of one script")
    assert extract(f"{answer}\n### All together\n```\n{OTHER}```").script == OTHER


@pytest.mark.parametrize(
    "answer",
    [
        f"**data.two**\n```\n{DATA}```\n**in.two**:\n```lammps\n{READER}```",
        f"Save this as `in.two`:\n```lammps\n{READER}```\nand this as `data.two`:\n```text\n{DATA}```",
        f'```lammps title="in.two"\n{READER}```\n```data.two\n{DATA}```',
        f"```bash\ncat > in.two << 'EOF'\n{READER}EOF\ncat <<EOF > data.two\n{DATA}EOF\nlmp -in in.two\n```",
        json.dumps({"files": {"run/in.two": READER, "run/data.two": DATA}}),
        json.dumps({"code": READER, "files": {"data.two": DATA}}),
    ],
    ids=["bold names", "names in sentences", "names in the fence", "heredocs", "JSON files", "JSON code and files"],
)
def test_answers_of_several_files(answer: str) -> None:
    found = extract(answer)
    assert (found.script, dict(found.files)) == (READER, {"data.two": DATA})


def test_a_nameless_data_file_is_matched_if_only_one_is_missing() -> None:
    found = extract(f"```\n{READER}```\nThe structure:\n```\n{DATA}```")
    assert dict(found.files) == {"data.two": DATA}
    assert found.notes == ("a block without a name was taken for 'data.two'",)


def test_included_scripts_are_files_and_other_names_are_not() -> None:
    main = SCRIPT.replace("fix 1 all nve\n", "include ensemble.in\n")
    included = "fix 1 all nve\nfix 2 all langevin 1.0 1.0 1.0 1\n"
    notes = "```text\nREADME.md\n```"
    found = extract(f"`ensemble.in`\n```\n{included}```\n`in.main`\n```\n{main}```\nREADME.md\n{notes}")
    assert (found.script, dict(found.files)) == (main, {"ensemble.in": included})


def test_no_block_stands_for_a_potential_of_lammps() -> None:
    eam = SCRIPT.replace("lj/cut 2.5", "eam").replace("1 1 1.0 1.0", "1 1 Cu_u3.eam")
    for snippet in ("pair_style eam\npair_coeff 1 1 Cu_u3.eam\n", "29 63.55 3.615 FCC\n"):
        found = extract(f"The file Cu_u3.eam:\n```\n{snippet}```\n\nThe script:\n```\n{eam}```")
        assert (found.script, dict(found.files)) == (eam, {})


def test_blocks_in_lists_and_in_other_blocks() -> None:
    in_list = "\n".join("   " + line for line in SCRIPT.rstrip("\n").split("\n"))
    assert extract(f"1. Do this:\n\n   ```lammps\n{in_list}\n   ```\n").script == SCRIPT
    assert extract(f"````markdown\n# Answer\n```lammps\n{SCRIPT}```\n````\n").script == SCRIPT
    assert extract(f"```markdown\n# Answer\n```lammps\n{SCRIPT}```\n```\n").script == SCRIPT


def test_indentation_continuations_and_triple_quotes_survive() -> None:
    script = (
        'units lj\nlabel loop\n  variable a loop 3\n  print """\nfor you:  \n\nText. """\nnext a &\n\njump SELF loop\n'
    )
    assert extract(script).script == script
    assert extract(f"```\n{script}```").script == script


def test_typographic_characters_stay() -> None:
    script = SCRIPT + "print “a\u00a0b”\n"
    assert extract(f"```\n{script}```").script == script


@pytest.mark.parametrize("tag", ["lammps", "LAMMPS"])
def test_a_tagged_block_needs_no_known_command(tag: str) -> None:
    assert extract(f"```{tag}\nunit lj\natoms 5\n```").script == "unit lj\natoms 5\n"


@pytest.mark.parametrize(
    "answer",
    [
        '{"code": ' * 20000,
        '{"a": "code" ' * 20000,
        "```a\n" * 20000,
        "<think>" * 50000,
        " " * 200000 + "x ~~~",
        "cat > a << " * 20000,
        "A" + "." * 200000 + "x",
        '"""\n' + "a\n" * 50000,
        "a &\n" * 50000,
        "run $a " * 30000,
        "```in.a\nrun 1\n```\n" * 3000,
    ],
    ids=lambda answer: answer[:8].strip(),
)
def test_hostile_answers_cost_little(answer: str) -> None:
    begin = time.process_time()
    extract(answer)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("name", [".", "..", "a" * 300, "a\0b"])
def test_a_file_that_cannot_be_written_is_none(name: str) -> None:
    """Whatever an answer calls its files, the harness can write what is found."""
    answer = json.dumps(
        {"code": f"units lj\nread_data {name}\nrun 0\n", "files": {name: "1 atoms\n\nAtoms\n\n1 1 0 0 0\n"}}
    )
    assert not extract(answer).files
    block = (
        f"```lammps\nunits lj\nread_data {name}\nrun 0\n```\n```\n1 atoms\n\n1 atom types\n\nAtoms\n\n1 1 0 0 0\n```\n"
    )
    assert not extract(block).files
