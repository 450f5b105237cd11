"""Requests in words: what is understood, and what is none of ours."""

from __future__ import annotations

import pytest

from mdevalbench.agent.wish import understand


@pytest.mark.parametrize(
    ("text", "elements", "kelvin", "pascals"),
    [
        ("thermal expansion of copper at 300 K", {"Cu"}, 300.0, None),
        ("diffusion in liquid argon", {"Ar"}, None, None),
        ("elastic constants of silicon", {"Si"}, None, None),
        ("melting of aluminium", {"Al"}, None, None),
        ("melting of aluminum under 5 GPa", {"Al"}, None, 5e9),
        ("density of NaCl at 1100 K and a pressure of 1 bar", {"Na", "Cl"}, 1100.0, 1e5),
        ("Ni3Al from 300 K to 1200 K", {"Ni", "Al"}, None, None),
        ("water at 25 °C", {"H", "O"}, 298.15, None),
        ("diamond lattice of silicon by SiC.tersoff, VFe_mm.eam.fs", {"Si"}, None, None),
        ("elastic constants of diamond", {"C"}, None, None),
        ("a Lennard-Jones liquid near its triple point", set(), None, None),
        ("I need NPT and NVT runs of Pt", {"Pt"}, None, None),
        ("bulk modulus in GPa of tungsten", {"W"}, None, None),
        ("elastic constant C44 of an FCC crystal with PBC on one CPU", set(), None, None),
        ("SPC/E water, and BN, CO2 and UO2", {"H", "O", "B", "N", "C", "U"}, None, None),
        ("At 300 K. In no case. As He said: simulate", set(), 300.0, None),
    ],
)
def test_what_is_understood(text: str, elements: set[str], kelvin: float | None, pascals: float | None) -> None:
    wish = understand(text)
    assert wish.elements == elements
    assert (wish.temperature, wish.pressure) == (pytest.approx(kelvin), pytest.approx(pascals))
    assert wish.of_the_field


@pytest.mark.parametrize(
    "text", ["who won the football match yesterday", "write a poem", "", "hello", "what is the capital of France?"]
)
def test_what_is_none_of_ours(text: str) -> None:
    assert not understand(text).of_the_field


def test_what_is_not_in_english_is_let_through() -> None:
    wish = understand("计算铜在300K的热膨胀系数")
    assert wish.of_the_field and wish.temperature == 300
