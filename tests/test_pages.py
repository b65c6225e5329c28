"""A page is one file: whole, escaped, the same each time, and it loads and runs nothing."""

import base64
import datetime
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import mlkit.exercises
from mlkit import baselines, lineage, pages, slices

PREDICTIONS = pd.DataFrame(
    {
        "item": ["a", "b", "c", "d"],
        "label": ["<script>alert(1)</script>", "ham", "ham", "ham"],
        "prediction": ["ham", "ham", "ham", "<script>alert(1)</script>"],
    }
)


class Shows:
    """A result that shows itself."""

    def __init__(self, html):
        self.html = html

    def _repr_html_(self):
        return self.html


class Read(HTMLParser):
    """Reads a page as a browser would: tags with their attributes, and the text between."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.inside = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self.inside:
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def page(tmp_path):
    def make(*parts, **also):
        path = pages.write(tmp_path / "page.html", title="Audit", parts=list(parts), **also)
        return path.read_text(encoding="utf-8")

    return make


def plot(alt="Two points that rise.", n=2):
    ax = Figure(figsize=(3, 2)).add_subplot()
    ax.plot(np.linspace(0, 1, n), np.sin(np.arange(n)), "o")
    return pages.describe(ax, alt) if alt else ax


def sources(html):
    return [attrs["src"] for attrs in Read(html).all("img")]


class TestParts:
    def test_text_becomes_paragraphs_and_lists_lines(self, page):
        html = page("One.\n\nTwo,\nbroken.", ["first", "second"])
        assert "<p>One.</p><p>Two,<br>broken.</p><ul><li>first</li><li>second</li></ul>" in html

    def test_sections_nest_and_are_listed_when_there_are_many(self, page):
        html = page(("A", "x", ("B", "y", ("C", "z"))), ("D", "x"), ("E", "x"))
        assert re.findall(r"<h([1-4])[^>]*>(\w+)", html) == [
            *[("1", "Audit"), ("2", "A"), ("3", "B"), ("4", "C"), ("2", "D"), ("2", "E")],
            ("2", "About"),
        ]
        links = [a["href"] for a in Read(html).all("a")]
        assert links == ["#section-1", "#section-2", "#section-3"]
        assert all(f'id="{link[1:]}"' in html for link in links)

    def test_two_sections_need_no_list_of_contents(self, page):
        assert "<nav" not in page(("A", "x"), ("B", "x"))

    def test_a_table_has_headings_for_rows_and_columns(self, page):
        table = pd.DataFrame({"n": [3, 4]}, index=pd.Index(["ham", "spam"], name="class"))
        read = Read(page(table))
        assert [th.get("scope") for th in read.all("th")] == ["col", "col", "row", "row"]
        assert "class how many ham 3 spam 4" in read.text

    def test_a_heading_without_a_word_is_none(self, page):
        html = page(pd.DataFrame({"n": [3]}, index=["ham"]))
        assert "<td></td><th" in html
        assert not re.search(r"<th[^>]*></th>", html)

    def test_a_table_moves_sideways_by_keys_and_has_a_name_of_its_own(self, page):
        html = page(pd.DataFrame({"n": [1]}), pd.DataFrame({"n": [2]}))
        names = [d["aria-label"] for d in Read(html).all("div") if d.get("tabindex") == "0"]
        assert len(set(names)) == len(names) == 2

    @pytest.mark.parametrize(
        ("values", "shown"),
        [
            ([0.5, 0.25], ["0.50", "0.25"]),
            ([1 / 3, 2.0], ["0.333", "2.000"]),
            ([1.0, float("nan")], ["1", "—"]),
            ([0.00123, -0.0045], ["0.00123", "-0.00450"]),
            ([float("inf"), 1.5], ["inf", "1.5"]),
            ([2026, 3], ["2026", "3"]),
            ([True, False], ["yes", "no"]),
            (pd.array([True, None], dtype="boolean"), ["yes", "—"]),
            (pd.array([0.5, None], dtype="Float64"), ["0.5", "—"]),
            (["a", None], ["a", "—"]),
            ([("x", 1), [1, 2]], ["x / 1", "[1, 2]"]),
            ([pd.Timestamp("2026-11-21"), pd.NaT], ["2026-11-21 00:00:00", "—"]),
        ],
    )
    def test_values_are_shown_as_one_writes_them(self, page, values, shown):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", page(pd.DataFrame({"v": values})))
        assert cells == shown

    def test_several_levels_of_headings_become_one(self, page):
        wide = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "low")]))
        wide.index = pd.MultiIndex.from_tuples([("x", "y")], names=["who", "where"])
        text = Read(page(wide)).text
        assert "who / where a / low x / y 1" in text

    @pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame({"n": []})])
    def test_an_empty_table_says_so(self, page, table):
        assert "(no rows)" in page(table)

    def test_a_series_is_a_table(self, page):
        assert "share a 1" in Read(page(pd.Series([1.0], index=["a"], name="share"))).text
        assert "value a 1" in Read(page(pd.Series([1.0], index=["a"]))).text

    def test_headings_are_words_and_name_the_ends_of_an_interval(self, page):
        table = pd.DataFrame([[0.5, 0.4, 0.6, 3, 1, 2]])
        names = ["by_item", "by_item_low", "by_item_high", "n", "too_low", "high"]
        text = Read(page(table.set_axis(names, axis=1))).text
        assert "by item by item, from by item, to how many too low high" in text

    def test_the_table_given_is_not_changed(self, page):
        table = pd.DataFrame({"n": [0.123456]}, index=["a"])
        before = table.copy()
        page(table)
        pd.testing.assert_frame_equal(table, before)

    def test_results_of_the_package_show_themselves(self, page):
        members = slices.memberships(PREDICTIONS, columns="label")
        report = slices.report(PREDICTIONS, members)
        text = Read(page(report, baselines.published(0.9, 100, source="Ann <b>"))).text
        assert "label = <script>alert(1)</script>" in text
        assert "Ann <b>" in text


class TestPictures:
    def test_axes_and_figure_are_the_same_picture_with_its_text(self, page):
        ax = plot('Rises, "steeply" <so>.')
        html = page(ax, ax.figure)
        first, second = Read(html).all("img")
        assert first == second
        assert first["alt"] == 'Rises, "steeply" <so>.'
        svg = base64.b64decode(first["src"].removeprefix("data:image/svg+xml;base64,"))
        assert b"</svg>" in svg

    def test_a_cloud_of_points_becomes_pixels(self, page):
        (source,) = sources(page(plot(n=20_000)))
        assert source.startswith("data:image/png;base64,")
        assert base64.b64decode(source.split(",")[1])[:4] == b"\x89PNG"

    @pytest.mark.parametrize("alt", ["", "   "])
    def test_a_picture_without_a_text_is_refused(self, page, alt):
        ax = plot("words")
        ax.figure.set_label(alt)
        words = "the picture in part 1, part 2 of 'Costs' has no text for people who do not see it"
        with pytest.raises(ValueError, match=words):
            page(("Costs", "text", ax))

    def test_a_part_of_a_figure_stands_for_the_whole(self, page):
        figure = Figure()
        inner, _ = figure.subfigures(1, 2)
        inner.add_subplot().plot([1, 2])
        figure.set_label("Two halves.")
        assert len(sources(page(inner))) == 1

    def test_pyplot_figures_are_taken_and_stay_open(self, page):
        plt = pytest.importorskip("matplotlib.pyplot")
        figure, ax = plt.subplots()
        pages.describe(ax, "Nothing in it.")
        page(ax)
        assert plt.fignum_exists(figure.number)
        plt.close(figure)

    def test_describe_is_one_and_the_same_everywhere(self):
        assert pages.describe is mlkit.exercises.describe


class TestNothingIsLoadedOrRun:
    HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"

    def test_text_is_never_html(self, page):
        bad = self.HOSTILE
        table = pd.DataFrame({bad: [bad]}, index=pd.Index([bad], name=bad))
        html = page(bad, [bad], (bad, bad), (bad, table), (bad, plot(bad)), data={bad: "0" * 64})
        read = Read(html)
        assert not read.all("script")
        assert [img["alt"] for img in read.all("img")] == [bad]
        # Text, line, three headings, their links, a paragraph, four in the table, and the data.
        assert read.text.count("<script>alert(1)</script>") == 14

    def test_title_date_and_language_too(self, tmp_path):
        bad = self.HOSTILE
        path = pages.write(tmp_path / "p.html", title=bad, parts=["x"], date=bad, lang=bad)
        read = Read(path.read_text(encoding="utf-8"))
        assert not read.all("script")
        assert not read.all("img")
        assert read.all("html") == [{"lang": bad}]

    @settings(
        deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.text(min_size=1))
    def test_whatever_the_text_the_page_has_the_same_tags(self, tmp_path, text):
        def tags(words):
            table = pd.DataFrame({"v": [words]})
            path = pages.write(tmp_path / "p.html", title="t", parts=[("h", [words], table)])
            return Read(path.read_text(encoding="utf-8")).tags

        assert tags(text) == tags("harmless")

    def test_characters_that_no_page_may_hold_are_replaced(self, page):
        assert "<p>a\ufffdb\ufffd\ufffdc</p>" in page("a\x00b\ud800\x1bc")

    @pytest.mark.parametrize(
        ("html", "words"),
        [
            ("<script>1</script>", "shows itself with <script>"),
            ("<IFRAME src='data:,'></IFRAME>", "shows itself with <iframe>"),
            ("<link rel=stylesheet href=//a.b/c>", "shows itself with <link>"),
            ("<b onclick='x()'>b</b>", "would run a program \\(onclick=\\)"),
            ("<svg><image href='https://a.b/c.png'/></svg>", "would load 'https://a.b/c.png'"),
            ("<img alt=a src='//a.b/c.png'>", "would load '//a.b/c.png'"),
            ("<img alt=a src='c.png'>", "would load 'c.png'"),
            ("<img alt=a srcset='c.png 2x'>", "would load 'c.png 2x'"),
            ("<a href=' java\nscript:x()'>b</a>", "has a link that runs a program"),
            ("<b style='background: url(https://a.b)'>b</b>", "a style that would load something"),
            ("<style>@import 'a.css';</style>", "a style that would load something"),
            ("<style>b {background: u\\72l(//a.b)}</style>", "a style that would load something"),
            ("<img src='data:,'>", "its <img> needs alt"),
            ("<img src='data:,' alt=' '>", "its <img> needs alt"),
            ("<div>", "does not open and close <div> in turn"),
            ("</section><section>", "closes <section> before it opens it"),
            ("<b>x</b><!-- ", "does not open and close a comment in turn"),
        ],
    )
    def test_a_result_that_would_is_refused(self, page, html, words):
        with pytest.raises(ValueError, match=rf"part 1 \(a Shows\) .*{words}"):
            page(Shows(html))

    @pytest.mark.parametrize(
        "html",
        [
            "<p>one<p>two<br><ul><li>a<li>b</ul>",
            "<img alt='a dot' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
            "<a href='https://example.org/paper'>a paper</a> <a href='#here'>here</a>",
            "<table><tr><td style='text-align: left'>x</table>",
            "<style>td {color: red}</style><!-- a word -->",
        ],
    )
    def test_a_result_that_does_not_is_shown_as_it_is(self, page, html):
        assert html in page(Shows(html))

    def test_nothing_is_fetched_even_by_what_slipped_through(self, page):
        (policy,) = [m for m in Read(page("x")).all("meta") if "http-equiv" in m]
        assert policy["content"].startswith("default-src 'none'; img-src data:;")

    def test_no_address_stands_in_a_whole_page(self, page):
        members = slices.memberships(PREDICTIONS, columns="label")
        report = slices.report(PREDICTIONS, members)
        html = page("text", ("a", PREDICTIONS), report, plot(), plot(n=20_000), date="2026-11-21")
        loads = [v for _, at in Read(html).tags for k, v in at.items() if k in ("src", "href")]
        assert loads
        assert all(value.startswith(("data:", "#")) for value in loads)
        assert "//" not in re.sub(r"base64,[\w+/=]+", "", html).replace("*//", "")


class TestTheSameEachTime:
    def test_bytes_do_not_change_with_the_clock(self, tmp_path):
        def write(name):
            members = slices.memberships(PREDICTIONS, columns="label")
            parts = [plot(), slices.report(PREDICTIONS, members), plot("Another one.", n=30)]
            return pages.write(tmp_path / name, title="t", parts=parts).read_bytes()

        assert write("a.html") == write("b.html")

    def test_a_page_that_fails_leaves_the_old_one(self, tmp_path):
        path = pages.write(tmp_path / "p.html", title="t", parts=["old"])
        with pytest.raises(TypeError):
            pages.write(path, title="t", parts=["new", object()])
        assert "old" in path.read_text(encoding="utf-8")
        assert [each.name for each in tmp_path.iterdir()] == ["p.html"]

    def test_what_it_rests_on_is_told_when_it_is_given(self, page, tmp_path):
        (tmp_path / "data.csv").write_bytes(b"a,b\n")
        of_table = lineage.content_hash(PREDICTIONS)
        text = Read(
            page(
                "x",
                date=datetime.date(2026, 11, 21),
                data={"messages": of_table, "rows": tmp_path / "data.csv"},
                versions=["scikit-learn"],
            )
        ).text
        assert "Date: 2026-11-21" in text
        assert f"Data: messages, SHA-256 {of_table}" in text
        assert f"Data: rows, SHA-256 {hashlib.sha256(b'a,b' + bytes([10])).hexdigest()}" in text
        assert re.search(r"scikit-learn \d+\.\d+", text)

    def test_no_date_is_made_up(self, page):
        text = Read(page("x")).text
        assert "Date" not in text
        assert str(datetime.datetime.now().year) not in text


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (None, "part 1 is None; a part is text"),
        (3.5, "part 1 is a float; a part is text"),
        ({"a": 1}, "part 1 is a dict"),
        (Shows, "part 1 is a type"),
        (Shows(None), "part 1 is a Shows"),
        (np.zeros(3), "part 1 is a ndarray"),
        ((), "is a tuple, and that is a section"),
        (("Costs",), "a heading and at least one part"),
        ((" ", "x"), "a heading and at least one part"),
        ((1, "x"), "a heading and at least one part"),
        ([], "holds nothing"),
        (["a", 1], "holds a int"),
        (("A", ("B", {})), "part 1, part 1 of 'A', part 1 of 'B' is a dict"),
    ],
)
def test_another_kind_of_part_is_named_with_its_place(page, part, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        page(part)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"title": " "}, ValueError, "needs a title with a word in it"),
        ({"parts": "text"}, TypeError, "needs parts as a list"),
        ({"parts": []}, TypeError, "needs parts as a list"),
        ({"parts": [("a", ("b", ("c", ("d", "x"))))]}, ValueError, "at most 3"),
        ({"parts": [pd.DataFrame({"a": range(1001)})]}, ValueError, "has 1,001 rows"),
        ({"data": {"m": "nowhere.csv"}}, ValueError, r"data['m'] is a file's path or a hash"),
        ({"data": {"m": PREDICTIONS}}, ValueError, "lineage.content_hash(table)"),
        (
            {"versions": ["no-such-package"]},
            ValueError,
            "'no-such-package', which is not installed",
        ),
    ],
)
def test_bad_input_is_told_in_one_sentence(tmp_path, change, error, words):
    with pytest.raises(error, match=re.escape(words)):
        pages.write(tmp_path / "p.html", **({"title": "t", "parts": ["x"]} | change))
    assert not (tmp_path / "p.html").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*work"):
        pages.write(tmp_path / "work/p.html", title="t", parts=["x"])
