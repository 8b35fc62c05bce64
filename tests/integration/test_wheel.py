"""The built wheel in a fresh environment: it brings its migrations and the demo's job."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from growlearn import __version__
from growlearn.adapters.db.tables import HEAD_REVISION

ROOT = Path(__file__).parents[2]


def build(out: Path, *options: str) -> Path:
    """The wheel, in `out`."""
    command = [sys.executable, "-m", "build", *options, "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("growlearn-*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"), "--wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's bin folder: the wheel is in it, its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (ours,) = Path(sys.prefix).glob("lib/python*/site-packages")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(folder / "bin" / "python"),
    ]
    subprocess.run([*pip, "install", "-q", "--no-deps", str(wheel)], check=True)
    # After installing: pip would take the checkout's own growlearn for an installed one.
    (site / "dependencies.pth").write_text(f"{ours}\n")
    return folder / "bin"


def test_the_wheel_carries_growlearn_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"growlearn"}
    for wanted in ("py.typed", "_bundled/migrations/env.py", "_bundled/jobs/digits.yaml"):
        assert f"growlearn/{wanted}" in names
    dashboard = ROOT / "growlearn" / "app" / "dashboard"
    pages = [path for folder in ("templates", "static") for path in (dashboard / folder).iterdir()]
    assert len(pages) > 15
    assert {str(path.relative_to(ROOT)) for path in pages} <= set(names)
    bundled = [name for name in names if name.startswith("growlearn/_bundled/migrations/versions/")]
    assert len(bundled) == len(list((ROOT / "migrations" / "versions").glob("*.py")))


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    from_sdist = build(tmp_path)  # without an option: the sdist, and the wheel from it
    (sdist,) = tmp_path.glob("*.tar.gz")
    assert from_sdist.read_bytes() == wheel.read_bytes()
    with tarfile.open(sdist) as archive:
        tops = {Path(name).parts[1] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "tests", "migrations", "jobs"} <= tops
    assert not {"docs", "benchmarks", ".venv"} & tops


def test_the_metadata_say_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    extras = set(metadata.get_all("Provides-Extra") or ())
    assert {"postgres", "s3", "vision", "text", "ray", "dev"} <= extras


def run(installed: Path, folder: Path, program: str, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GROWLEARN_")}
    command = [str(installed / program), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "python", "-c", "import growlearn; print(growlearn.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_help_lists_every_command(installed: Path, tmp_path: Path) -> None:
    output = run(installed, tmp_path, "growlearn", "--help")
    assert all(command in output for command in ("demo", "init", "apply", "run", "up", "rollback", "db"))


def test_it_makes_its_database_and_finds_it_sound(installed: Path, tmp_path: Path) -> None:
    assert f"database is at revision {HEAD_REVISION} (was empty)" in run(
        installed, tmp_path, "growlearn", "db", "upgrade"
    )
    assert (tmp_path / ".growlearn" / "growlearn.db").exists()
    assert "database is sound" in run(installed, tmp_path, "growlearn", "db", "check")


def test_the_job_of_the_demo_is_found_in_it(installed: Path, tmp_path: Path) -> None:
    code = "from growlearn.app.demo.home import find_bundled_job; print(find_bundled_job())"
    assert Path(run(installed, tmp_path, "python", "-c", code).strip()).is_relative_to(installed.parent)
