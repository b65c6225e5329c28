"""The harness itself: a test that cannot fail shows nothing."""

import os
import signal

import pytest


def test_cells_run_and_their_results_can_be_read(open_notebook):
    notebook = open_notebook(
        "%% markdown\n# Title", "print(6 * 7)", "import os; print(os.getcwd())"
    )
    notebook.run_all(widget=None)
    assert notebook.printed() == f"42\n{notebook.path.parent}\n"
    assert notebook.cells()[0] == ("markdown", "# Title")


def test_a_failed_cell_shows_its_traceback(open_notebook):
    notebook = open_notebook("1 / 0")
    with pytest.raises(AssertionError, match=r"a cell failed:\n[\s\S]*ZeroDivisionError"):
        notebook.run_all()


def test_a_killed_kernel_is_replaced(open_notebook, lab, needs_proc):
    notebook = open_notebook("import os; print(os.getpid())")
    notebook.run_all(widget=None)
    before = lab.kernel(notebook.path)
    assert notebook.printed() == f"{before}\n"
    os.kill(before, signal.SIGKILL)
    notebook.wait_new_kernel(before)
    notebook.wait_idle()
    notebook.run_all(widget=None)
    assert notebook.printed() == f"{lab.kernel(notebook.path)}\n"


def test_notebook_7_is_served_beside_jupyterlab(open_notebook):
    notebook = open_notebook("print(6 * 7)", application="notebook")
    notebook.run_all(widget=None)
    assert notebook.printed() == "42\n"
    assert notebook.page.locator("body[data-notebook='notebooks']").count() == 1
