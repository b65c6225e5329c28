"""The bootstrap: which Python, which installer, what is kept, and each sentence when it cannot."""

import ast
import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / "run.py"
posix = pytest.mark.skipif(os.name == "nt", reason="lays out an environment as on POSIX")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run.py as a module whose repository is an empty folder with a blank in its name."""
    spec = importlib.util.spec_from_file_location("bootstrap", RUN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a clone"
    root.mkdir()
    (root / "requirements.lock").write_text("one==1.0 \\\n    --hash=sha256:00\n")
    (root / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "VENV", root / ".venv")
    monkeypatch.setattr(module, "STATE", root / ".venv" / "mlkit-setup")
    monkeypatch.setattr(module, "LOCK", root / "requirements.lock")
    monkeypatch.setattr(module, "COMPLETE", "True")
    return module


@pytest.fixture
def steps(run, monkeypatch):
    """What set-up would start; making an environment links the Python of the tests into it."""
    done = []

    def step(title, command):
        done.append(title)
        if "venv" in command:
            link_python(run)
        return 0, []

    monkeypatch.setattr(run, "step", step)
    monkeypatch.setattr(run, "find_uv", lambda: "/bin/uv")
    monkeypatch.setattr(run, "find_pip", lambda python: ["/bin/pip"])
    return done


def link_python(run):
    python = Path(run.venv_python())
    python.parent.mkdir(parents=True, exist_ok=True)
    python.symlink_to(sys.executable)


def test_it_can_be_read_by_python_3_6_and_needs_nothing_installed():
    tree = ast.parse(RUN.read_text(encoding="utf-8"), feature_version=(3, 6))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize(("given", "code"), [([], 2), (["labs"], 2), (["--help"], 0)])
def test_without_a_known_command_it_says_which_there_are(given, code):
    done = subprocess.run(
        [sys.executable, RUN, *given], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code
    said = done.stderr if code else done.stdout
    assert "python3 run.py lab" in said
    assert "python3 run.py test" in said


@posix
def test_the_second_run_changes_nothing_and_takes_less_than_a_second(run, steps, capsys):
    run.set_up()
    assert steps == [
        "making .venv with uv",
        "installing 1 packages with uv",
        "installing mlkit itself",
        "warming up librosa and matplotlib",
    ]
    steps.clear()
    times = []
    for _ in range(3):
        begun = time.monotonic()
        run.set_up()
        times.append(time.monotonic() - begun)
    assert min(times) < 1
    assert steps == []
    assert capsys.readouterr().out.splitlines()[-1].startswith("Ready in 0.")


@posix
@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_is_followed_within_the_same_environment(run, steps, file):
    run.set_up()
    steps.clear()
    kept = run.VENV / "the person's own"
    kept.touch()
    with (run.ROOT / file).open("a") as stream:
        stream.write("# changed\n")
    run.set_up()
    assert "installing 1 packages with uv" in steps
    assert "making .venv with uv" not in steps
    assert kept.exists()


@posix
def test_an_interrupted_set_up_starts_again(run, steps, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run, "find_uv", interrupt)
        assert run.main(["test"]) == 130
    assert run.state() == "started"
    (run.VENV / "half").touch()
    run.set_up()
    assert not (run.VENV / "half").exists()
    assert run.state() == run.fingerprint()


@posix
def test_an_environment_whose_python_is_gone_is_made_again(run, steps):
    run.set_up()
    steps.clear()
    Path(run.venv_python()).unlink()
    Path(run.venv_python()).symlink_to("/nowhere/python")
    run.set_up()
    assert steps[0] == "making .venv with uv"


@posix
def test_a_moved_repository_is_set_up_again(run, steps, monkeypatch):
    run.set_up()
    before = run.state()
    moved = run.ROOT.with_name("moved")
    run.ROOT.rename(moved)
    for name, path in [("ROOT", ""), ("VENV", ".venv"), ("STATE", ".venv/mlkit-setup")]:
        monkeypatch.setattr(run, name, moved / path)
    monkeypatch.setattr(run, "LOCK", moved / "requirements.lock")
    assert not run.is_ready()
    run.set_up()
    assert run.state() != before


@posix
def test_an_environment_of_someone_else_is_filled_but_never_deleted(run, steps):
    link_python(run)
    run.set_up()
    assert "making .venv with uv" not in steps
    shutil.rmtree(run.VENV)
    run.VENV.mkdir()
    (run.VENV / "precious").touch()
    with pytest.raises(run.SetupError, match=r"run\.py did not make it: rename or delete it"):
        run.set_up()
    assert (run.VENV / "precious").exists()


@posix
def test_a_new_lock_file_without_network_leaves_what_there_is(run, steps, monkeypatch):
    run.set_up()
    before = run.state()
    run.LOCK.write_text("one==1.1 --hash=sha256:11\n")
    monkeypatch.setattr(run, "step", lambda *_: (1, ["error: dns error"]))
    with pytest.raises(run.SetupError, match="there seems to be no network"):
        run.set_up()
    assert run.state() == before
    assert Path(run.venv_python()).exists()


@posix
def test_where_uv_fails_pip_takes_over(run, steps, monkeypatch, capsys):
    recorded = run.step

    def step(title, command):
        return (1, ["uv is broken"]) if title.endswith("with uv") else recorded(title, command)

    monkeypatch.setattr(run, "step", step)
    run.set_up()
    assert "installing 1 packages with pip" in steps
    assert "trying venv and pip instead" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full: free about 3 GB"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "not the one that was pinned"),
        ("  Hash mismatch for `one==1.0`", "not the one that was pinned"),
        ("NewConnectionError: [Errno -3] Temporary failure in name resolution", "no network"),
        ("  Caused by: dns error", "no network"),
        ("SSLError(CERTIFICATE_VERIFY_FAILED)", "set SSL_CERT_FILE and PIP_CERT"),
        ("something new", '"installing" failed; what it said stands above'),
    ],
)
def test_a_failure_is_told_in_one_sentence(run, monkeypatch, capsys, said, sentence):
    monkeypatch.setattr(run, "step", lambda *_: (1, ["first", said]))
    with pytest.raises(run.SetupError, match=sentence.replace("(", "\\(")):
        run.do("installing", ["x"])
    assert (said in capsys.readouterr().err) == ("stands above" in sentence)


def test_too_little_disk_is_said_before_anything_is_made(run, monkeypatch, capsys):
    usage = shutil.disk_usage(run.ROOT)._replace(free=int(1.2e9))
    monkeypatch.setattr(run.shutil, "disk_usage", lambda path: usage)
    assert run.main(["lab"]) == 1
    assert "Only 1.2 GB are free" in capsys.readouterr().err
    assert not run.VENV.exists()


def test_a_folder_that_cannot_be_written_or_a_full_disk_ends_without_traceback(
    run, monkeypatch, capsys
):
    for number, sentence in [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be done here")]:

        def refuse(number=number):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(run, "set_up", refuse)
        assert run.main(["lab"]) == 1
        assert sentence in capsys.readouterr().err


def test_this_python_is_preferred_unless_another_one_brings_pip(run, monkeypatch):
    answers = {sys.executable: ("/this", (3, 12), True), "python3.13": ("/other", (3, 13), True)}
    monkeypatch.setattr(run, "probe", lambda c: answers.get(c[0], (None, (0, 0), False)))
    assert run.find_python() == "/this"
    answers[sys.executable] = ("/this", (3, 12), False)
    assert run.find_python() == "/other"
    del answers["python3.13"]
    assert run.find_python() == "/this"


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 15)])
def test_a_python_too_old_or_too_new_is_not_taken(run, monkeypatch, version):
    monkeypatch.setattr(run, "probe", lambda command: ("/this", version, True))
    monkeypatch.setattr(run, "find_uv", lambda: None)
    with pytest.raises(run.SetupError, match=r"Python 3.11 to 3.14 is needed.*or uv, which brings"):
        run.set_up()


def test_a_program_that_cannot_start_counts_as_missing(run, tmp_path):
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    assert run.probe([str(broken)]) == (None, (0, 0), False)
    assert run.probe(["no-such-program"]) == (None, (0, 0), False)


def test_without_any_pip_it_says_what_to_type(run, monkeypatch):
    monkeypatch.setattr(run, "output", lambda *_, **__: "")
    monkeypatch.setattr(run, "pip_wheels", list)
    with pytest.raises(run.SetupError, match="sudo apt install python3-venv"):
        run.find_pip(sys.executable)


def test_a_wheel_of_pip_will_do(run, monkeypatch):
    wheel = Path("/somewhere/pip-26.0-py3-none-any.whl")
    monkeypatch.setattr(
        run, "output", lambda c, **_: "pip 26" if wheel in Path(c[1]).parents else ""
    )
    monkeypatch.setattr(run, "pip_wheels", lambda: [wheel])
    assert run.find_pip(sys.executable) == [run.venv_python(), str(wheel / "pip")]


def test_variables_that_lead_elsewhere_are_dropped(run, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    kept = run.environment()
    assert "PYTHONPATH" not in kept
    assert (kept["PIP_USER"], kept["NO_ALBUMENTATIONS_UPDATE"]) == ("0", "1")
    assert kept["PATH"].split(os.pathsep)[0] == str(Path(run.venv_python()).parent)


@posix
def test_jupyterlab_is_quiet_without_touching_the_persons_settings(run, steps):
    run.set_up()
    written = run.VENV / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    news = json.loads(written.read_text())["@jupyterlab/apputils-extension:notification"]
    assert news["fetchNews"] == "false"


@posix
def test_lab_opens_the_first_notebook_with_the_repository_as_root(run, monkeypatch):
    started = []

    def become(path, command, variables):
        started.append(command)
        raise KeyboardInterrupt  # a program that becomes another one does not come back

    monkeypatch.setattr(run.os, "execve", become)
    monkeypatch.setattr(run.os, "chdir", lambda path: None)
    (run.ROOT / "notebooks").mkdir()
    (run.ROOT / run.FIRST_NOTEBOOK).touch()
    for given in (["--no-browser"], ["/mine/own.ipynb"]):
        with pytest.raises(KeyboardInterrupt):
            run.lab(given)
    first, second = started
    assert f"--ServerApp.root_dir={run.ROOT}" in first
    address = "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"
    assert first[-2:] == [address, "--no-browser"]
    assert second[-1] == "/mine/own.ipynb"
    assert address not in second
    assert ("--allow-root" in first) == (os.geteuid() == 0)


def test_test_runs_every_check_and_fails_if_one_does(run, monkeypatch, capsys):
    called = []
    monkeypatch.setattr(
        run, "step", lambda title, _: (called.append(title), int(title == "mypy"), ["x"])[1:]
    )
    monkeypatch.setattr(run.subprocess, "call", lambda command, **_: called.append("pytest") or 0)
    assert run.test([]) == 1
    assert called == ["ruff check", "ruff format", "mypy", "pytest"]
    assert "Failed before pytest, see above: mypy" in capsys.readouterr().err


def test_test_hands_on_what_follows_to_pytest_alone(run, monkeypatch):
    called = []
    monkeypatch.setattr(run.subprocess, "call", lambda command, **_: called.append(command) or 5)
    assert run.test(["tests/test_run.py", "-k", "lab"]) == 5
    assert [command[2:] for command in called] == [["pytest", "tests/test_run.py", "-k", "lab"]]


def test_without_node_the_javascript_tests_are_skipped_aloud_but_never_in_ci(
    run, monkeypatch, capsys
):
    scripts = run.ROOT / "tests" / "js"
    scripts.mkdir(parents=True)
    (scripts / "tagger.test.mjs").touch()
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    monkeypatch.setattr(run, "step", lambda *_: (0, []))
    monkeypatch.setattr(run.subprocess, "call", lambda *_, **__: 0)
    monkeypatch.delenv("CI", raising=False)
    assert run.test([]) == 0
    assert "node: skipped, Node is not installed" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    with pytest.raises(run.SetupError, match="sudo apt install nodejs"):
        run.test([])


def test_a_step_shows_what_the_program_said(run, capsys):
    code, lines = run.step("counting", [sys.executable, "-c", "print(1); print(2); exit(3)"])
    assert (code, lines) == (3, ["1", "2"])
    assert capsys.readouterr().out == "  counting ... failed\n"
