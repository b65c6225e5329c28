"""Which tests share a process where two run side by side: those of a file, as its fixtures do.

All that need a browser share one: two JupyterLabs with two browsers at a time are slow enough to
run into their limits. The runs of a notebook take a minute or more each, so that each notebook is
a group of its own.
"""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        group = item.path.as_posix()
        if item.path.parent.name == "browser":
            group = "browser"
        elif item.path.name == "test_notebooks.py" and isinstance(item, pytest.Function):
            values = getattr(item, "callspec", None)
            group += f"::{values.params.get('name', '')}" if values else ""
        item.add_marker(pytest.mark.xdist_group(group))
