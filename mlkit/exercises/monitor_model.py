"""Exercises of ``10_monitor_model``."""

from functools import partial

from mlkit.exercises._monitor_answers import (
    AGAIN,
    CALM,
    CANARY,
    CHI_SQUARE_9,
    DEARER,
    FALL,
    HALL,
    HALVES,
    LABELS,
    LEVEL,
    LOSE,
    NOTICED,
    NOTICED_DAYS,
    SLIPS,
    YARD,
    Rows,
    apart,
    best,
    cheapest,
    elsewhere,
    from_inputs,
    half_price,
    harmless,
    mended,
    other_price,
    said,
    trying,
    unseen,
)
from mlkit.exercises.engine import Exercise
from mlkit.exercises.kinds import Decision, Number, Order, Settings, Subset

EXERCISES = [
    Exercise(
        id="10.watch",
        kind=Subset("ABCDEF"),
        hint="Go through the six failures: which figure moves on the very day? Then leave out a "
        "figure that tells nothing the others do not.",
        why="Each kind has something that the others cannot see: software is not in the inputs, "
        "and a changed meaning is in nothing but labels. A figure that only says again what "
        "another says costs attention, and attention is what alarms live on.",
        right=lambda: "ABDEF",
        wrong=said(
            {
                "ABDE": "What is right may change, and nothing else with it. What tells of that?",
                "ABDF": "The stuck model is seen when labels come. What shows it that day?",
                "ABCDEF": "One tells only what another tells: who sees an empty field but C?",
                "BDEF": "Half of the requests never come: which of the figures moves?",
                "ADEF": "Right answers that nobody waits for: which figure sees them?",
                "ABCEF": "C sees the empty field. And inches, with every field filled?",
            }
        ),
    ),
    Exercise(
        id="10.psi",
        kind=Rows(tolerance=40, share=False),
        hint="Move n until the line of PSI above 0.1, with a shift of 0, comes down to one in "
        "twenty.",
        why="By chance alone the index is about (1/n + 1/m) times a number that depends on the "
        "tenths only. So a fixed border is far too strict for a small sample and says little "
        "for a large one: thresholds go with n.",
        right=lambda: 2 * CHI_SQUARE_9 / LEVEL,
        wrong=[
            (
                lambda: CHI_SQUARE_9 / LEVEL,
                "That would do if the reference were known without error. It is a sample too, "
                "as large as the other.",
            ),
            (lambda: 60, "Move n further up."),
            (lambda: 1000, "How few are enough for one in twenty?"),
        ],
    ),
    Exercise(
        id="10.harm",
        kind=Decision(
            "ABCDEFG", Number(tolerance=0.0011), figure_is="accuracy less that of the reference"
        ),
        hint="Two columns of the table: what drifted, and whether the interval of accuracy still "
        "holds the reference.",
        why="The recogniser brings every clip to the same loudness first, so this drift cannot "
        "reach it. A drift says: look. Whether it hurts, only the model's own errors tell.",
        right=harmless,
        wrong=[
            *elsewhere(
                harmless,
                {
                    "A": "Nothing drifted there. Where did an input drift, and harm nobody?",
                    "C": "Inputs drifted, and accuracy fell with them. Which did no harm?",
                    "D": "Inputs drifted there too, and much more is misheard than before.",
                    "E": "With new people accuracy fell. Where did it stay?",
                    "F": "With most people new, accuracy fell. Where did it stay?",
                    "G": "That is the other way round: no input moved, and the answers are wrong.",
                },
            ),
            (
                lambda weeks: ("B", float(weeks["accuracy"].iloc[1])),
                "That is how often it is right there. How far is that from the reference?",
            ),
        ],
    ),
    Exercise(
        id="10.kind",
        kind=Order("ICSN", repeats=True),
        hint="Take one input from before and bring it again today. Is another answer right? Does "
        "the model see another thing than in training? Or do such inputs just come more often?",
        why="Concept drift is a change of the right answer for the same input. Everything else "
        "can be told from the inputs, or from two ways of reading the same one.",
        right=lambda: "ICSCIN",
        wrong=said(
            {
                "CCSCIN": "Number 1: a word still means the same bay. New is who says it.",
                "IISCIN": "Number 2: a nine sounds as it did. What changed is where it leads.",
                "ICICIN": "Number 3: they are the same clips. What differs is how they are read.",
                "ICSIIN": "Number 4: the house has the rooms it had. What is right has changed.",
                "ICSCCN": "Number 5: a toy is still a toy. There are only more of them.",
                "ICSCIC": "Number 6: how sure are 200 labels? Can they tell 91.0 from 89.5?",
            }
        ),
    ),
    Exercise(
        id="10.part",
        kind=Number(tolerance=0.0011),
        hint="What would accuracy be now if, in the hall and in the yard, the model were right "
        "as often as before, and only the shares had changed?",
        why="So a fall has two parts: other inputs, and other answers to the same inputs. The "
        "first can be told without a single new label; the second cannot.",
        right=from_inputs,
        wrong=[
            (
                lambda: FALL,
                "That is the whole fall. Part of it comes from less being right in each place.",
            ),
            (
                lambda: -FALL,
                "That is the whole change, with its sign. Asked is how much the fall is, and of "
                "that the part which comes from the shares alone.",
            ),
            (
                lambda: FALL - from_inputs(),
                "That is the other part: in each place less is right than before.",
            ),
            (
                lambda: sum(now * accuracy for _, now, accuracy, _ in (HALL, YARD)),
                "That is where accuracy would be. How far is that below where it was?",
            ),
        ],
    ),
    Exercise(
        id="10.blind",
        kind=Decision(
            "ABCDEFG", Number(tolerance=0.0011), figure_is="what was estimated, less what was true"
        ),
        hint="Take the weeks in which accuracy surely fell: its interval lies below the reference. "
        "In which of them is the estimate nearest to the reference?",
        why="The scores are as high as ever: the model is as sure of its old answers as before. "
        "What is right has changed, and that is not in the scores. No estimate without labels "
        "can see it.",
        right=unseen,
        wrong=elsewhere(
            unseen,
            {
                "A": "There accuracy has not fallen: there was nothing to be seen.",
                "B": "An input drifted there, and accuracy did not fall. Where did it fall unseen?",
                "C": "The estimate went down there, if not all the way. Where did it move least?",
                "D": "The estimate saw the harm there, in part. Where did it see least of it?",
                "E": "The estimate follows the scores of new people a little. In another week that "
                "fell it is nearer to the reference.",
                "F": "New people have lower scores, and the estimate follows part of the way.",
            },
        ),
    ),
    Exercise(
        id="10.skew",
        kind=Decision("ABC", Number(tolerance=0.0011), figure_is="what mending it brings"),
        hint="The clips are the same on both sides. Which columns differ, and by what factor?",
        why="The same clips, read twice: only the reading can be the cause. A test of drift sees "
        "other columns too, and would have sent you looking for other people. Log what the model "
        "was really given, and compare it with the training path on the same items.",
        right=mended,
        wrong=[
            *elsewhere(
                mended,
                {
                    "A": "Nobody new is in it: both columns are of the same clips.",
                    "C": "The level is alike on both sides. What is half, what twice as much?",
                },
            ),
            (
                lambda reading: (
                    "B",
                    apart(float(reading["as in training"]), mended(reading)[1]),
                ),
                "That is how often it is right once mended. How much of that is won?",
            ),
        ],
    ),
    Exercise(
        id="10.feedback",
        kind=Number(tolerance=0.0011),
        hint="Let x be the share that was misheard. Which part of x is said again, and which part "
        "of the rest?",
        why="The log knows what people did, not what was right. With a few labels of a random "
        "sample one learns how the two hang together; and learns it again whenever the screen "
        "or the people change.",
        right=lambda: (AGAIN - SLIPS) / (NOTICED - SLIPS),
        wrong=[
            (
                lambda: AGAIN,
                "That is what was said again. Some of it had been heard rightly, and some that "
                "was misheard nobody noticed.",
            ),
            (
                lambda: AGAIN - SLIPS,
                "Those who stumbled are taken off there. And what nobody noticed?",
            ),
            (
                lambda: AGAIN / NOTICED,
                "What nobody noticed is added there. And those who only stumbled?",
            ),
        ],
    ),
    Exercise(
        id="10.price",
        kind=Decision("ABCDE", Number(tolerance=1.1, share=False), figure_is="hours a year"),
        hint="Two products a row: false alarms in a year times what each takes, and days "
        "until it is noticed times what a day costs, for each change.",
        why="There is no right threshold without the two prices. With a tenth of the complaints "
        "a calmer alarm would be the cheapest. And the replays show one change: an alarm that is "
        "good for this one may sleep through another.",
        right=cheapest,
        wrong=[
            *((partial(other_price, place=place), words) for place, words in enumerate(DEARER)),
            *((partial(half_price, part=part), words) for part, words in HALVES.items()),
        ],
    ),
    Exercise(
        id="10.anew",
        kind=Decision("ABCD", Number(tolerance=0.0011), figure_is="what it wins today over A"),
        hint="Which column speaks of those who are served now? And what did a long mark mean on "
        "the rows that each learned from?",
        why="Where what is right has changed, old rows teach what is wrong now, and more of them "
        "make it worse; had only the inputs changed, they would be right still. The old test set "
        "speaks of a world that is gone: it would have kept the model that fails.",
        right=best,
        wrong=[
            *elsewhere(
                best,
                {
                    "A": "On the old test set it is ahead. Who is served by the old test set?",
                    "B": "It has the most rows, and most of them hold what was right before.",
                    "C": "Two thirds of its rows are from before the change.",
                },
            ),
            (
                lambda anew: ("D", float(anew["today"].iloc[3])),
                "That is how often it is right today. How often is A?",
            ),
            (
                lambda anew: (
                    "D",
                    float(anew["old test set"].iloc[3] - anew["old test set"].iloc[0]),
                ),
                "That is what it loses on the old test set, where nobody is served any more.",
            ),
        ],
    ),
    Exercise(
        id="10.policy",
        kind=Settings(
            (
                "retrain",
                "inputs_above",
                "accuracy_below",
                "labels_week",
                "labels_retrain",
                "canary",
            ),
            [
                (
                    lambda found: found["noticed_days"] <= NOTICED_DAYS,
                    "It is noticed too late, or never. The photographs are what they were: which "
                    "figure moves, and who can give it before the parcels are opened?",
                ),
                (
                    lambda found: found["lose_users"] <= LOSE,
                    "It is noticed in time, and users leave all the same. What happens after the "
                    "alarm, and to how many of them?",
                ),
                (
                    lambda found: found["labels"] <= LABELS,
                    "Users stay, and people label more than there is money for. How few labels a "
                    "week still notice it?",
                ),
                (
                    lambda found: found["false_a_week"] <= CALM,
                    "Users stay. But where nothing moves at all it keeps ringing, and soon nobody "
                    "listens: look at where accuracy starts to ring.",
                ),
                (
                    lambda found: found["canary"] <= CANARY,
                    "All of it holds, and yet more than half of the users get a version that "
                    "nobody has compared: were it faulty, they would all meet it. How few are "
                    "enough to compare in time?",
                ),
            ],
        ),
        hint="One after the other. First notice it: which of the settings brings labels of this "
        "week? Then look at how long the new version is compared: what decides that? Then save.",
        why="Noticing, deciding and changing all take time, and users leave in the sum of it. What "
        "shortens it costs labels, and what rings sooner rings for nothing more often: other "
        "settings than these hold too.",
        right=trying(labels_week=280, accuracy_below=0.86, canary=0.5),
        wrong=[
            (trying(inputs_above=0.02), "It is noticed too late, or never."),
            (
                trying(labels_week=280, accuracy_below=0.86, retrain="never"),
                "It is noticed in time, and users leave all the same.",
            ),
            (
                trying(labels_week=400, accuracy_below=0.86, canary=0.5),
                "Users stay, and people label more than there is money for.",
            ),
            (
                trying(labels_week=280, accuracy_below=0.92, canary=1),
                "But where nothing moves at all it keeps ringing",
            ),
            (
                trying(labels_week=280, accuracy_below=0.86, canary=1),
                "more than half of the users get a version",
            ),
        ],
    ),
]
