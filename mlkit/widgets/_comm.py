"""How a widget's messages come in."""

from ipywidgets import Widget


def hear_quietly(widget: Widget) -> None:
    """Keep this widget's messages from counting as the end of a cell.

    comm (0.2) runs the hooks of a cell's end after each message, on the thread that answers it;
    matplotlib's hook then shows and closes what a running cell has only half drawn.
    """
    if widget.comm is not None:
        widget.comm.handle_msg = widget._handle_msg
