"""Questions about right and wrong: each is answered, or stands on the card as open."""

import pandas as pd

from mlkit.scoping import _cells

_FUNCTION = "scoping.ethics"

PROMPTS = (
    "If it works exactly as planned: who is better off, and is anybody worse off?",
    "Whom will it serve worst, and how many of them stand in the data?",
    "It errs: what happens to the person concerned, and how do they get it put right?",
    "Did those in the data agree to this use, and how can they take that back?",
    "Would you want it used on you, and told about in the news?",
    "Who may switch it off, and at what sign do they?",
)


def ethics(answers: pd.DataFrame | None = None) -> pd.DataFrame:
    """Which questions about right and wrong are answered, and which are still open?

    Parameters
    ----------
    answers : ``prompt, answer``; without it the kit's six prompts, none of them answered. The
        kit's prompts that are not in the table are added as open, and your own ones are kept.

    Returns
    -------
    ``prompt, answer, open``: open where the answer is empty, "open" or "?".

    Raises ``ValueError`` for a prompt that stands there twice.

    Examples
    --------
    >>> ethics()["open"].sum()
    np.int64(6)
    >>> mine = pd.DataFrame({"prompt": [PROMPTS[5]], "answer": ["The shift leader, at any time."]})
    >>> ethics(mine)["open"].sum()
    np.int64(5)
    """
    empty = pd.DataFrame({"prompt": PROMPTS, "answer": ""})
    if answers is None:
        return empty.assign(open=True)
    found = _cells.table(answers, ["prompt", "answer"], function=_FUNCTION, about="the answers")
    found = pd.DataFrame(
        {
            "prompt": _cells.text(found, "prompt", function=_FUNCTION),
            "answer": _cells.text(found, "answer", function=_FUNCTION, empty=True),
        }
    )
    _cells.once(found["prompt"], function=_FUNCTION, what="prompt")
    left_out = empty[~empty["prompt"].isin(found["prompt"])]
    found = pd.concat([found, left_out], ignore_index=True)
    said = found["answer"].str.lower().str.strip(" .!…")
    return found.assign(open=said.isin(["", "open", "?", "not known", "tbd"]))
