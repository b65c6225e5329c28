"""What every way of installing shares, and what every file of the repository keeps to."""

import ast
import json
import re
import shutil
import statistics
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = (ROOT / "environment.yml").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "mlkit").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Written in two parts, so that this file does not hold what it looks for.
HOSTS = [a + b for a, b in [("pypi", ".org"), ("pythonhosted", ".org"), ("npmjs", ".org")]]
HOSTS += [a + b for a, b in [("anaconda", ".org"), ("yarnpkg", ".com"), ("unpkg", ".com")]]
MACHINE = re.compile(
    # A path of SQLite after three slashes is relative.
    "(?<![\\w.}|])(?<!sqlite://)/(?:"
    + "|".join(["ro" + "ot/", "wo" + "rk/", "opt/py" + "pi"])
    + ")"
)


def tracked_files():
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("no git, or not a clone: there is no list of tracked files")
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def texts():
    for path in tracked_files():
        if not path.is_file():
            continue
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a recording


def direct_requirements():
    groups = PROJECT["dependency-groups"].values()
    return [Requirement(text) for text in [*PROJECT["project"]["dependencies"], *chain(*groups)]]


def pins():
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", LOCK, flags=re.MULTILINE)
    table = {}
    for name, version in found:
        table.setdefault(canonicalize_name(name), set()).add(Version(version))
    return table


@pytest.mark.parametrize("wanted", direct_requirements(), ids=lambda wanted: wanted.name)
def test_every_direct_dependency_has_a_floor_and_a_pin_that_satisfies_it(wanted):
    assert any(part.operator == ">=" for part in wanted.specifier), "give it a lower bound"
    pinned = pins().get(canonicalize_name(wanted.name), set())
    assert pinned, "not in requirements.lock: lock again as CONTRIBUTING.md says"
    assert all(wanted.specifier.contains(version) for version in pinned)


def test_build_requirements_are_locked_so_that_an_install_needs_no_isolation():
    for text in PROJECT["build-system"]["requires"]:
        wanted = Requirement(text)
        assert all(wanted.specifier.contains(v) for v in pins()[canonicalize_name(wanted.name)])


def test_every_pin_has_a_hash_and_the_lock_names_no_address():
    assert "://" not in LOCK
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_conda_supplies_python_and_pip_and_pip_the_rest():
    entries = [line.strip()[2:] for line in CONDA.splitlines() if re.match(r" +- ", line)]
    channel, python, pip, then, lock = entries
    assert (channel, then, lock) == ("conda-forge", "pip:", "-r requirements.lock")
    assert re.fullmatch(r"pip(>=\d+)?", pip)
    assert python.startswith("python")
    ours = SpecifierSet(PROJECT["project"]["requires-python"])
    assert SpecifierSet(python.removeprefix("python")) == ours


def test_the_supported_pythons_are_the_same_everywhere():
    ours = SpecifierSet(PROJECT["project"]["requires-python"])
    supported = [f"3.{minor}" for minor in range(5, 30) if ours.contains(f"3.{minor}")]
    assert supported == ["3.11", "3.12", "3.13", "3.14"]
    classified = [c.rsplit(" ", 1)[1] for c in PROJECT["project"]["classifiers"] if ":: 3." in c]
    assert classified == supported
    run = (ROOT / "run.py").read_text(encoding="utf-8")
    assert "OLDEST, NEWEST = (3, 11), (3, 14)" in run
    assert f'SUPPORTED = "{supported[0]} to {supported[-1]}"' in run


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    found = []
    for path, text in texts():
        found += [f"{path}: {host}" for host in HOSTS if host in text]
        found += [f"{path}: {hit.group()}" for hit in MACHINE.finditer(text)]
    assert found == []


def test_the_top_level_is_the_one_agreed():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    files = {"README.md", "run.py", "environment.yml", "pyproject.toml", "requirements.lock"}
    files |= {"LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", ".gitignore", ".gitattributes"}
    assert folders <= files | {".ci", "notebooks", "mlkit", "data", "tests"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stripped_and_opens_without_a_question(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert (notebook["nbformat"], notebook["nbformat_minor"] >= 5) == (4, True)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]] == []
    assert "widgets" not in notebook["metadata"]


def functions(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[0].end_lineno if documented else node.lineno
            yield node.name, node.end_lineno - first


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 400
    assert [name for name, lines in functions(module) if lines > 60] == []
    assert module.stem != "utils"


def test_the_usual_function_fits_on_a_few_lines():
    assert statistics.median(n for module in MODULES for _, n in functions(module)) <= 10


def test_scripts_of_widgets_stay_small_and_never_take_text_for_markup():
    for path in (ROOT / "mlkit").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 400, path
        assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b", text)


def names_used(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}, tree


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_reseeds_the_notebook_or_checks_input_with_assert(module):
    used, tree = names_used(module)
    assert not {"np.random.seed", "numpy.random.seed", "random.seed"} & used
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))


def test_every_lint_exception_has_its_reason():
    bare = re.compile(
        r"#\s*(noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[\w, -]+\])?)\s*$", re.MULTILINE
    )
    assert [str(path) for path, text in texts() if path.suffix == ".py" and bare.search(text)] == []
