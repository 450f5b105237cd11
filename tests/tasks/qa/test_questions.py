"""Questions: what is wrong with an item is told with file and line, and LAMMPS decides whether its answer is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.lammps.executor import Executor, open_executor
from mdevalbench.tasks.qa import deal, load_questions, right_letters
from mdevalbench.tasks.qa.proofs import problems

ITEM = """\
- id: timestep-of-metal-units
  kind: single
  difficulty: easy
  tags: [units]
  question: {en: "How long is a step of `units metal`?", zh: 使用 `units metal` 时一步有多长？}
  options:
    - {text: 1 fs, right: true, tried: 0.001}
    - {text: 2 fs, tried: 0.002}
    - {text: 5 fs, tried: 0.005}
    - {text: 10 fs, tried: 0.01}
  check:
    script: |
      units metal
      region box block 0 1 0 1 0 1
      create_box 1 box
      print "CHECK dt $(dt)"
    holds: near(dt, tried)
"""
BLANK = """\
- id: units-with-bar
  kind: fill
  difficulty: easy
  tags: [units]
  question: {en: "A step of 1 fs is the default of `units ____`.", zh: "`units ____` 的默认步长为 1 fs。"}
  answer: {texts: [real, metal], wrong: [lj, si]}
  check:
    script: |
      units {{ tried }}
      region box block 0 1 0 1 0 1
      create_box 1 box
      print "CHECK dt $(dt)"
    holds: near(dt, 0.001 if tried == "metal" else 1)
"""
NUMBER = """\
- id: thermal-energy
  kind: fill
  difficulty: easy
  tags: [energy]
  question: {en: At 300 K kT is ____ meV, zh: 300 K 时 kT 为 ____ meV}
  answer: {number: 25.85, unit: meV}
  computed: k_eV * 300 * 1000
"""


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with open_executor(1) as opened:
        yield opened


def written(folder: Path, text: str, suite: str = "syntax") -> Path:
    (folder / suite).mkdir(exist_ok=True)
    (folder / suite / "some.yml").write_text(text)
    return folder


def test_items_that_are_right_have_no_problem(tmp_path: Path, executor: Executor) -> None:
    assert problems(load_questions("syntax", written(tmp_path, ITEM + BLANK)), executor) == []
    assert problems(load_questions("knowledge", written(tmp_path, NUMBER, "knowledge")), executor) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "2 fs, tried: 0.002",
            "2 fs, tried: 0.001",
            "17: [0].check.holds: syntax/timestep-of-metal-units: `near(dt, tried)` is True for the option '2 fs'",
        ),
        (
            "units metal\n",
            "units metl\n",
            "for the option '1 fs', which is called right; ok = False, error = 'Unknown units style metl'",
        ),
        ("wrong: [lj, si]", "wrong: []", "23: [1].answer: syntax/units-with-bar: `wrong` names no answer for which"),
        ("texts: [real, metal]", "texts: [real, lj]", "is False for the answer 'lj', which is called right"),
    ],
)
def test_an_answer_that_lammps_does_not_prove_is_a_problem(
    tmp_path: Path, executor: Executor, old: str, new: str, told: str
) -> None:
    found = problems(load_questions("syntax", written(tmp_path, (ITEM + BLANK).replace(old, new))), executor)
    assert any(told in problem for problem in found), found
    assert all(problem.startswith(f"{tmp_path}/syntax/some.yml:") for problem in found)


def test_a_number_is_computed_again(tmp_path: Path, executor: Executor) -> None:
    wrong = written(tmp_path, NUMBER.replace("25.85", "25.5"), "knowledge")
    assert problems(load_questions("knowledge", wrong), executor) == [
        f"{tmp_path}/knowledge/some.yml:7: [0].computed: knowledge/thermal-energy: gives 25.852, the answer is 25.5"
    ]
    bare = written(tmp_path, NUMBER.replace("  computed: k_eV * 300 * 1000\n", ""), "knowledge")
    assert len(problems(load_questions("knowledge", bare), executor)) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("near(dt, tried)", "neer(dt, tried)", "some.yml:17: [0].check.holds: '{{neer(dt, tried)}}': `neer` is"),
        ("near(dt, tried)", "near(dt,", "some.yml:17: [0].check.holds: "),
        ("kind: single", "kind: sngle", "some.yml:2: [0].kind: expected one of single, multiple, fill, open, got"),
        ("right: true", "right: false", "some.yml:1: [0]: has 0 right options; a single choice has one"),
        ("2 fs, tried", "1 fs, tried", "some.yml:1: [0]: has two options with the same text (en)"),
        ("  tags: [units]\n", "", "some.yml:1: [0].tags: is missing"),
        ("- id: timestep", "a: [", "this is no valid YAML"),
        (ITEM, "a: 3", "some.yml:1: a file of questions is a list"),
    ],
)
def test_a_broken_item_names_file_and_line(tmp_path: Path, executor: Executor, old: str, new: str, told: str) -> None:
    folder = written(tmp_path, ITEM.replace(old, new))
    with pytest.raises(TaskError) as error:
        problems(load_questions("syntax", folder), executor)
    assert told in str(error.value)


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"some\.yml:18: \[1\]\.id: 'timestep-of-metal-units' is also the id at .*:1"):
        load_questions("syntax", written(tmp_path, ITEM + ITEM))
    with pytest.raises(TaskError, match="there is no suite of questions 'sintax'; did you mean 'syntax'"):
        load_questions("sintax")


def test_letters_are_dealt_evenly_and_the_same_for_a_seed(tmp_path: Path) -> None:
    many = "".join(ITEM.replace("timestep-of-metal-units", f"item-{n}") for n in range(40))
    questions = load_questions("syntax", written(tmp_path, many))
    dealt = deal(questions, 1)
    assert Counter(map(right_letters, dealt.values())) == dict.fromkeys("ABCD", 10)
    assert dealt == deal(questions, 1) != deal(questions, 2)
