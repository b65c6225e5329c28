"""MLflow's own pages, opened and closed from notebook 05: they show the runs, and none stays."""

import re
import socket
from pathlib import Path

import nbformat
import pytest

PATIENCE_S = 150  # the first start of a server loads all of MLflow
NOTEBOOK = Path(__file__).parents[2] / "notebooks/05_train_model.ipynb"
SETUP = """
from pathlib import Path
from ipywidgets import ToggleButton, interact
Path("work").mkdir(exist_ok=True)
"""
RUNS = """
for name, right in {"simple": 0.59, "winner": 0.63, "tuesday": 0.52}.items():
    with mlflow.start_run(run_name=name, tags={"mlflow.user": "me"}):
        mlflow.log_metric("accuracy_new", right)
"""


def cell(name: str) -> str:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return next(one.source for one in cells if one.id == name)


def answers_at(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def notebook(open_notebook):
    notebook = open_notebook(SETUP, cell("mlflow"), RUNS, cell("server"), cell("pages"))
    notebook.start_all()
    notebook.wait(lambda: notebook.state()["run"] == "done", "the cells to run", PATIENCE_S)
    assert not notebook.errors()
    return notebook


def switch(notebook, to: str) -> None:
    notebook.page.locator("button.widget-toggle-button", has_text=f"{to} MLflow").click()


def opened(notebook) -> str:
    """Press the button and give the address that the notebook shows."""
    switch(notebook, "Start")
    shown = notebook.page.locator(".widget-interact")
    notebook.wait(lambda: "is starting" in shown.inner_text(), "the notebook to say so")
    link = notebook.page.locator(".widget-interact a[href^='http://127.0.0.1:']")
    notebook.wait(link.count, "the link to MLflow", PATIENCE_S)
    return link.first.get_attribute("href")


@pytest.mark.timeout(600)
def test_the_pages_show_the_runs_and_the_button_closes_them(notebook, context, folder):
    assert notebook.page.locator(".widget-interact").inner_text().count("not running") == 1
    address = opened(notebook)
    port = int(re.search(r":(\d+)", address)[1])
    page = context.new_page()
    page.goto(address)
    for name in ("simple", "winner", "tuesday"):
        page.get_by_text(name, exact=True).first.wait_for(timeout=PATIENCE_S * 1000)
    assert page.get_by_text("spoken digits").count()
    page.screenshot(path=folder / "mlflow.png")
    page.close()
    assert answers_at(port)
    switch(notebook, "Stop")
    notebook.wait(lambda: not answers_at(port), "MLflow to stop")
    shown = notebook.page.locator(".widget-interact")
    notebook.wait(lambda: "not running" in shown.inner_text(), "the notebook to say so")


@pytest.mark.timeout(600)
def test_the_end_of_the_kernel_is_the_end_of_the_server(notebook, lab):
    port = int(re.search(r":(\d+)", opened(notebook))[1])
    assert answers_at(port)
    lab.end(notebook.path)
    notebook.wait(lambda: not answers_at(port), "MLflow to stop with the kernel")
