"""What every public name owes its reader: the question it answers, in a screenful, and an example.

That the examples run is seen to by --doctest-modules (pyproject.toml).
"""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import mlkit

PACKAGE = Path(mlkit.__file__).parent
LONGEST = 30  # lines of a function's docstring; a widget also lists what the hand can do
LONGEST_OF_A_WIDGET = 40


def public():
    modules = [module.name for module in pkgutil.iter_modules(mlkit.__path__)]
    for name in modules:
        if not name.startswith("_"):
            module = importlib.import_module(f"mlkit.{name}")
            for each in module.__all__:
                yield f"{name}.{each}", getattr(module, each)


NAMES = dict(public())
FUNCTIONS = {name: thing for name, thing in NAMES.items() if inspect.isfunction(thing)}
CLASSES = {name: thing for name, thing in NAMES.items() if inspect.isclass(thing)}
WIDGETS = {name: thing for name, thing in CLASSES.items() if name.startswith("widgets.")}


def named(things):
    return pytest.mark.parametrize("name", sorted(things))


def test_they_are_found():
    assert len(FUNCTIONS) > 100
    assert {"widgets.Tagger", "widgets.Labeler"} <= set(WIDGETS)


@named(FUNCTIONS | WIDGETS)
def test_it_has_an_example(name):
    assert ">>> " in inspect.getdoc(NAMES[name]), f"{name} shows no example"


@named(FUNCTIONS | WIDGETS)
def test_it_is_read_at_a_glance(name):
    lines = inspect.getdoc(NAMES[name]).splitlines()
    assert len(lines[0]) <= 100
    assert lines[0].endswith((".", "?")), "one sentence first"
    assert len(lines) <= (LONGEST_OF_A_WIDGET if name in WIDGETS else LONGEST)


@named(CLASSES)
def test_what_one_may_call_on_it_is_told(name):
    for attribute, thing in vars(CLASSES[name]).items():
        called = inspect.isfunction(thing) or isinstance(thing, property | classmethod)
        if called and not attribute.startswith("_"):
            of = thing.__func__ if isinstance(thing, classmethod) else thing
            assert of.__doc__ or inspect.getdoc(getattr(CLASSES[name], attribute)), attribute


@named(FUNCTIONS)
def test_data_first_and_the_rest_by_name(name):
    """Two where a thing is held against another; never a third whose meaning one has to know."""
    taken = inspect.signature(FUNCTIONS[name]).parameters.values()
    by_place = [each.name for each in taken if each.kind == each.POSITIONAL_OR_KEYWORD]
    assert len(by_place) <= (3 if name == "slices.compare" else 2), by_place
