"""Builds of llama.cpp: a GPU build is never replaced, and what is missing is said before anything is compiled."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or sys.platform == "win32", reason="needs make"
)
VERSION = "0.3.36"
FAKE_PYTHON = """#!/bin/sh
case "$*" in
*importlib.metadata*) if test -n "$HAS"; then echo "llama-cpp-python==$HAS"; else exit 1; fi;;
*) echo "CMAKE_ARGS=$CMAKE_ARGS $*" >> "$CALLS";;
esac
"""
FAKE_TOOL = "#!/bin/sh\nexit ${RESULT:-0}\n"
TOOLS = ("sh", "cat", "sed", "uname", "echo", "ls", "grep", "head", "touch", "printf", "test", "rm")

Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    (tmp_path / "pyproject.toml").write_text(f'  "llama-cpp-python=={VERSION}",\n')
    tool(tmp_path / ".venv" / "bin" / "python", FAKE_PYTHON)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            (binaries / name).symlink_to(found)
    tool(binaries / "c++", FAKE_TOOL)
    return tmp_path


def tool(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def make(folder: Path) -> Make:
    """Runs make in the folder with its own PATH; `has` is the version that is installed."""
    program = shutil.which("make") or "make"

    def run(*goals: str, has: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": str(folder / "bin"),
            "HAS": has,
            "CALLS": str(folder / "calls"),
            "CUDACXX": str(folder / "no-nvcc"),
        } | more
        return subprocess.run(
            [program, "SHELL=/bin/sh", *goals],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def installs(folder: Path) -> list[str]:
    """The calls of pip that were about llama-cpp-python."""
    calls = folder / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    return [line for line in lines if f"llama-cpp-python=={VERSION}" in line]


def stamp(folder: Path) -> str:
    return (folder / ".venv" / ".llama-flavour").read_text().strip()


@pytest.mark.parametrize("flavour", ["cuda", "metal", "vulkan", "cpu"])
def test_installing_leaves_the_build_that_is_there_alone(
    folder: Path, make: Make, flavour: str
) -> None:
    (folder / ".venv" / ".llama-flavour").write_text(f"{flavour}\n")
    done = make("install", has=VERSION)
    assert done.returncode == 0, done.stderr
    assert installs(folder) == [] and stamp(folder) == flavour


def test_another_version_is_built_in_the_flavour_that_is_there(folder: Path, make: Make) -> None:
    (folder / ".venv" / ".llama-flavour").write_text("cuda\n")
    tool(folder / "bin" / "nvcc", FAKE_TOOL)
    done = make("install", has="0.3.35")
    assert done.returncode == 0, done.stderr
    (call,) = installs(folder)
    assert "-DGGML_CUDA=on" in call and "--no-cache-dir" in call and "--force-reinstall" in call
    assert stamp(folder) == "cuda"


def test_a_flavour_that_cannot_be_built_any_more_stops_the_installation(
    folder: Path, make: Make
) -> None:
    (folder / ".venv" / ".llama-flavour").write_text("cuda\n")
    done = make("install", has="0.3.35")
    assert done.returncode != 0 and "nvcc" in done.stdout
    assert installs(folder) == [] and not (folder / ".venv" / ".installed").exists()


def test_a_build_that_nobody_wrote_down_is_recognised(folder: Path, make: Make) -> None:
    """Somebody's own GPU build is kept, and the stamp says what it is."""
    library = folder / ".venv" / "lib" / "python3.12" / "site-packages" / "llama_cpp" / "lib"
    library.mkdir(parents=True)
    for name in ("libggml-cpu.so", "libggml-vulkan.so", "libllama.so"):
        (library / name).touch()
    assert make("install", has=VERSION).returncode == 0
    assert installs(folder) == [] and stamp(folder) == "vulkan"


@pytest.mark.skipif(sys.platform == "darwin", reason="there the first build is for Metal")
def test_the_first_installation_builds_for_the_cpu(folder: Path, make: Make) -> None:
    assert make("install").returncode == 0
    (call,) = installs(folder)
    assert "GGML_CUDA" not in call and "GGML_VULKAN" not in call
    assert stamp(folder) == "cpu"


def test_going_back_to_the_cpu_replaces_a_gpu_build(folder: Path, make: Make) -> None:
    (folder / ".venv" / ".llama-flavour").write_text("cuda\n")
    done = make("cpu", has=VERSION)
    assert done.returncode == 0, done.stderr
    (call,) = installs(folder)
    assert "--force-reinstall" in call and "GGML_CUDA=on" not in call
    assert stamp(folder) == "cpu"


def test_cuda_is_built_where_its_compiler_is(folder: Path, make: Make) -> None:
    done = make("cuda", has=VERSION)
    assert done.returncode != 0
    assert "nvcc" in done.stdout and "make vulkan" in done.stdout
    assert installs(folder) == []
    tool(folder / "no-nvcc", FAKE_TOOL)
    assert make("cuda", has=VERSION).returncode == 0
    (call,) = installs(folder)
    assert "-DGGML_CUDA=on" in call and stamp(folder) == "cuda"


@pytest.mark.skipif(sys.platform == "darwin", reason="Metal can be built there")
def test_metal_is_for_macos(folder: Path, make: Make) -> None:
    done = make("metal", has=VERSION)
    assert done.returncode != 0 and "make metal is for macOS" in done.stdout
    assert installs(folder) == []


def test_metal_needs_the_command_line_tools(folder: Path, make: Make) -> None:
    (folder / "bin" / "uname").unlink()
    tool(folder / "bin" / "uname", "#!/bin/sh\necho Darwin\n")
    done = make("metal", has=VERSION)
    assert done.returncode != 0 and "xcode-select --install" in done.stdout
    tool(folder / "bin" / "xcode-select", FAKE_TOOL)
    assert make("metal", has=VERSION).returncode == 0
    (call,) = installs(folder)
    assert "-DGGML_METAL=on" in call and stamp(folder) == "metal"


def test_vulkan_names_what_is_missing_one_after_the_other(folder: Path, make: Make) -> None:
    def compiler(reads: str) -> None:
        """A preprocessor that knows only some headers."""
        text = f'#!/bin/sh\ntext=$(cat)\ncase "$text" in {reads} exit 1;; esac\n'
        tool(folder / "bin" / "c++", text)

    assert "glslc" in make("vulkan", has=VERSION).stdout
    tool(folder / "bin" / "glslc", FAKE_TOOL)
    compiler("*vulkan.h*)")
    assert "vulkan/vulkan.h was not found" in make("vulkan", has=VERSION).stdout
    compiler("*layer_settings*)")
    assert "newer Vulkan headers" in make("vulkan", has=VERSION).stdout
    compiler("*spirv*)")
    assert "spirv-headers" in make("vulkan", has=VERSION).stdout
    assert installs(folder) == []
    compiler("nothing)")
    assert make("vulkan", has=VERSION).returncode == 0
    (call,) = installs(folder)
    assert "-DGGML_VULKAN=on" in call and stamp(folder) == "vulkan"


def test_without_a_compiler_nothing_is_begun(folder: Path, make: Make) -> None:
    (folder / "bin" / "c++").unlink()
    done = make("cpu", has="0.3.35")
    assert done.returncode != 0 and "C++ compiler" in done.stdout
    assert installs(folder) == []


def test_the_project_pins_one_version() -> None:
    assert (ROOT / "pyproject.toml").read_text().count('"llama-cpp-python==') == 1
