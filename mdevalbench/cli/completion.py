"""Shell completion of task ids, families, suites and attacks; a broken family must not break the shell."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mdevalbench.errors import MDEvalBenchError


def task_ids(incomplete: str) -> list[str]:
    """Task ids that begin so."""
    from mdevalbench.tasks import loading

    return _beginning(loading.task_ids, incomplete)


def families(incomplete: str) -> list[str]:
    """Families that begin so."""
    from mdevalbench.tasks import loading

    return _beginning(loading.family_names, incomplete)


def suites(incomplete: str) -> list[str]:
    """Suites that begin so."""
    from mdevalbench.tasks.qa.suites import ASKED
    from mdevalbench.tasks.suites import suite_names

    return _beginning(lambda: [*suite_names(), *ASKED], incomplete)


def cards(incomplete: str) -> list[str]:
    """Model cards that begin so."""
    from mdevalbench.zoo.cards import cards

    return _beginning(cards, incomplete)


def attacks(incomplete: str) -> list[str]:
    """Attacks of the audit that begin so."""
    from mdevalbench import audit

    return _beginning(lambda: [attack.name for attack in audit.attacks()], incomplete)


def _beginning(names: Callable[[], Iterable[str]], incomplete: str) -> list[str]:
    try:
        return [name for name in names() if name.startswith(incomplete)]
    except MDEvalBenchError:
        return []
