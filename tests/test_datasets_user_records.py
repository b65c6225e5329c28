"""Simulated users under several ids: the truth is known, and the records look like real ones."""

import numpy as np
import pandas as pd
import pytest

from mlkit.datasets import make_user_records

TEXT = ["given_name", "family_name", "birth_date", "email", "phone", "street", "city"]


@pytest.fixture(scope="module")
def users():
    return make_user_records(6000, rng=1)


def test_columns_and_kinds(users):
    assert list(users) == ["record", *TEXT, "consent", "person"]
    assert users["record"].is_unique
    assert users["consent"].dtype == bool
    assert users[["record", "person", "given_name", "family_name"]].notna().all(axis=None)
    assert 0.92 < users["consent"].mean() < 0.98


@pytest.mark.parametrize(("n", "share"), [(1, 0.0), (1, 0.9), (10, 0.0), (1000, 0.4)])
def test_as_many_records_and_people_as_asked(n, share):
    users = make_user_records(n, duplicates=share)
    assert len(users) == n
    assert users["person"].nunique() == max(1, n - round(share * n))


def test_the_seed_decides_and_the_global_state_does_not_move():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not move
    pd.testing.assert_frame_equal(make_user_records(300, rng=3), make_user_records(300, rng=3))
    assert not make_user_records(300, rng=3).equals(make_user_records(300, rng=4))
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002 - the same state


def test_order_and_record_say_nothing_of_the_person(users):
    first = users.drop_duplicates("person").index.to_series()
    places = np.arange(len(users))
    number = users["person"].str[1:].astype(int)
    assert abs(np.corrcoef(places, number)[0, 1]) < 0.05
    assert first.iloc[-1] > len(users) * 0.9


def test_records_of_one_person_differ_as_the_documentation_says(users):
    pairs = users.merge(users, on="person", suffixes=("", "_other"))
    pairs = pairs[pairs["record"] < pairs["record_other"]]
    same = {name: (pairs[name] == pairs[f"{name}_other"]).mean() for name in TEXT}
    assert 0.2 < same["given_name"] < 0.7
    assert 0.4 < same["family_name"] < 0.8
    assert 0.2 < same["email"] < 0.7
    swapped = pairs["given_name"].str.casefold() == pairs["family_name_other"].str.casefold()
    assert 0.01 < swapped.mean() < 0.10
    moved = pairs["city"].notna() & pairs["city_other"].notna()
    assert 0.05 < (pairs["city"] != pairs["city_other"])[moved].mean() < 0.35
    other = pairs[[f"{name}_other" for name in TEXT]].to_numpy()
    assert (pairs[TEXT].to_numpy() == other).all(axis=1).mean() < 0.1


def test_households_share_an_address_and_are_different_people(users):
    homes = users.groupby(["family_name", "street", "city"])["person"].nunique()
    assert (homes > 1).sum() > 100


def test_short_names_and_missing_fields_are_there(users):
    short = {"Liz", "Beth", "Will", "Bob", "Tom", "Paco", "Lola", "Fritz", "Gosia", "Kasia", "Mo"}
    assert len(short & set(users["given_name"])) >= 6
    missing = users[TEXT].isna().mean()
    assert missing["phone"] == pytest.approx(0.2, abs=0.03)
    assert (missing[["given_name", "family_name"]] == 0).all()


def test_nobody_can_be_reached(users):
    assert users["email"].dropna().str.lower().str.endswith(".example").all()
    assert users["phone"].dropna().str.startswith("000").all()


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "many"])
def test_a_wrong_number_of_records_is_named(n):
    with pytest.raises(ValueError, match=r"make_user_records\(\) needs n as a whole number"):
        make_user_records(n)


@pytest.mark.parametrize("share", [-0.1, 1, 1.5, float("nan"), "half", True])
def test_a_wrong_share_is_named(share):
    with pytest.raises(ValueError, match="needs duplicates as a share from 0 to below 1"):
        make_user_records(10, duplicates=share)
