"""How a widget's messages come in: two ways in which the libraries below would harm a cell."""

from ipywidgets import Widget


def hear_quietly(widget: Widget) -> None:
    """Keep this widget's messages from counting as the end of a cell.

    comm (0.2) runs the hooks of a cell's end after each message, on the thread that answers it;
    matplotlib's hook then shows and closes what a running cell has only half drawn.
    """
    if widget.comm is not None:
        widget.comm.handle_msg = widget._handle_msg


def hear_while_busy(widget: Widget) -> None:
    """Let messages come in while a cell runs; to be said again after each message sent.

    ipykernel (7.4) hands a widget's next message to the thread that last sent it something:
    after a cell has, that is the main thread, which may be busy for hours. Forgotten, the
    message goes where JupyterLab addressed it, to the widgets' own thread.
    """
    if widget.comm is not None:
        widget.comm.__dict__.pop("_reply_subshell_id", None)
