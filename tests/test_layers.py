"""The floors of the package: imports only lead down, and nothing heavy is imported unasked."""

import ast
import functools
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "mlkit"
MODULES = sorted(PACKAGE.rglob("*.py"))
GROUND = {"_tables", "_stats", "_show", "_files"}
FACES = {"widgets", "exercises", "serving", "_doctor"}
HEAVY = {
    *(
        "albumentations",
        "anywidget",
        "cv2",
        "fairlearn",
        "librosa",
        "matplotlib",
        "mlflow",
        "numba",
    ),
    *("pandera", "river"),  # not pyarrow: pandas imports it where it is there
}
UNITS = sorted({module.relative_to(PACKAGE).parts[0].removesuffix(".py") for module in MODULES})
TOPICS = [unit for unit in UNITS if unit not in GROUND | FACES | {"__init__"}]


def unit_of(module):
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def imports_of(module):
    """(name, whether only inside a function or for the type checker) of all a module imports."""
    package = [*module.relative_to(PACKAGE.parent).parts[:-1]]
    found, open_nodes = [], [(ast.parse(module.read_text(encoding="utf-8")), False)]
    while open_nodes:
        node, inside = open_nodes.pop()
        if isinstance(node, ast.Import):
            found += [(alias.name, inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [(f"{base}.{alias.name}", inside) for alias in node.names]
        inside = inside or is_function(node) or is_type_checking(node)
        open_nodes += [(child, inside) for child in ast.iter_child_nodes(node)]
    return found


def imported_by(module, *, only_at_import=False):
    """Every dotted name a module imports; with `only_at_import` not those inside functions."""
    return [name for name, inside in imports_of(module) if not (only_at_import and inside)]


def is_function(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def is_type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def units_used(module):
    found = {name.split(".")[1] for name in imported_by(module) if name.startswith("mlkit.")}
    return found - {unit_of(module), "__version__"}


def may_use(unit):
    if unit == "__init__":
        return {"_doctor"}  # when it is called, not before
    if unit in GROUND:
        return set()
    return GROUND | set(TOPICS) if unit in FACES else GROUND


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_lead_down(module):
    unit = unit_of(module)
    wrong = units_used(module) - may_use(unit)
    assert not wrong, f"mlkit.{unit} may not import {sorted(wrong)}: push what they share down"


def test_nobody_imports_datasets():
    users = [m for m in MODULES if unit_of(m) != "datasets" and "datasets" in units_used(m)]
    assert [unit_of(m) for m in users] == ["_doctor"]  # which looks whether they are there


@pytest.mark.parametrize("unit", UNITS)
def test_private_parts_of_a_folder_stay_inside(unit):
    """From outside, only what a folder's `__init__` hands on is imported."""
    for module in MODULES:
        if unit_of(module) == unit:
            continue
        parts = [name.split(".") for name in imported_by(module)]
        reached = [p for p in parts if p[:2] == ["mlkit", unit] and len(p) > 3]
        assert not any(part.startswith("_") for p in reached for part in p[2:]), module


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_imports_wait_inside_functions(module):
    allowed = {"anywidget"} if unit_of(module) == "widgets" else set()
    early = {name.split(".")[0] for name in imported_by(module, only_at_import=True)}
    assert not early & (HEAVY - allowed)


ONE_AFTER_ANOTHER = """
import importlib, json, sys
loaded = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded[name] = sorted({module.split(".")[0] for module in sys.modules})
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def newly_loaded():
    """What each import brings that was not there, in one fresh process: nothing unloads itself."""
    names = ["mlkit", *(f"mlkit.{topic}" for topic in TOPICS)]
    program = [sys.executable, "-c", ONE_AFTER_ANOTHER, *names]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=120)
    loaded = {name: set(found) for name, found in json.loads(done.stdout).items()}
    before = {name: loaded[last] for last, name in pairwise(names)}
    return {name: loaded[name] - before.get(name, set()) for name in names}


def test_importing_mlkit_imports_nothing_else(newly_loaded):
    light = {"numpy", "pandas", "scipy", "sklearn", "sqlalchemy", "IPython"}
    assert not newly_loaded["mlkit"] & (HEAVY | light)


@pytest.mark.parametrize("topic", TOPICS)
def test_importing_a_topic_imports_nothing_heavy(newly_loaded, topic):
    heavy = HEAVY | {"scipy", "sklearn", "ipywidgets", "IPython"}
    assert not newly_loaded[f"mlkit.{topic}"] & heavy


@pytest.mark.parametrize("unit", [unit for unit in UNITS if (PACKAGE / unit).is_dir()])
def test_a_folder_says_what_it_hands_on(unit):
    tree = ast.parse((PACKAGE / unit / "__init__.py").read_text(encoding="utf-8"))
    targets = [t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets]
    assert "__all__" in targets


def test_the_map_in_the_docstring_names_what_is_there():
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")))
    public = [unit for unit in UNITS if not unit.startswith("_")]
    assert [unit for unit in public if f"``{unit}``" not in text] == []
