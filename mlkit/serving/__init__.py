"""Two versions of a model behind a rollout policy: a server one starts and stops from a cell.

``start`` serves them; ``read_log`` gives the log as a table, the one that ``deployment.tally`` and
``monitoring`` read. As a command: ``python -m mlkit.serving app:models --policy policy.json``.
"""

from mlkit.serving._server import Server, read_log, start

__all__ = ["Server", "read_log", "start"]
