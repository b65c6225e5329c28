"""Exercises of ``09_deploy_model``."""

from typing import Any

from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order, Subset

# A queue of unsure items: its share of all, how often the model is right in it, and elsewhere.
QUEUED, RIGHT_IN_QUEUE, RIGHT_ELSEWHERE = 0.3, 0.5, 0.9
SHARES = {"A": 0.01, "B": 0.05, "C": 0.2, "D": 0.5}
DEGREES = {
    "A": "people only",
    "B": "shadow",
    "C": "assistance",
    "D": "partial automation",
    "E": "full automation",
}


def _lost(changed: Any, *, of_all: bool = False) -> float:
    """Of what old had right, the share that new has wrong; or of all."""
    whole = changed if of_all else changed.loc["right"]
    return float(changed.loc["right", "wrong"]) / float(whole.to_numpy().sum())


def _apart(value: float, right: float, by: float) -> float:
    """A figure of a mistake; where it happens to be the right one, another."""
    return value if abs(value - right) > by else right + 7 * by


def _other(figure: float, right: float) -> float:
    return _apart(figure, right, 0.0011)


def _smallest(needs: Any, have: int) -> str:
    """The letter of the smallest share at which the users that there are suffice."""
    return next((letter for letter in SHARES if float(needs[SHARES[letter]]) <= have), "D")


def _neighbour(letter: str, letters: str, step: int) -> str:
    return letters[(letters.index(letter) + step) % len(letters)]


def _enough(needs: Any, have: int, step: int = 0) -> tuple[str, float]:
    letter = _neighbour(_smallest(needs, have), "".join(SHARES), step)
    return letter, float(needs[SHARES["A"]])


def _errors_between(ways: Any) -> float:
    errors = ways["errors"]
    return float(errors["canary, 5 %"] - errors["shadow"])


def _cheapest(scale: Any) -> str:
    return next(letter for letter, name in DEGREES.items() if name == scale.degree)


def _left_to_people(scale: Any) -> float:
    """The share that people answer at the cheapest point."""
    return 1 - _by_model(scale)


def _by_model(scale: Any) -> float:
    return float(scale.table.loc[scale.table["cost"].idxmin(), "by_model"])


def _degree(scale: Any, step: int = 0) -> tuple[str, float]:
    return _neighbour(_cheapest(scale), "".join(DEGREES), step), _left_to_people(scale)


def _failed(log: Any) -> float:
    """Of the requests that the policy gave to new, the share that new failed on."""
    new = log[log["version"] == "new"]
    return float(new["prediction"].isna().mean())


def _failed_of_all(log: Any) -> float:
    return float((log["version"].eq("new") & log["prediction"].isna()).sum() / log["served"].sum())


_OVERALL = QUEUED * RIGHT_IN_QUEUE + (1 - QUEUED) * RIGHT_ELSEWHERE

EXERCISES = [
    Exercise(
        id="09.broke",
        kind=Number(tolerance=0.00051),
        hint="In changed, stay in the row of what old had right. Which part of it is lost?",
        why="Better on average, and still somebody who was served well yesterday is not today. "
        "They notice: what never worked is forgiven sooner than what used to. One accuracy does "
        "not show it; two answers to the same request do.",
        right=lambda changed: _lost(changed),
        wrong=[
            (
                lambda changed: _other(_lost(changed, of_all=True), _lost(changed)),
                "That is the share of all answers. Of those that were right before?",
            ),
            (
                lambda changed: _other(
                    float(changed.loc["wrong", "right"] / changed.loc["wrong"].sum()),
                    _lost(changed),
                ),
                "That is what new mends of old's errors. What does it break?",
            ),
            (
                lambda changed: _other(
                    float(changed["wrong"].sum() / changed.to_numpy().sum()), _lost(changed)
                ),
                "That counts all errors of new; some of these old made as well.",
            ),
        ],
    ),
    Exercise(
        id="09.users",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="how often the other one alarms"),
        hint="The two versions are the same here, so each alarm is false. Which test keeps to the "
        "rate it promises, and what is the rate of the one that does not?",
        why="A user's requests resemble each other: twenty of them are not twenty pieces of news. "
        "Who is counted must be what was drawn by lot, and the lot drew users.",
        right=lambda rates: ("B", float(rates["by request"])),
        wrong=[
            (
                lambda rates: ("A", float(rates["by request"])),
                "More rows, and each of them half known from its user's others. How often does it "
                "find a difference where there is none?",
            ),
            (
                lambda rates: ("C", float(rates["by request"])),
                "They would agree if each user sent one request. How many do they send here?",
            ),
            (
                lambda rates: ("B", _other(float(rates["by user"]), float(rates["by request"]))),
                "That is the rate of the one that you trust. And of the other?",
            ),
        ],
    ),
    Exercise(
        id="09.enough",
        kind=Decision(
            "ABCD", Number(tolerance=60, share=False), figure_is="the users it takes at 1 %"
        ),
        hint="needs has the users that each share takes, old and new together. The ones "
        "that there are stand in have.",
        why="At 1 % nearly all that is known is about old. Waiting does not mend it: users "
        "who are on old stay there, and more requests of the few on new tell little more about "
        "others. A share that can see nothing protects nobody: it only looks careful.",
        right=lambda needs, have: _enough(needs, have),
        wrong=[
            (
                lambda needs, have: _enough(needs, have, 1),
                "Is that the smallest share at which your users are enough? Go through needs from "
                "the top.",
            ),
            (
                lambda needs, have: _enough(needs, have, 2),
                "Hold what this share needs against the users that you have.",
            ),
            (
                lambda needs, have: _enough(needs, have, 3),
                "Look again: how many users does this share take, and how many are there?",
            ),
            (
                lambda needs, have: (
                    _smallest(needs, have),
                    _apart(float(needs[SHARES[_smallest(needs, have)]]), float(needs[0.01]), 60),
                ),
                "That is for the share you chose. And at 1 %?",
            ),
            (
                lambda needs, have: (_smallest(needs, have), float(needs[0.01]) * SHARES["A"]),
                "Those are the ones on new alone. Counted are all users, old and new.",
            ),
        ],
    ),
    Exercise(
        id="09.peek",
        kind=Subset("ABCDE", too_many="{letter} gives chance more than one try, and says 5 %."),
        hint="For each plan: how many moments are there at which chance could end the test?",
        why="What counts is not how often one looks but how often one could have stopped. Either "
        "there is one such moment, fixed beforehand, or the interval is made for all of them.",
        right=lambda: "BC",
        wrong=[
            (
                lambda: "B",
                "There is an interval that was made for looking every day: it is wider.",
            ),
            (
                lambda: "ABC",
                "Thirty looks, and the first one that chance favours ends it: how often is that?",
            ),
            (
                lambda: "BCE",
                "It is two looks, since the second only takes place where the first nearly found "
                "something.",
            ),
            (
                lambda: "BCD",
                "Stopping on bad news only is stopping too: good versions go back by chance.",
            ),
        ],
    ),
    Exercise(
        id="09.race",
        kind=Decision("ABC", Number(tolerance=0.51, share=False), figure_is="the errors between"),
        hint="To how many requests does new give an answer in each of the two? And in ways, how "
        "many errors more did users see?",
        why="In shadow each request is its own comparison: both answered it, so that what makes "
        "it hard cancels, and all users take part. It costs twice the computing, and it cannot "
        "tell what people would have done with the other answer.",
        right=lambda ways: ("B", _errors_between(ways)),
        wrong=[
            (
                lambda ways: ("A", _errors_between(ways)),
                "Labels take the same time in both: they come when somebody holds the phone "
                "itself.",
            ),
            (
                lambda ways: ("C", _errors_between(ways)),
                "The rules are the same in all of them. What do the rules get to see?",
            ),
            (
                lambda ways: (
                    "B",
                    _apart(
                        float(ways["errors"]["all at once"] - ways["errors"]["shadow"]),
                        _errors_between(ways),
                        0.51,
                    ),
                ),
                "That is for all at once. The canary of 5 % is asked about.",
            ),
            (
                lambda ways: (
                    "B",
                    _apart(float(ways["errors"]["A/B"]), _errors_between(ways), 0.51),
                ),
                "That is for the A/B test. The canary of 5 % is asked about.",
            ),
        ],
    ),
    Exercise(
        id="09.rollouts",
        kind=Order("SCBA", repeats=True),
        hint="Of each: may new's answers reach anybody yet? Does one need to know what people do "
        "with them? And must it be for all at the same moment?",
        why="Shadow where nobody may be harmed by an answer that is not yet trusted; a canary "
        "where some errors can be borne and the first ones stop it; an A/B test where the answer "
        "lies in what people do; all at once where two versions cannot live side by side, or where "
        "the old one must not answer any longer.",
        right=lambda: "SACBS",
        wrong=[
            (
                lambda: "CACBS",
                "Number 1: even one in a hundred would be a person, and no machine has been "
                "trusted with this so far.",
            ),
            (
                lambda: "SSCBS",
                "Number 2: in shadow nobody sees new's list. Who could buy from it?",
            ),
            (
                lambda: "SABBS",
                "Number 3: a wrong caption is soon borne, but why by everybody at the same time?",
            ),
            (
                lambda: "SACCS",
                "Number 4: while a few are on new, all others are open to the attack.",
            ),
            (
                lambda: "SACBA",
                "Number 5: an A/B test hands answers of the machine to half of them. Who answers "
                "for these today?",
            ),
        ],
    ),
    Exercise(
        id="09.degree",
        kind=Decision("ABCDE", Number(tolerance=0.0051), figure_is="the share left to people"),
        hint="The first line of scale names the cheapest. All rows are in scale.table: in the one "
        "with the lowest cost, by_model is the share that the model answers. Who answers the rest?",
        why="Neither people nor the model are cheapest alone as long as the score tells hard items "
        "from easy ones. Another price of an error, or another model, moves the point: so it is "
        "computed again with each version, and not decided once.",
        right=lambda scale: _degree(scale),
        wrong=[
            (
                lambda scale: _degree(scale, 1),
                "Some other degree costs less here, errors included: see the first line of scale.",
            ),
            (
                lambda scale: _degree(scale, 2),
                "Look at the column cost in scale.table: it is not lowest there.",
            ),
            (
                lambda scale: _degree(scale, 3),
                "The cheapest one is named in the first line of scale, and it is not that.",
            ),
            (
                lambda scale: _degree(scale, 4),
                "What does an item cost there, once the errors are paid for? Another row is lower.",
            ),
            (
                lambda scale: (
                    _cheapest(scale),
                    _apart(_by_model(scale), _left_to_people(scale), 0.0051),
                ),
                "That is what the model answers. What is left to people?",
            ),
        ],
    ),
    Exercise(
        id="09.queue",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the accuracy over all requests"),
        hint="Two kinds of requests, and each counts by how many there are of it.",
        why="A queue of hard items is good to learn from and bad to measure by. A few labels drawn "
        "by lot from everything cost little, and keep the figure honest.",
        right=lambda: ("B", _OVERALL),
        wrong=[
            (
                lambda: ("A", _OVERALL),
                "The queue holds what the model was unsure of. Is it as often wrong on the rest?",
            ),
            (
                lambda: ("C", _OVERALL),
                "Those in the queue are requests like any others: leaving them out flatters it.",
            ),
            (
                lambda: ("B", (RIGHT_IN_QUEUE + RIGHT_ELSEWHERE) / 2),
                "There are not as many requests in the queue as outside it.",
            ),
            (
                lambda: ("B", RIGHT_IN_QUEUE),
                "That is within the queue. And the seven tenths outside it?",
            ),
        ],
    ),
    Exercise(
        id="09.crash",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="the share of failures"),
        hint="In crashed, take the rows of version new. In which part of them is there no "
        "prediction?",
        why="What users got was right, and that is what old is for. But the log keeps new's "
        "failure as new's, and leaves old's help out of the comparison: a rescue would otherwise "
        "count in favour of the one that had to be rescued, or of old, which did not choose these "
        "requests.",
        right=lambda crashed: ("C", _failed(crashed)),
        wrong=[
            (
                lambda crashed: ("A", _failed(crashed)),
                "The right answer came from old. What did new do for it?",
            ),
            (
                lambda crashed: ("B", _failed(crashed)),
                "Those requests came to old because new could not do them: they are a sample of "
                "what is hard for new, not of what old's users ask.",
            ),
            (
                lambda crashed: (
                    "C",
                    _other(_failed_of_all(crashed), _failed(crashed)),
                ),
                "That is of everybody's requests. How many of its own did new fail on?",
            ),
        ],
    ),
    Exercise(
        id="09.cycle",
        kind=Order("ABCDEF"),
        hint="What must have happened before people can be asked, and before anything can be "
        "learned from them? And who sees a new version first?",
        why="And then it begins again. Deployment is not the end of the line but the first time "
        "that the real world answers: each round brings data that nobody could have gathered "
        "before.",
        right=lambda: "DBFACE",
        wrong=[
            (
                lambda: "DBFCAE",
                "A version that was trained a minute ago: may it answer to people before it has "
                "watched?",
            ),
            (
                lambda: "DFBACE",
                "From what is it to learn, before anybody has said what was right?",
            ),
            (
                lambda: "DBFAEC",
                "All of them, and only then a few?",
            ),
            (
                lambda: "BDFACE",
                "Which requests get to people? Somebody has to have asked them, and the log to "
                "have kept how sure the model was.",
            ),
        ],
    ),
]
