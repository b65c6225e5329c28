"""Pages one can hand to someone else: one file with text, tables and pictures, and nothing else.

``write`` makes such a page out of plain text, tables, results and plots; ``describe`` gives a
plot its text for people who do not see it, which a page insists on.
"""

from mlkit._show import describe
from mlkit.pages._page import write

__all__ = ["describe", "write"]
