#!/usr/bin/env python3
"""Set everything up and start.

    python3 run.py lab    open JupyterLab on the first notebook
    python3 run.py test   run all tests

The first run makes an environment in .venv, from the versions and hashes in
requirements.lock: with uv where there is one, with venv and pip otherwise. What
follows the command is handed on: `lab --no-browser`, `test tests/test_slices.py`.

Standard library only, and nothing newer than Python 3.6: this file only starts
programs, so an old Python may run it and another one found here does the work.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STATE = VENV / "mlkit-setup"  # "started", or the fingerprint of a set-up that was finished
OLDEST, NEWEST = (3, 11), (3, 14)
SUPPORTED = "3.11 to 3.14"
NAMES = ["python3.13", "python3.12", "python3.11", "python3.14", "python3", "python"]
SETUP = 1  # raise it when the steps of a set-up change
SPACE_GB = 3
WINDOWS = os.name == "nt"
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"

PROBE = """
import sys, importlib.util
has = importlib.util.find_spec
print(sys.executable)
print(*sys.version_info[:2])
print(int(bool(has("venv") and has("ensurepip"))))
"""
COMPLETE = "all(map(importlib.util.find_spec, ('mlkit', 'jupyterlab', 'librosa', 'pytest')))"
WARM_UP = """
import matplotlib.font_manager
import librosa, numpy
sound = numpy.sin(numpy.arange(16_000, dtype="float32"))
librosa.stft(sound)
librosa.feature.mfcc(y=sound, sr=8_000)
"""
# JupyterLab asks on its first start whether it may show news: not in the middle of a lesson.
# The file lies in .venv; the person's own settings are left alone.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
    }
}
DISK_FULL = f"The disk is full: free about {SPACE_GB} GB and run the same command again."
REASONS = [
    (["No space left on device", "os error 28", "not enough space on the disk"], DISK_FULL),
    (
        ["DO NOT MATCH THE HASHES", "Hash mismatch"],
        "A package that was downloaded is not the one that was pinned: nothing of it was"
        " installed; try again, and if it stays so ask who runs your proxy or package mirror.",
    ),
    (
        ["CERTIFICATE_VERIFY_FAILED", "invalid peer certificate", "UnknownIssuer"],
        "This network's certificate is not trusted: set SSL_CERT_FILE and PIP_CERT to the"
        " certificate file your network uses and run the same command again.",
    ),
    (
        [
            *("name resolution", "NewConnectionError", "NameResolutionError", "ProxyError"),
            *("ConnectTimeoutError", "Failed to establish a new connection", "dns error"),
            *("getaddrinfo failed", "error sending request", "Network is unreachable"),
            *("Connection refused", "Read timed out"),
        ],
        "The packages cannot be downloaded, there seems to be no network: connect (or set"
        " HTTPS_PROXY) and run the same command again.",
    ),
]


class SetupError(Exception):
    """The end, with the one sentence that says what to do."""


def main(arguments):
    """Run one command and return its exit code."""
    commands = {"lab": lab, "test": test}
    if not arguments or arguments[0] not in commands:
        asked_for_help = arguments and arguments[0] in ("-h", "--help", "help")
        if arguments and not asked_for_help:
            print(f"There is no command {arguments[0]!r}.\n", file=sys.stderr)
        print(__doc__.strip(), file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    try:
        set_up()
        return commands[arguments[0]](arguments[1:])
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        full = error.errno == errno.ENOSPC
        print(f"\n{DISK_FULL if full else f'This cannot be done here: {error}'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Type the same command to start again.", file=sys.stderr)
        return 130


# --- the two commands ---------------------------------------------------------------------


def lab(extra):
    """Open JupyterLab with the repository as its root."""
    command = [venv_python(), "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    notebooks = [str(Path(given).resolve()) for given in extra if given.endswith(".ipynb")]
    options = [given for given in extra if not given.endswith(".ipynb")]
    if not notebooks and (ROOT / FIRST_NOTEBOOK).exists():
        # As the address, not as a file to open: so it stands in the line one copies
        # into a browser elsewhere, too.
        command.append(f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}")
    print("Opening JupyterLab; Ctrl-C here ends it.", flush=True)
    command += options + notebooks
    os.chdir(str(ROOT))
    if not WINDOWS:
        os.execve(command[0], command, environment())
    process = subprocess.Popen(command, env=environment())
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # JupyterLab gets it too, and asks
            return process.wait()


def test(extra):
    """Run the linters, the type checker, the JavaScript tests and pytest, whose word is last."""
    python = [venv_python(), "-m"]
    if extra:
        return subprocess.call([*python, "pytest", *extra], env=environment(), cwd=str(ROOT))
    checks = [
        ("ruff check", [*python, "ruff", "check", "."]),
        ("ruff format", [*python, "ruff", "format", "--check", "."]),
        ("mypy", [*python, "mypy"]),
    ]
    scripts = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.*js"))
    node = shutil.which("node")
    if scripts and node:
        checks.append(("node", [node, "--test", *scripts]))
    elif scripts and os.environ.get("CI") == "true":
        raise SetupError("The JavaScript tests need Node: sudo apt install nodejs")
    elif scripts:
        print("  node: skipped, Node is not installed (sudo apt install nodejs)", flush=True)
    failed = []
    for title, command in checks:
        code, lines = step(title, command)
        if code != 0:
            print("\n".join(lines), flush=True)
            failed.append(title)
    pytest = [*python, "pytest", "-n", "2"]
    code = subprocess.call(pytest, env=environment(), cwd=str(ROOT))
    if failed:
        print("Failed before pytest, see above: {}".format(", ".join(failed)), file=sys.stderr)
    return code or int(bool(failed))


# --- setting up ---------------------------------------------------------------------------


def set_up():
    """Make .venv complete; where it is already, say so and change nothing."""
    begun = time.monotonic()
    if not is_ready():
        with one_at_a_time():
            if not is_ready():  # another run may have done it meanwhile
                make_ready()
    print(f"Ready in {seconds(begun)}.", flush=True)


def is_ready():
    """Whether the last set-up was finished, is of today's lock file, and still works."""
    return state() == fingerprint() and works(COMPLETE)


def make_ready():
    """Set up from the start, or bring a finished set-up in step with the lock file."""
    print(f"Setting up in {VENV}", flush=True)
    clear_remains()
    before = state()
    fresh = not VENV.exists()
    if fresh:
        check_space()
        VENV.mkdir()
    if fresh or before:
        write(STATE, "started")
    try:
        fill(find_uv())
    except SetupError:
        if before:  # a new lock file, but no network: keep what there is and try again later
            write(STATE, before)
        elif fresh and not Path(venv_python()).exists():  # nothing was made
            shutil.rmtree(str(VENV))
        raise
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    write(settings / "overrides.json", json.dumps(LAB_SETTINGS, indent=2))
    do("warming up librosa and matplotlib", [venv_python(), "-c", WARM_UP])
    if not works(COMPLETE):
        raise SetupError(f"Something is still missing in {VENV}: delete it and run again.")
    write(STATE, fingerprint())


def fill(uv):
    """Install with uv; where there is none, or it fails, with pip."""
    if not uv:
        return install_with_pip()
    try:
        return install_with_uv(uv)
    except SetupError as error:
        print(f"  uv did not manage it ({error})\n  trying venv and pip instead", flush=True)
        first = error
    try:
        return install_with_pip()
    except SetupError:
        raise first from None


def clear_remains():
    """Remove an environment that this program left half made; never one that it did not make."""
    if state() == "started" or (state() and not works("True")):
        print("  an earlier set-up did not finish or no longer works: starting again", flush=True)
        shutil.rmtree(str(VENV))
    elif VENV.exists() and not works(f"{OLDEST} <= sys.version_info[:2] <= {NEWEST}"):
        raise SetupError(
            f"{VENV} is there but no Python {SUPPORTED} works in it, and run.py did not make it:"
            " rename or delete it and run the same command again."
        )


def check_space():
    """Stop before the disk is full."""
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < SPACE_GB:
        raise SetupError(
            f"Only {free:.1f} GB are free on the disk of {ROOT} and {SPACE_GB} GB are needed:"
            " free some and run the same command again."
        )


def install_with_uv(uv):
    """Make and fill .venv with uv, which can also fetch a Python."""
    if not Path(venv_python()).exists():
        python = find_python() or f">=3.{OLDEST[1]},<3.{NEWEST[1] + 1}"
        do("making .venv with uv", [uv, "venv", "--allow-existing", "--python", python, str(VENV)])
    install([uv, "pip", "install", "--python", venv_python()], "uv", "--compile-bytecode")


def install_with_pip():
    """Make and fill .venv with venv and whatever pip can be had."""
    python = find_python()
    if not Path(venv_python()).exists():
        if not python:
            raise SetupError(
                f"Python {SUPPORTED} is needed; this is 3.{sys.version_info[1]} and no other was"
                " found: install one (on Debian and Ubuntu: sudo apt install python3-venv), or"
                " uv, which brings its own, and run the same command again."
            )
        # Debian and Ubuntu ship venv without ensurepip: then any pip at hand will do.
        options = [] if probe([python])[2] else ["--without-pip"]
        do(f"making .venv with {python}", [python, "-m", "venv", *options, str(VENV)])
    install([*find_pip(python), "install"], "pip", "--progress-bar=off")


def install(command, tool, option):
    """Install what is locked, then this repository in place, built with what the lock brought."""
    count = sum("==" in line for line in LOCK.read_text().splitlines())
    locked = [option, "--require-hashes", "-r", str(LOCK)]
    do(f"installing {count} packages with {tool}", [*command, *locked])
    own = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    do("installing mlkit itself", [*command, *own])


def find_pip(python):
    """Return a pip command that installs into .venv, from wherever there is one."""
    other = [python or sys.executable, "-m", "pip", "--python", venv_python()]
    for command in ([venv_python(), "-m", "pip"], other):
        if output([*command, "--version"]):
            return command
    for wheel in pip_wheels():
        command = [venv_python(), str(wheel / "pip")]
        if output([*command, "--version"]):
            print(f"  using the pip in {wheel}", flush=True)
            return command
    raise SetupError(
        "This Python has neither ensurepip nor pip, and no uv is there:"
        " sudo apt install python3-venv (or install uv) and run the same command again."
    )


def pip_wheels():
    """Yield wheels of pip on this machine, then the one in Debian's signed package of it."""
    yield from sorted(Path("/usr/share/python-wheels").glob("pip-*.whl"), reverse=True)
    folder = VENV / "pip"
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        folder.mkdir(exist_ok=True)
        # Needs no root: the package is fetched and unpacked here, not installed.
        output(["apt-get", "download", "python3-pip-whl"], cwd=str(folder))
        for package in folder.glob("*.deb"):
            output(["dpkg-deb", "-x", str(package), str(folder)])
        yield from folder.glob("usr/share/python-wheels/pip-*.whl")


# --- finding programs ---------------------------------------------------------------------


def find_uv():
    """Return a uv that starts, or None."""
    home = Path("~").expanduser()
    places = [shutil.which("uv"), *(str(home / p / "bin" / "uv") for p in (".local", ".cargo"))]
    return next((uv for uv in places if uv and output([uv, "--version"])), None)


def find_python():
    """Return a supported Python, this one first; one that brings pip along is preferred."""
    commands = [[sys.executable], *([name] for name in NAMES)]
    if WINDOWS:
        commands += [["py", f"-3.{minor}"] for minor in (13, 12, 11, 14)]
    found = []
    for command in commands:
        executable, version, brings_pip = probe(command)
        if executable and OLDEST <= version <= NEWEST:
            if brings_pip:
                return executable
            found.append(executable)
    return found[0] if found else None


def probe(command):
    """Return the executable, version and whether it can make a venv with pip."""
    lines = output([*command, "-c", PROBE]).splitlines()
    if len(lines) != 3:
        return None, (0, 0), False
    return lines[0], tuple(int(part) for part in lines[1].split()), lines[2] == "1"


# --- small tools --------------------------------------------------------------------------


def venv_python():
    """Return the environment's Python."""
    return str(VENV / ("Scripts/python.exe" if WINDOWS else "bin/python"))


def works(condition):
    """Whether the environment's Python starts and finds the condition true."""
    program = f"import sys, importlib.util; print({condition})"
    return output([venv_python(), "-I", "-c", program]) == "True"


def output(command, cwd=None):
    """Return what a program prints, or "" when it cannot be started or fails."""
    try:
        nowhere = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pipe = subprocess.PIPE
        done = subprocess.run(
            command, cwd=cwd, env=environment(), stdout=pipe, check=False, **nowhere
        )
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def environment():
    """Return the variables for the programs started: .venv first, nothing that leads elsewhere."""
    foreign = (
        "PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_COMPILE",
        "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX",
    )  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    kept.update(
        VIRTUAL_ENV=str(VENV),
        PATH=str(Path(venv_python()).parent) + os.pathsep + os.environ.get("PATH", ""),
        PIP_USER="0",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        JUPYTER_PREFER_ENV_PATH="1",  # so that no kernel from elsewhere is taken for this one
        NO_ALBUMENTATIONS_UPDATE="1",  # it would ask the network for news at every import
    )
    return kept


def do(title, command):
    """Run one step of a set-up; where it fails, say why in one sentence."""
    code, lines = step(title, command)
    if code == 0:
        return
    said = "\n".join(lines)
    for words, sentence in REASONS:
        if any(word in said for word in words):
            raise SetupError(sentence)
    print("\n".join(lines[-40:]), file=sys.stderr, flush=True)
    raise SetupError(f'"{title}" failed; what it said stands above.')


def step(title, command):
    """Run a program, its last line shown on a terminal; return its exit code and all its lines."""
    begun = time.monotonic()
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns - 1
    print(f"  {title} ...", end=" ", flush=True)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, cwd=str(ROOT), env=environment(), **pipes)
    lines = []
    reader = threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            reader.join(0.2)
            if terminal:
                last = f"  {title} ... {seconds(begun)}  {''.join(lines[-1:])}"
                print("\r" + last[:width].ljust(width), end="", flush=True)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    reader.join(5)
    if terminal:
        print("\r" + " " * width + f"\r  {title} ...", end=" ")
    print(seconds(begun) if process.returncode == 0 else "failed", flush=True)
    return process.returncode, lines


def read_lines(stream, lines):
    """Collect what a program prints, line by line."""
    for line in stream:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            lines.append(text)


@contextlib.contextmanager
def one_at_a_time():
    """Hold back a second set-up of the same repository while one is at work."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with Path(__file__).open("rb") as own:
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Waiting for another set-up that is at work here", flush=True)
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(own, fcntl.LOCK_EX)
        yield


def fingerprint():
    """Return a hash of all that a set-up depends on."""
    parts = [LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join([*parts, str(SETUP).encode()])).hexdigest()


def state():
    """Return what STATE says; None where there is no such file, so no set-up of ours."""
    try:
        return STATE.read_text()
    except OSError:
        return None


def write(path, text):
    """Write a small file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=str(path.parent))
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def seconds(begun):
    """Return the time since then, as text."""
    return f"{time.monotonic() - begun:.1f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
