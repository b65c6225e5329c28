"""Keys, likeness, weights, merges and how right they are, each against something independent."""

import hashlib
import hmac
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlkit import records
from mlkit.datasets import make_user_records
from mlkit.records import _clusters, _fields, _weights


@pytest.fixture(scope="module")
def users():
    return make_user_records(3000, rng=5)


@pytest.fixture(scope="module")
def links(users):
    return records.link(users, key="secret")


def table(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"record": [f"r{i}" for i in range(n)], **columns})


# --- pairs ------------------------------------------------------------------------------------


def test_pairs_are_those_of_all_pairs_that_share_a_key():
    users = make_user_records(250, rng=2).query("consent")
    found = records.pairs(users, keys=["email", ("birth_date", "family_name:3")])
    plain = {name: users[name].map(_fields.plain, na_action="ignore")
             for name in ("family_name",)}  # fmt: skip
    mail = users["email"].str.casefold()
    expected = set()
    for i, j in combinations(range(len(users)), 2):
        same = mail.iloc[i] == mail.iloc[j]
        names = [plain["family_name"].iloc[k][:3] for k in (i, j)]
        dates = [users["birth_date"].iloc[k] for k in (i, j)]
        same |= dates[0] == dates[1] and names[0] == names[1]
        if same:
            expected.add((users["record"].iloc[i], users["record"].iloc[j]))
    assert set(zip(found.table["left"], found.table["right"], strict=True)) == expected
    assert found.n == len(expected)
    assert found.of_all == len(users) * (len(users) - 1) // 2


def test_an_empty_value_is_no_key():
    users = table(email=[None, None, "", "", "a@b.example", "a@b.example"])
    assert records.pairs(users).table[["left", "right"]].to_numpy().tolist() == [["r4", "r5"]]


def test_names_in_either_order_make_one_key():
    users = table(given_name=["Ana", "Silva", "Bo"], family_name=["Silva", "Ana", "Li"])
    assert len(records.pairs(users, keys=["names"]).table) == 1


def test_an_oversized_block_is_windowed_and_told():
    users = table(phone=["000"] * 400, email=[f"{i:03}@x.example" for i in range(400)])
    found = records.pairs(users, keys=["phone"], most=50)
    assert found.n == sum(min(10, 399 - i) for i in range(400))
    assert found.blocks["oversized"].tolist() == [1]
    assert "1 block of more than 50 records (the largest 400)" in found.notes[1]
    places = found.table[["left", "right"]].map(lambda name: int(name[1:]))
    assert (abs(places["left"] - places["right"]) <= 10).all()  # neighbours by the other fields


def test_the_number_of_pairs_grows_with_the_records_not_their_square():
    n = [1000, 2000, 4000, 8000]
    found = [records.pairs(make_user_records(size, rng=1)).n for size in n]
    assert max(np.diff(np.log(found)) / np.diff(np.log(n))) < 1.25
    # Even where every record has the same key.
    same = [records.pairs(table(city=["x"] * size), keys=["city"]).n for size in (1000, 4000)]
    assert same[1] / same[0] < 4.1


def test_which_key_brings_what_adds_up(users):
    found = records.pairs(users)
    assert (found.blocks["only_here"] <= found.blocks["pairs"]).all()
    assert found.table["keys"].sum() == found.blocks["pairs"].sum()
    assert (found.table["keys"] == 1).sum() == found.blocks["only_here"].sum()
    assert found.plot().figure.get_label().startswith("Pairs that each key brings")
    assert "birth_date + initials" in found._repr_html_()


# --- comparing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "a", "b", "level"),
    [
        ("family_name", "Groß", "GROSS", "same"),
        ("family_name", "Lefèvre", "Lefevre", "same"),
        ("family_name", "O'Connor", "OConnor", "same"),
        ("family_name", "Thompson", "Thompsn", "near"),
        ("family_name", "Silva", "Kowalski", "different"),
        ("given_name", "Alexander", "Alex", "short form"),
        ("given_name", "Johannes", "Johanes", "near"),
        ("given_name", "Wojciech", "Wojtek", "short form"),
        ("given_name", "Elizabeth", "Beth", "different"),
        ("birth_date", "1980-03-04", "1980-04-03", "near"),
        ("birth_date", "1980-03-04", "1981-03-04", "near"),
        ("birth_date", "1980-03-04", "1992-07-19", "different"),
        ("phone", "000 123 4567", "0001234567", "same"),
        ("phone", "000 123 4567", "000 123 4576", "near"),
        ("email", "A.B@post.example", "a.b@post.example", "same"),
        ("email", "a.b@post.example", "a.b@mail.example", "near"),
        ("street", "12 Mill Street", "12 Mill St", "near"),
        ("postcode", "A1", "A2", "different"),
        ("family_name", "Silva", None, None),
    ],
)
def test_levels_of_likeness(field, a, b, level):
    users = table(**{field: [a, b]})
    found = records.compare(users, pd.DataFrame({"left": ["r0"], "right": ["r1"]}))[field].iloc[0]
    assert found == level if level else pd.isna(found)


def test_swapped_names_are_recognised():
    users = table(given_name=["Ayşe", "Kaya"], family_name=["Kaya", "Ayse"])
    found = records.compare(users, pd.DataFrame({"left": ["r0"], "right": ["r1"]}))
    assert found.iloc[0].tolist() == ["r0", "r1", "swapped", "swapped"]


def test_distances_are_rapidfuzz_pair_by_pair(users):
    from rapidfuzz.distance import JaroWinkler

    pairs = records.pairs(users).table.head(400)
    words = records.compare(users, pairs)
    name = users.set_index("record")["family_name"].map(_fields.plain)
    for row in words[words["family_name"].isin(["near", "same"])].itertuples():
        a, b = name[row.left], name[row.right]
        assert JaroWinkler.similarity(a, b) >= 0.9
        assert (row.family_name == "same") == (a == b)


# --- weights ----------------------------------------------------------------------------------

SIZES = [4, 3, 3, 2, 3]


def simulated(m, u, share, n, rng, *, gone=0.1):
    """Patterns with known shares of each level in pairs of one person and of two."""
    match = rng.random(n) < share
    found = np.column_stack(
        [
            np.where(match, rng.choice(size, n, p=a), rng.choice(size, n, p=b))
            for size, a, b in zip(SIZES, m, u, strict=True)
        ]
    ).astype(np.int8)
    found[rng.random(found.shape) < gone] = _weights.MISSING
    return found, match


def known_shares(rng):
    m = [np.append(0.25 * rng.dirichlet(np.ones(size - 1)), 0.75) for size in SIZES]
    u = [np.append(0.9, 0.1 * rng.dirichlet(np.ones(size - 1))) for size in SIZES]
    return m, u


def test_em_finds_the_shares_that_made_the_pairs():
    rng = np.random.default_rng(0)
    m, u = known_shares(rng)
    found, match = simulated(m, u, 0.3, 40_000, rng)
    flat = [np.full(size, 1 / size) for size in SIZES]
    leaning = [np.append(np.full(size - 1, 0.5 / (size - 1)), 0.5) for size in SIZES]
    model = _weights.fit(found, _weights.Model([leaning, flat], np.asarray([0.5, 0.5])))
    assert model.shares[0] == pytest.approx(0.3, abs=0.02)
    for column in range(len(SIZES)):
        np.testing.assert_allclose(model.levels[0][column], m[column], atol=0.02)
        np.testing.assert_allclose(model.levels[1][column], u[column], atol=0.02)
    # Probabilities are what they say: of pairs at about 0.7, about 7 in 10 are one person.
    p = model.probability(found)
    for low in np.arange(0, 1, 0.2):
        here = (p >= low) & (p < low + 0.2)
        assert match[here].mean() == pytest.approx(p[here].mean(), abs=0.05)


def test_em_never_lowers_the_likelihood():
    rng = np.random.default_rng(1)
    m, u = known_shares(rng)
    found, _ = simulated(m, u, 0.2, 2000, rng)
    start = _weights.Model(
        [[rng.dirichlet(np.ones(s)) for s in SIZES] for _ in range(3)], np.ones(3) / 3
    )

    def penalised(model):
        bits = np.logaddexp2.reduce(
            model.log_likelihood(found) + np.log2(model.shares), axis=1
        ).sum()
        for one, columns in enumerate(model.levels):  # what the start counts as seen
            for column, share in enumerate(columns):
                bits += 2 * np.clip(start.levels[one][column], 1e-4, None) @ np.log2(share)
        return bits

    steps = [penalised(_weights.fit(found, start, most=k)) for k in (1, 2, 3, 5, 10, 40)]
    assert (np.diff(steps) > -0.05).all()


def test_weights_are_log_ratios_written_out():
    m, u = [np.asarray([0.1, 0.9])], [np.asarray([0.8, 0.2])]
    model = _weights.Model([m, u], np.asarray([0.25, 0.75]))
    found = np.asarray([[1], [0], [-1]], np.int8)
    np.testing.assert_allclose(model.weight(found), [np.log2(0.9 / 0.2), np.log2(0.1 / 0.8), 0])
    np.testing.assert_allclose(
        model.probability(found),
        [0.25 * 0.9 / (0.25 * 0.9 + 0.75 * 0.2), 0.25 * 0.1 / (0.25 * 0.1 + 0.75 * 0.8), 0.25],
    )


def test_labels_hold_where_people_looked(users, links):
    """With labels of a random tenth, turned round on purpose, the model follows the people."""
    truth = users.set_index("record")["person"]
    pairs = links.pairs[["left", "right"]]
    same = truth.loc[pairs["left"]].to_numpy() == truth.loc[pairs["right"]].to_numpy()
    labelled = pairs.assign(match=same).sample(300, random_state=0)
    helped = records.link(users, labelled=labelled, key="secret")
    assert any("300 pairs that people looked at" in note for note in helped.notes)
    found = records.evaluate(helped, users).set_index("measure")["value"]
    assert found["precision"] > 0.98
    assert found["recall"] > 0.9


# --- merging ----------------------------------------------------------------------------------


def test_links_find_the_people(users, links):
    found = records.evaluate(links, users, pairs=records.pairs(users)).set_index("measure")
    assert found.loc["precision", "low"] > 0.97
    assert found.loc["recall", "value"] > 0.9
    assert found.loc["compared", "value"] > 0.92
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()
    assert links.low <= links.persons <= links.high
    people = users[users["consent"]]["person"].nunique()
    assert links.persons == pytest.approx(people, rel=0.03)


def test_what_the_model_expects_is_what_happens(users, links):
    truth = users.set_index("record")["person"]
    pairs = links.pairs
    same = truth.loc[pairs["left"]].to_numpy() == truth.loc[pairs["right"]].to_numpy()
    for row in links.thresholds.itertuples():
        chosen = (pairs["probability"] >= row.threshold).to_numpy()
        assert row.matches == chosen.sum()
        assert same[chosen].mean() == pytest.approx(row.expected_precision, abs=0.02)
    assert links.thresholds["matches"].is_monotonic_decreasing


def test_who_did_not_consent_is_nowhere(users, links):
    out = set(users.loc[~users["consent"], "record"])
    assert out
    assert not out & set(links.table["record"])
    assert not out & (set(links.pairs["left"]) | set(links.pairs["right"]))
    assert f"{len(out)} records without consent kept out" in links.notes[0]
    # Neither do pairs from elsewhere bring them back.
    forced = pd.DataFrame({"left": sorted(out)[:5], "right": sorted(out)[1:6]})
    assert records.link(users, pairs=forced).pairs.empty
    everybody = records.pairs(users.drop(columns="consent"))
    assert "nothing here says that people agreed" in everybody.notes[0]
    unsure = table(email=["a@b.example"] * 3).assign(consent=[True, None, True])
    assert len(records.pairs(unsure).table) == 1


def test_ids_are_keyed_hashes(users, links):
    one = links.table.groupby("user")["record"].min()
    for user, record in one.head(20).items():
        digest = hmac.new(b"secret", record.encode(), hashlib.sha256).hexdigest()
        assert user == f"u{digest[:20]}"
    again = records.link(users, key="secret")
    other = records.link(users, key="other")
    forgotten = records.link(users)
    pd.testing.assert_frame_equal(again.table, links.table)
    assert not set(other.table["user"]) & set(links.table["user"])
    assert not set(forgotten.table["user"]) & set(links.table["user"])
    assert any("is forgotten" in note for note in forgotten.notes)
    assert (links.table["records"] == links.table.groupby("user")["record"].transform("size")).all()


def test_order_of_rows_does_not_matter(users, links):
    mixed = records.link(users.sample(frac=1, random_state=1), key="secret")
    both = links.table.merge(mixed.table, on="record")
    assert (both["user_x"] == both["user_y"]).mean() > 0.999  # random pairs of records differ


def test_a_chain_is_cut():
    """a is like b and b like c, but a and c are nothing alike."""
    bits = {(0, 1): 6.0, (1, 2): 4.0, (0, 2): -30.0}
    left, right = np.asarray([0, 1]), np.asarray([1, 2])

    def score(a, b):
        return np.asarray([bits[min(x, y), max(x, y)] for x, y in zip(a, b, strict=True)])

    group, cut, _ = _clusters.guarded(3, left, right, np.asarray([6.0, 4.0]), score)
    assert cut == 1
    assert group[0] == group[1] != group[2]
    bits[0, 2] = 1.0
    group, cut, _ = _clusters.guarded(3, left, right, np.asarray([6.0, 4.0]), score)
    assert cut == 0
    assert len(set(group)) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_where_nothing_speaks_against_it_groups_are_connected_components(ties):
    ties = [(a, b) for a, b in ties if a != b]
    left, right = (np.asarray([tie[side] for tie in ties], int) for side in (0, 1))
    group, cut, _ = _clusters.guarded(
        10, left, right, np.ones(len(ties)), lambda a, b: np.ones(len(a))
    )
    root = list(range(10))
    for a, b in ties * 10:
        root[a] = root[b] = min(root[a], root[b])
    for i, j in combinations(range(10), 2):
        assert (group[i] == group[j]) == (root[i] == root[j])
    assert cut == 0


def test_a_giant_falls_apart_and_is_told():
    n = 3 * _clusters.LARGE
    rng = np.random.default_rng(0)
    left, right = np.arange(n - 1), np.arange(1, n)
    group, _, large = _clusters.guarded(
        n, left, right, rng.random(n - 1), lambda a, b: np.ones(len(a))
    )
    assert large == 1
    assert np.bincount(group).max() <= _clusters.LARGE


# --- evaluation -------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=14))
def test_precision_and_recall_by_counting_every_pair(rows):
    n = len(rows)
    joined = pd.DataFrame(
        {"record": [str(i) for i in range(n)], "user": [u for u, _ in rows],
         "person": [p for _, p in rows]}
    )  # fmt: skip
    merged = {(i, j) for i, j in combinations(range(n), 2) if rows[i][0] == rows[j][0]}
    true = {(i, j) for i, j in combinations(range(n), 2) if rows[i][1] == rows[j][1]}
    found = records.evaluate(joined[["record", "user"]], joined[["record", "person"]])
    found = found.set_index("measure")
    for measure, whole in (("precision", merged), ("recall", true)):
        row = found.loc[measure]
        assert (row["right"], row["n"]) == (len(merged & true), len(whole))
        if whole:
            assert row["value"] == pytest.approx(len(merged & true) / len(whole))
            assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        else:
            assert np.isnan(row["value"])
            assert row["why"]


def test_the_intervals_hold_the_truth():
    """Persons of uneven size whose pairs are found or lost together: 95 % hold the recall."""
    rng = np.random.default_rng(0)
    chance, held, plain = 0.8, [], []
    for _ in range(300):
        size = rng.integers(2, 7, 120)
        person = np.repeat(np.arange(120), size)
        found = rng.random(120) < chance  # a person's records are merged all or not at all
        user = np.where(found[person], person, 1000 + np.arange(len(person)))
        names = [str(i) for i in range(len(person))]
        row = records.evaluate(
            pd.DataFrame({"record": names, "user": user}),
            pd.DataFrame({"record": names, "person": person}),
        ).iloc[1]
        held.append(row["low"] <= chance <= row["high"])
        from mlkit._stats import wilson

        low, high = wilson(row["right"], row["n"])
        plain.append(low <= chance <= high)
    assert 0.91 <= np.mean(held) <= 0.99
    assert np.mean(plain) < 0.8  # what counting pairs as independent would give


# --- bad and small input ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_records(n):
    users = make_user_records(n, duplicates=0)
    users["consent"] = True
    links = records.link(users)
    assert links.persons == n
    assert any("nothing to compare" in note for note in links.notes)
    assert records.evaluate(links, users)["value"].isna().all()
    links.plot()
    assert "records" in links._repr_html_() or "record" in links._repr_html_()


def test_nothing_but_missing_values():
    users = table(email=[None] * 4, phone=[None] * 4)
    assert records.link(users).persons == 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda u: records.pairs(u.drop(columns="record")), "missing: record"),
        (lambda u: records.pairs(pd.concat([u, u])), "needs one row a record"),
        (lambda u: records.pairs(u[["record"]]), "recognises no column of record"),
        (
            lambda u: records.pairs(u, fields={"mail": "email"}),
            "fields that are no columns: 'mail'",
        ),
        (lambda u: records.pairs(u, fields={"email": "post"}), "a kind is one of given, family"),
        (lambda u: records.pairs(u, keys=["nickname"]), "cannot make a key of 'nickname'"),
        (lambda u: records.pairs(u, keys=[]), "needs keys as a list"),
        (lambda u: records.pairs(u, most=1), "most as a whole number from 2 up"),
        (
            lambda u: records.pairs(u[["record", "email"]], keys=["names"]),
            "of a given and a family",
        ),
        (lambda u: records.pairs(u.assign(consent="yes")), "needs True, False or a missing value"),
        (lambda u: records.link(u, threshold=0), "threshold as a probability above 0"),
        (lambda u: records.link(u, key=""), "a text or bytes that are not empty"),
        (lambda u: records.link(u.iloc[:0]), "a table with no rows"),
        (lambda u: records.link(u.assign(consent=False)), "left without a record"),
        (lambda u: records.link(u, pairs=u), "needs pairs as a table with the columns left, right"),
        (lambda u: records.link(u, labelled=u), "needs labelled with the columns left, right"),
        (lambda u: records.evaluate(u, u), "missing: user"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(make_user_records(30))


def test_truth_that_lacks_a_record_is_named(users, links):
    with pytest.raises(ValueError, match="needs the person of each linked record"):
        records.evaluate(links, users.iloc[:10])


def test_the_callers_table_is_not_changed():
    users = make_user_records(200)
    before = users.copy(deep=True)
    records.link(users)
    pd.testing.assert_frame_equal(users, before)


def test_text_is_escaped():
    users = table(**{"<b>": ["x", "x"]})
    html = records.pairs(users, fields={"<b>": "exact"})._repr_html_()
    assert "<b>" not in html


MERGED = pd.DataFrame({"record": ["a", "b"], "user": ["u1", "u1"]})
PERSONS = pd.DataFrame({"record": ["a", "b"], "person": ["p", "q"]})


@pytest.mark.parametrize(
    ("merged", "truth", "words"),
    [
        (MERGED.iloc[[0, 0, 1]], PERSONS, "each record once, and links has some more often: 'a'"),
        (MERGED, PERSONS.iloc[[0, 1, 1]], "each record once, and truth has some more often: 'b'"),
        (MERGED, PERSONS.iloc[:1], "the person of each linked record, and truth does not have 'b'"),
        (MERGED.assign(user=["u1", None]), PERSONS, "a user for each record; some have none"),
    ],
)
def test_what_cannot_be_judged_is_told(merged, truth, words):
    with pytest.raises(ValueError, match=r"records\.evaluate\(\) needs") as told:
        records.evaluate(merged, truth)
    assert words in str(told.value)


def test_records_without_a_name_and_two_first_names_are_told():
    people = table(given=["Ann", "Bo"], family=["Lee", "Ray"])
    with pytest.raises(ValueError, match="a name for each record, and 1 row have none"):
        records.pairs(people.assign(record=["a", None]))
    with pytest.raises(ValueError, match="one column of the kind 'given', not more"):
        records.link(people, fields={"given": "given", "family": "given"})
