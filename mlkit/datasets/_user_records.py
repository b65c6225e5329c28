"""Simulated user records: one person under several ids, and the truth of who is who."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mlkit.datasets._arguments import count

_FUNCTION = "make_user_records"


def _words(text: str) -> list[str]:
    return text.split()


# A given name and what friends write instead; after a slash the short forms.
_GIVEN = _words("""
Alexander/Alex/Sasha Elizabeth/Liz/Beth William/Will/Bill Katherine/Kate/Kathy Robert/Rob/Bob
Margaret/Maggie/Peggy Thomas/Tom Samuel/Sam Victoria/Vicky Joseph/Joe Daniel/Dan Jennifer/Jen
Francisco/Paco/Fran José/Pepe María Guadalupe/Lupe Dolores/Lola Ignacio/Nacho Mercedes Lucía
Johannes/Hannes Friedrich/Fritz Ursula/Uschi Jürgen Sebastian/Basti Katharina/Käthe Günther
Anneliese François Geneviève Élodie Jean-Pierre Frédéric/Fred Mathilde Benoît Dominique
Giuseppe/Beppe Francesca/Franca Giovanni/Gianni Alessandra Luigi Chiara Lorenzo Antonella
João Conceição/São Fernanda/Nanda Tiago Beatriz/Bia Rodrigo Inês Gonçalo
Małgorzata/Gosia Katarzyna/Kasia Wojciech/Wojtek Agnieszka/Aga Zbigniew/Zbyszek Łukasz Joanna Paweł
Björn Åsa Linnéa Håkan Ingrid Søren Kirsten Anders
Mehmet Ayşe Mustafa Çiğdem Oğuz Zeynep Emre Gülşen
Muhammad/Mo Fatima Abdullah Khadija Youssef Layla Omar Aisha
Priya Rajesh/Raj Lakshmi Sanjay Anjali Vikram/Vik Deepika Arjun
Wei Xiuying Jian Mei Haoran Lihua Yifan Jing
Nguyệt Thảo Dũng Hương Minh Lan Tuấn Phương
Oluwaseun/Seun Chinedu/Nedu Ngozi Babatunde/Tunde Adaeze/Ada Temitope/Temi Emeka Folake
Yūki Haruto Sakura Kenji Ayumi Takumi Naoko Hiroshi
Dmitri/Dima Anastasia/Nastya Sergei Ekaterina/Katya Mikhail/Misha Olga Ivan Tatiana/Tanya
""")
_FAMILY = _words("""
Smith Jones Taylor Brown Walker Wright Thompson Green O'Connor Murphy Campbell Evans Bennett Hughes
García Martínez López Hernández González Pérez Sánchez Ramírez Núñez Muñoz Ortega Ibáñez
Müller Schmidt Schneider Fischer Weber Schäfer Köhler Bäcker Groß Zimmermann Hoffmann Vogel
Martin Bernard Lefèvre Dubois Moreau Girard Bonnet Mercier Faucheux Rousseau Gauthier Chevalier
Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Gallo Conti D'Angelo
Silva Santos Ferreira Pereira Oliveira Costa Gonçalves Magalhães Araújo Carvalho Simões Brandão
Kowalski Nowak Wiśniewska Wójcik Kamińska Lewandowska Zieliński Dąbrowska Szymański Woźniak
Andersson Johansson Lindström Hansen Sørensen Østergård Nyström Bergqvist Eriksson Jørgensen
Yavuz Kaya Demir Şahin Çelik Öztürk Arslan Doğan Polat Koç
Haddad Mansour Khalil Al-Masri Nasser Saleh Hamdan Aziz Rahman Hussein
Sharma Patel Gupta Singh Iyer Reddy Nair Mukherjee Chatterjee Banerjee Deshpande Joshi
Wang Li Zhang Chen Liu Huang Zhao Zhou Xu Sun Ma Zhu
Nguyễn Trần Lê Phạm Hoàng Vũ Đặng Bùi Đỗ Ngô
Okafor Adeyemi Okonkwo Balogun Eze Nwosu Adebayo Ogunleye Mensah Owusu
Sato Suzuki Takahashi Tanaka Watanabe Itō Yamamoto Nakamura Kobayashi Katō
Ivanov Petrova Sidorov Volkova Popov Smirnova Kuznetsov Sokolova Morozov Lebedeva
""")
_STREETS = _words("""
Mill Church Station Garden Park River Oak Hill Bridge Market School Orchard Harbour Linden Castle
Elm Chapel Meadow North South Maple Quarry Forge Windmill Abbey Willow Saddler Tanner
Weaver Fountain Copper Lantern Juniper Falcon Heron Amber Canal Bakers Coopers Poplar
""")
_KINDS = ["Street", "Road", "Lane", "Avenue", "Close", "Way"]
# Towns and mail domains that are nowhere.
_CITIES = _words("""
Northwick Eastvale Saltmarsh Kingsford Lower-Ambry Port-Selwyn Ashcombe Brindle Upper-Ambry
Westhaven Millbrook-on-Sea Stonebeck Fernhollow Grayling Oldcastle Newbridge-Hythe Tallis Wrenfield
Dunmarrow Corvale
""")
_MAILS = ["post.example", "mail.example", "inbox.example", "letter.example", "swift.example"]
_PLAIN = str.maketrans("łŁøØđĐß\u0131æœ", "lLoOdDsiao")
_FIELDS = ["given_name", "family_name", "birth_date", "email", "phone", "street", "city"]
_MISSING = {"birth_date": 0.10, "email": 0.10, "phone": 0.20, "street": 0.12, "city": 0.05}


def make_user_records(
    n: int = 2_000, *, duplicates: float = 0.3, rng: int | np.random.Generator | None = 0
) -> pd.DataFrame:
    """Simulated: records of users as several sign-up forms leave them. Nobody of them exists.

    Which records are one person? A person has one record or more, and a further one differs as
    life and keyboards make it: typing errors, a short name, given and family name swapped, lost
    accents, a move, another mail address, missing fields. People of one household share family
    name, address and often the telephone, and are still different people.

    Parameters
    ----------
    n : records.
    duplicates : share of the records that are a further record of a person (below 1).

    Returns
    -------
    DataFrame
        ``record`` (text, in no order), ``given_name, family_name, birth_date`` (ISO), ``email,
        phone, street, city`` (text; missing where not given), ``consent`` (Boolean: to being
        merged; asked with each record), ``person``: the truth, which no real table has.

    Raises ValueError for an ``n`` that is no whole number from 1 up, or other ``duplicates``.

    Examples
    --------
    >>> users = make_user_records(1000, duplicates=0.25)
    >>> len(users), users["person"].nunique()
    (1000, 750)
    """
    n = count(n, "n", function=_FUNCTION)
    number = isinstance(duplicates, int | float | np.number) and not isinstance(duplicates, bool)
    if not (number and 0 <= duplicates < 1):
        raise ValueError(
            f"{_FUNCTION}() needs duplicates as a share from 0 to below 1; got {duplicates!r}."
        )
    rng = np.random.default_rng(rng)
    persons = max(1, n - round(duplicates * n))
    people = _people(persons, rng)
    # Further records fall on people unevenly: a few come back again and again.
    eager = rng.gamma(1.0, size=persons)
    person = np.concatenate(
        [np.arange(persons), rng.choice(persons, n - persons, p=eager / eager.sum())]
    )
    records = people.iloc[person].reset_index(drop=True)
    further = np.arange(n) >= persons
    _live(records, further, rng)
    _type(records, further, rng)
    for name, share in _MISSING.items():
        records.loc[rng.random(n) < share, name] = None
    records["consent"] = rng.random(n) < 0.95
    width = len(str(n))
    records["person"] = [f"p{number:0{width}}" for number in person]
    records = records.iloc[rng.permutation(n)].reset_index(drop=True)
    records.insert(0, "record", [f"r{number:0{width}}" for number in range(n)])
    return records.astype(dict.fromkeys(["record", *_FIELDS, "person"], "str"))


def _people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row a person, as they would fill in the form on a good day."""
    given, family = [name.split("/")[0] for name in _GIVEN], _FAMILY
    # About one person in five lives with somebody who comes earlier in the table.
    home, joins = np.arange(n), rng.random(n) < 0.2
    joins[0] = False
    home[joins] = rng.integers(0, np.flatnonzero(joins)) if joins.any() else []
    home = home[home]  # who joins somebody who joined lives where that one lives, once removed
    days = rng.integers(0, 365 * 62, n)
    born = (np.datetime64("1944-01-01") + days).astype(str)
    people = pd.DataFrame(
        {
            "given_name": _drawn(given, n, rng),
            "family_name": _drawn(family, n, rng)[home],
            "birth_date": born,
        }
    )
    people["email"] = _emails(people, rng)
    phone, street, city = _phones(n, rng), _addresses(n, rng), _drawn(_CITIES, n, rng)
    shared = rng.random(n) < 0.5
    people["phone"] = np.where(shared, phone[home], phone)
    people["street"], people["city"] = street[home], city[home]
    return people


def _drawn(values: list[str], n: int, rng: np.random.Generator) -> np.ndarray:
    """Some are common and many are rare, the k-th like 1/sqrt(k), in a fixed mixed order."""
    order = np.random.default_rng(len(values)).permutation(len(values))
    share = 1 / np.sqrt(1 + np.arange(len(values)))
    chosen = order[rng.choice(len(values), n, p=share / share.sum())]
    return np.asarray(values, object)[chosen]


def _plain(text: str) -> str:
    """Without accents, as keyboards of other languages leave it."""
    import unicodedata

    letters = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _emails(people: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    n = len(people)
    kind, figure, domain = rng.integers(0, 4, n), rng.integers(1, 10**5, n), rng.integers(0, 5, n)
    rows = zip(people["given_name"], people["family_name"], people["birth_date"], strict=True)
    mails = []
    for row, (given, family, born) in enumerate(rows):
        one, other = (_plain(name).lower().replace("'", "") for name in (given, family))
        name = (
            f"{one}.{other}{figure[row] % 1000}",
            f"{one[0]}{other}{born[2:4]}{figure[row] % 1000}",
            f"{one}{figure[row]}",
            f"{other}.{one}{figure[row] % 1000}",
        )[kind[row]]
        mails.append(f"{name}@{_MAILS[domain[row]]}")
    return mails


def _phones(n: int, rng: np.random.Generator) -> np.ndarray:
    # No telephone number begins with three zeros.
    figures = rng.integers(0, 10**7, n)
    return np.asarray([f"000 {f // 10**4:03} {f % 10**4:04}" for f in figures], object)


def _addresses(n: int, rng: np.random.Generator) -> np.ndarray:
    house, street = rng.integers(1, 180, n), rng.choice(_STREETS, n)
    kind = rng.choice(_KINDS, n)
    rows = zip(house, street, kind, strict=True)
    return np.asarray([f"{a} {b} {c}" for a, b, c in rows], object)


def _live(records: pd.DataFrame, further: np.ndarray, rng: np.random.Generator) -> None:
    """What changes in a life between two forms, in place."""
    n = len(records)
    moved = further & (rng.random(n) < 0.2)
    records.loc[moved, "street"] = _addresses(n, rng)[moved]
    far = moved & (rng.random(n) < 0.6)
    records.loc[far, "city"] = _drawn(_CITIES, n, rng)[far]
    renamed = further & (rng.random(n) < 0.03)
    records.loc[renamed, "family_name"] = _drawn(_FAMILY, n, rng)[renamed]
    mail = further & (rng.random(n) < 0.35)
    records.loc[mail, "email"] = np.asarray(_emails(records[mail], rng), object)
    phone = further & (rng.random(n) < 0.2)
    records.loc[phone, "phone"] = _phones(n, rng)[phone]


def _type(records: pd.DataFrame, further: np.ndarray, rng: np.random.Generator) -> None:
    """What a hand at a keyboard makes of it, in place."""
    short = {name.split("/")[0]: name.split("/")[1:] for name in _GIVEN}

    def friendly(name: str) -> str:
        return str(rng.choice(short[name])) if short.get(name) else name

    def mistyped(text: str) -> str:
        return _typo(text, rng)

    def mail_mistyped(mail: str) -> str:
        name, domain = mail.split("@")  # a slip in the domain could make it somebody's
        return f"{_typo(name, rng)}@{domain}"

    def turned(date: str) -> str:
        year, month, day = date.split("-")
        return f"{year}-{day}-{month}" if int(day) <= 12 else date

    def figure(date: str) -> str:
        place = int(rng.choice([3, 6, 9]))
        return date[:place] + str(rng.integers(0, 3)) + date[place + 1 :]

    changes: list[tuple[str, float, Callable[[str], str]]] = [
        ("given_name", 0.25, friendly),
        ("given_name", 0.08, mistyped),
        ("family_name", 0.10, mistyped),
        ("street", 0.10, mistyped),
        ("email", 0.04, mail_mistyped),
        ("birth_date", 0.03, turned),
        ("birth_date", 0.03, figure),
        *((name, 0.15, _plain) for name in ("given_name", "family_name")),
        *((name, 0.06, str.upper) for name in ("given_name", "family_name", "street")),
        *((name, 0.06, str.lower) for name in ("given_name", "family_name", "email")),
        ("phone", 0.3, lambda phone: phone.replace(" ", "")),
        ("street", 0.2, lambda street: street.replace("Street", "St").replace("Road", "Rd")),
    ]
    for name, share, change in changes:
        chosen = further & (rng.random(len(records)) < share)
        records.loc[chosen, name] = [change(value) for value in records.loc[chosen, name]]
    swapped = further & (rng.random(len(records)) < 0.04)
    both: Any = ["given_name", "family_name"]
    records.loc[swapped, both] = records.loc[swapped, both[::-1]].to_numpy()


def _typo(text: str, rng: np.random.Generator) -> str:
    """One slip of the fingers: two letters turned, one lost, doubled, or its neighbour struck."""
    place = int(rng.integers(0, len(text)))
    before, letter, after = text[:place], text[place], text[place + 1 :]
    kind = int(rng.integers(0, 4))
    if kind == 0 and after:
        return before + after[0] + letter + after[1:]
    if kind == 1 and len(text) > 2:
        return before + after
    if kind == 2:
        return before + letter + letter + after
    keys = "qwertyuiopasdfghjklzxcvbnm"
    near = keys.find(letter.lower())
    struck = keys[(near + 1) % len(keys)] if near >= 0 else letter
    return before + struck + after
