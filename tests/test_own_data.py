"""One's own data: told apart, read to the end, and each thing left out with its reason."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

import messy
from mlkit import augment, datasets, features, splits


def tone(path, hz, seconds=0.3, rate=8000, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    soundfile.write(path, wave, rate, **how)


def two_classes(folder):
    for number in range(3):
        tone(folder / f"low/{number}.wav", 200 + 300 * number)
        tone(folder / f"high/{number}.wav", 1500 + 300 * number)
    return folder


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def reasons(own):
    return dict(zip(own.skipped["where"], own.skipped["why"], strict=True))


@pytest.fixture(params=list(messy.KINDS))
def mess(request, tmp_path):
    return messy.KINDS[request.param](tmp_path / "my data")


class TestMess:
    def test_what_is_left_out_and_why_is_exactly_right(self, mess):
        own = datasets.read_own(mess.path, progress=False)
        found = reasons(own)
        assert set(found) == set(mess.skipped)
        wrong = {k: found[k] for k, why in mess.skipped.items() if not found[k].startswith(why)}
        assert wrong == {}
        assert own.skipped["do"].str.len().min() > 8
        assert own.skipped["where"].is_unique

    def test_nothing_disappears(self, mess):
        own = datasets.read_own(mess.path, progress=False)
        assert own.n == len(own.table) == mess.kept
        assert own.found == own.n + len(own.skipped)
        if mess.path.is_dir():
            files = [p for p in mess.path.rglob("*") if p.is_file()]
            assert own.found == len(files)
        else:
            text = mess.path.read_bytes().decode("utf-8-sig" if mess.kind == "row" else "latin-1")
            title = mess.kind == "text"  # one line above the names, told as left out
            assert own.found == len(text.splitlines()) - 1
            assert ("row 1" in reasons(own)) == title

    def test_kind_classes_remarks_and_notes(self, mess):
        own = datasets.read_own(mess.path, progress=False)
        assert own.kind == mess.kind
        assert set(own.table["label"]) == mess.classes
        remarks = own.table.set_index("item")["remark"]
        assert {k: remarks[k] for k, part in mess.remarks.items() if part not in remarks[k]} == {}
        assert [part for part in mess.notes if not any(part in note for note in own.notes)] == []
        assert f"'{mess.few}' has 2 items" in " ".join(own.notes)

    def test_alike_items_and_those_of_one_person_share_a_group(self, mess):
        table = datasets.read_own(mess.path, progress=False).table.set_index("item", drop=False)
        for item, remark in mess.remarks.items():
            if "same" in remark:
                remark = table.loc[item, "remark"].partition(";")[0]
                other = remark.partition(" as ")[2].removesuffix(", another class")
                assert item in table.loc[other, "remark"]  # said on both sides
                assert table.loc[item, "group"] == table.loc[other, "group"]
        parts = table.assign(split=splits.split(table, by="label", group="group"))
        assert splits.crossing(parts, group="group").empty

    def test_all_that_is_kept_goes_through_the_features(self, mess):
        own = datasets.read_own(mess.path, progress=False)
        if own.inputs == ("path",):
            make = features.mfcc if own.kind == "sound" else features.hog_colour
            assert np.isfinite(make(own.table["path"], progress=False)).all()
        else:
            assert set(own.inputs) <= set(own.table.columns)

    def test_nothing_is_changed_and_twice_is_the_same(self, mess):
        root = mess.path if mess.path.is_dir() else mess.path.parent
        before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
        one, two = (datasets.read_own(mess.path, progress=False) for _ in range(2))
        assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before
        pd.testing.assert_frame_equal(one.table, two.table)
        pd.testing.assert_frame_equal(one.skipped, two.skipped)

    def test_it_shows_itself(self, mess):
        own = datasets.read_own(mess.path, progress=False)
        html = own._repr_html_()
        assert f"{own.n:,} of {own.found:,} can be used" in html
        assert "Left out because" in html
        counts = [int(n) for n in re.findall(r'<td style="text-align: right">([\d,]+)</td>', html)]
        assert sum(counts) == len(own.skipped)
        assert '<td style="text-align: left"></td>' not in html
        figure = own.plot().figure
        assert f"left out {len(own.skipped)}" in figure.get_label()


def test_messy_sounds_and_pictures_can_be_copied_and_shown(tmp_path):
    from mlkit.widgets import _media

    change = [(augment.audio.change_gain, {"gain_db": (-6, 0)}, 1.0)]
    look = [(augment.image.change, {"situation": ["lighting"], "strength": (0.0, 0.5)}, 1.0)]
    for kind, pipeline in (("sounds", change), ("pictures", look)):
        own = datasets.read_own(messy.KINDS[kind](tmp_path / kind).path, progress=False)
        made = augment.batch.write(own.table, tmp_path / f"{kind} made", pipeline=pipeline,
                                   progress=False)  # fmt: skip
        assert len(made) == own.n
        how = _media.renderer(own.table, "path", function="test")
        shown = [_media.render(row, how).head for _, row in own.table.iterrows()]
        assert [head for head in shown if head["kind"] == "broken"] == []


def test_reasons_of_one_kind_are_counted_together(tmp_path):
    lines = ["text,label", "a b,x", "c d,y", "1,2,3", "1,2,3,4", "1"]
    own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
    assert re.findall(r'left">([^<]*fields[^<]*)<.*?right">(\d)', own._repr_html_()) == [
        ("more fields than columns", "2"),
        ("fewer fields than columns", "1"),
    ]


def test_names_of_files_are_escaped(tmp_path):
    two_classes(tmp_path)
    (tmp_path / "low/<img src=x>.wav").touch()
    html = datasets.read_own(tmp_path, progress=False)._repr_html_()
    assert "&lt;img src=x&gt;" in html
    assert "<img" not in html


class TestFolders:
    def test_a_folder_of_one_folder_is_gone_through(self, tmp_path):
        two_classes(tmp_path / "download/archive-main")
        own = datasets.read_own(tmp_path / "download", progress=False)
        assert set(own.table["label"]) == {"low", "high"}
        assert any("'archive-main'" in note for note in own.notes)

    def test_train_and_test_are_no_classes(self, tmp_path):
        two_classes(tmp_path / "train")
        tone(tmp_path / "test/low/9.wav", 900)
        tone(tmp_path / "test/high/9.wav", 2900)
        own = datasets.read_own(tmp_path, progress=False)
        assert set(own.table["label"]) == {"low", "high"}
        assert own.n == 8
        assert any("taken for splits" in note for note in own.notes)

    def test_a_list_beside_the_files(self, tmp_path):
        for number in range(6):
            tone(tmp_path / f"clips/{number}.wav", 200 + 300 * number)
        write(tmp_path / "list.csv", "file;class;room;level\n" + "\n".join([
            "clips\\0.wav;low;a;1,5", "clips/1.wav;low;a;2,5", "clips/2.WAV;low;b;3",
            "4.wav;high;b;4,25", "clips/4.wav;low;b;1", "gone.wav;high;b;1", "clips/3.wav;;b;1",
            "clips/3.wav;high;b;1",
        ]))  # fmt: skip
        own = datasets.read_own(tmp_path / "list.csv", progress=False)
        assert own.table["label"].tolist() == ["low", "low", "low", "high", "high"]
        assert own.table["level"].tolist() == [1.5, 2.5, 3.0, 4.25, 1.0]
        assert reasons(own) == {
            "row 6": "lists 'clips/4.wav' again, as row 5 does, there as 'high', here as 'low'",
            "row 7": "there is no file 'gone.wav'",
            "row 8": "no label",
            "clips/5.wav": "not in the list",
        }
        # The folder that holds the list is the same data set.
        same = datasets.read_own(tmp_path, progress=False)
        pd.testing.assert_frame_equal(same.table, own.table)

    def test_a_list_without_classes_leaves_them_to_the_folders(self, tmp_path):
        two_classes(tmp_path)
        lines = [f"{p.relative_to(tmp_path)},{p.stat().st_size}" for p in tmp_path.rglob("*.wav")]
        write(tmp_path / "files.csv", "\n".join(["file,bytes", *lines]))
        own = datasets.read_own(tmp_path, progress=False)
        assert set(own.table["label"]) == {"low", "high"}
        assert reasons(own) == {"files.csv": "a table that lists no files with a label"}

    def test_two_lists_ask_which(self, tmp_path):
        two_classes(tmp_path)
        for name in ("a.csv", "b.csv"):
            write(tmp_path / name, "file,label\nlow/0.wav,x\nhigh/0.wav,y\n")
        with pytest.raises(ValueError, match=r"several tables.*'a.csv', 'b.csv'"):
            datasets.read_own(tmp_path)

    def test_a_device_that_gives_the_class_away_is_told(self, tmp_path):
        for number in range(6):
            tone(tmp_path / f"low/{number}.wav", 200 + 90 * number)
            tone(tmp_path / f"high/{number}.wav", 1500 + 90 * number, rate=16000)
        own = datasets.read_own(tmp_path, progress=False)
        told = [note for note in own.notes if "device" in note]
        assert len(told) == 2
        assert "All of the class 'high', and no other, have rate in Hz 16000" in " ".join(told)

    def test_names_that_look_alike_are_asked_about_and_left(self, tmp_path):
        two_classes(tmp_path)
        tone(tmp_path / "highs/0.wav", 2500)
        own = datasets.read_own(tmp_path, progress=False)
        assert set(own.table["label"]) == {"low", "high", "highs"}
        assert any("Are 'high' and 'highs' one class?" in note for note in own.notes)

    def test_a_recording_of_unknown_length_is_whole(self, tmp_path):
        two_classes(tmp_path)
        path = tmp_path / "low/0.wav"
        data = bytearray(path.read_bytes())
        at = data.index(b"data")
        data[at + 4 : at + 8] = b"\xff\xff\xff\xff"  # as a program that writes into a pipe does
        path.write_bytes(data)
        assert datasets.read_own(tmp_path, progress=False).n == 6

    def test_near_copies_at_another_rate_and_softer_stay_together(self, tmp_path):
        import soxr

        rng = np.random.default_rng(0)
        for number in range(8):
            wave = rng.normal(size=4000) * np.exp(-np.arange(4000) / rng.uniform(300, 3000))
            wave = np.convolve(wave, rng.normal(size=20), "same")
            for label in ("a", "b"):
                (tmp_path / label).mkdir(exist_ok=True)
            name = tmp_path / "ab"[number % 2] / f"{number}.wav"
            soundfile.write(name, wave / np.abs(wave).max() / 2, 8000, subtype="FLOAT")
        wave, _ = soundfile.read(tmp_path / "a/0.wav")
        soundfile.write(tmp_path / "b/again.wav", soxr.resample(wave, 8000, 22050) * 0.7, 22050)
        table = datasets.read_own(tmp_path, progress=False).table.set_index("item")
        assert table.loc["b/again.wav", "group"] == table.loc["a/0.wav", "group"]
        assert table.loc["b/again.wav", "remark"] == "nearly the same as a/0.wav, another class"
        assert table["group"].nunique() == 8

    def test_too_many_files_to_compare_are_told(self, tmp_path, monkeypatch):
        for number in range(4):
            (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
            wave = np.random.default_rng(number).normal(size=4000) / 10
            soundfile.write(tmp_path / "ab"[number % 2] / f"{number}.wav", wave, 8000)
        said = "at most 3 are compared"
        assert not [n for n in datasets.read_own(tmp_path, progress=False).notes if said in n]
        monkeypatch.setattr("mlkit.datasets._own_classes._MOST_COMPARED", 3)
        notes = datasets.read_own(tmp_path, progress=False).notes
        (note,) = [one for one in notes if said in one]
        assert note.startswith("Files that are nearly the same were not looked for: there are 4")

    def test_the_original_is_kept_and_not_what_is_called_a_copy(self, tmp_path):
        two_classes(tmp_path)
        again = {"low/0 (1).wav": "0", "low/Kopie von 1.wav": "1", "low/copy of 2.wav": "2",
                 "low/2 - Kopie.wav": "2", "high/again.wav": "../high/0"}  # fmt: skip
        for name, first in again.items():
            (tmp_path / name).write_bytes((tmp_path / f"low/{first}.wav").read_bytes())
        own = datasets.read_own(tmp_path, progress=False)
        assert set(own.skipped["where"]) == set(again)

    def test_people_who_count_as_one_are_named(self, tmp_path):
        for number, who in enumerate(("ann", "bob", "cy", "dora")):
            tone(tmp_path / f"low/{who}/a.wav", 200 + 400 * number)
            tone(tmp_path / f"high/{who}/b.wav", 400 + 400 * number)
        for who in ("bob", "cy"):
            sound, rate = soundfile.read(tmp_path / "low/ann/a.wav")
            soundfile.write(tmp_path / f"low/{who}/c.wav", sound * (0.5 + 0.1 * len(who)), rate)
        own = datasets.read_own(tmp_path, progress=False)
        (note,) = [note for note in own.notes if "count as one" in note]
        assert note.startswith("'ann', 'bob', 'cy' count as one in a split: low/ann/a.wav and low/")
        assert own.table.groupby("group").size().tolist() == [8, 2]
        assert own.table["remark"][own.table["item"] == "low/ann/a.wav"].item().count("nearly") == 2

    @pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
    @pytest.mark.timeout(60)
    def test_links_pipes_and_empty_folders_are_told(self, tmp_path):
        data = two_classes(tmp_path / "data")
        tone(tmp_path / "far/bob/0.wav", 900)
        (tmp_path / "far/back").symlink_to(data)
        (tmp_path / "far/self").symlink_to(tmp_path / "far")
        (data / "mid").symlink_to(tmp_path / "far")
        (data / "low/loop").symlink_to(data)
        (data / "high/low too").symlink_to(data / "low")
        (data / "low/gone.wav").symlink_to("/nowhere/x.wav")
        (data / "low/linked.wav").symlink_to(tmp_path / "far/bob/0.wav")
        os.mkfifo(data / "low/pipe.wav")
        (data / "none").mkdir()
        (data / "notes").mkdir()
        (data / "notes/a.txt").write_text("x")
        own = datasets.read_own(data, progress=False)
        elsewhere = "a link to a folder that is read elsewhere"
        assert reasons(own) == {
            "high/low too": elsewhere,
            "low/gone.wav": "a broken link (to /nowhere/x.wav)",
            "low/loop": elsewhere,
            "low/pipe.wav": "not a regular file (such as a pipe)",
            "mid/back": elsewhere,
            "mid/self": elsewhere,
            "notes/a.txt": "neither a sound nor a picture that can be read",
        }
        assert own.table["label"].value_counts().to_dict() == {"low": 4, "high": 3, "mid": 1}
        assert "a broken link<" in own._repr_html_()
        missing = [note for note in own.notes if "this class is missing" in note]
        assert [note.split("'")[1] for note in missing] == ["none", "notes"]
        with pytest.raises(ValueError, match=r"pipe\.wav is neither"):
            datasets.read_own(data / "low/pipe.wav")

    def test_a_list_that_leads_outside_lacks_names_and_names_twice(self, tmp_path):
        two_classes(tmp_path / "sounds")
        lines = ["file,label,speaker", "../sounds/low/0.wav,low,ann", ",low,ann",
                 "../lists/../sounds/low/0.wav,high,bob", "../sounds/high/1.wav,high,bob",
                 "../sounds/high/2.wav,high,bob"]  # fmt: skip
        (tmp_path / "lists").mkdir()
        path = write(tmp_path / "lists/l.csv", "\n".join(lines))
        own = datasets.read_own(path, progress=False)
        found = reasons(own)
        assert found.pop("row 3") == "no name of a file"
        assert found.pop("row 4").endswith("as row 2 does, there as 'low', here as 'high'")
        left = ["../sounds/high/0.wav", "../sounds/low/1.wav", "../sounds/low/2.wav"]
        assert found == dict.fromkeys(left, "not in the list")
        assert own.table["remark"].tolist() == ["listed again in row 4, there as 'high'", "", ""]
        assert any("'speaker' says whose it is" in note for note in own.notes)

    def test_flat_pictures_are_no_near_copies(self, tmp_path):
        for number, label in enumerate("aabb"):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.new("RGB", (30, 30), (50 * number,) * 3).save(tmp_path / label / f"{number}.png")
        assert datasets.read_own(tmp_path, progress=False).table["group"].nunique() == 4

    def test_many_files_by_several_threads_are_the_same(self, tmp_path, monkeypatch):
        from mlkit.datasets import _own_folder

        mess = messy.pictures(tmp_path / "p")
        one = datasets.read_own(mess.path, progress=False)
        monkeypatch.setattr(_own_folder, "_MANY", 2)
        two = datasets.read_own(mess.path, progress=False)
        pd.testing.assert_frame_equal(one.table, two.table)
        pd.testing.assert_frame_equal(one.skipped, two.skipped)

    def test_a_bar_shows_how_far_it_is(self, tmp_path, capfd):
        datasets.read_own(two_classes(tmp_path))
        assert "reading" in capfd.readouterr().err
        datasets.read_own(tmp_path, progress=False)
        assert "reading" not in capfd.readouterr().err

    @pytest.mark.parametrize("rate", [1000, 8000, 44100])
    @pytest.mark.parametrize("ms", [1, 10, 20, 31, 50])
    def test_a_very_short_sound_is_left_out_or_goes_through(self, tmp_path, rate, ms):
        two_classes(tmp_path)
        tone(tmp_path / "low/t.wav", 300, seconds=ms / 1000 + 0.1 / rate, rate=rate)
        own = datasets.read_own(tmp_path, progress=False)
        if ms < 30:
            assert reasons(own) == {"low/t.wav": f"too short: {ms} ms"}
        else:
            assert own.n == 7
            assert np.isfinite(features.mfcc(own.table["path"], progress=False)).all()

    def test_a_picture_of_one_colour_is_remarked(self, tmp_path):
        for number, label in enumerate("aabb"):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.new("RGB", (30, 30), (85 * number,) * 3).save(tmp_path / label / f"{number}.png")
        remarks = datasets.read_own(tmp_path, progress=False).table["remark"].tolist()
        assert remarks == ["black throughout", *["one colour throughout"] * 2, "white throughout"]

    def test_documents_drawings_and_archives_have_advice_of_their_own(self, tmp_path):
        two_classes(tmp_path)
        (tmp_path / "low/n.docx").write_bytes(b"PK\x03\x04" + b"\0" * 40)
        (tmp_path / "low/n.zip").write_bytes(b"PK\x03\x04" + b"\0" * 40)
        (tmp_path / "low/n.svg").write_text('<?xml version="1.0"?><svg></svg>')
        skipped = datasets.read_own(tmp_path, progress=False).skipped.set_index("where")
        assert skipped.loc["low/n.docx", "why"] == "a document (.docx)"
        assert skipped.loc["low/n.docx", "do"].startswith("Export what is in it")
        assert skipped.loc["low/n.zip", "do"] == "Unpack it; nothing in it is read."
        assert skipped.loc["low/n.svg", "do"] == "Export it as PNG."

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read all files")
    def test_a_file_that_may_not_be_read(self, tmp_path):
        two_classes(tmp_path)
        (tmp_path / "low/0.wav").chmod(0)
        own = datasets.read_own(tmp_path, progress=False)
        assert reasons(own)["low/0.wav"].startswith("cannot be opened")


class TestTables:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
    def test_separators_and_encodings(self, tmp_path, separator, encoding):
        rows = [["größe", "label"], ["1.5", "naïve"], ["2.5", "café"], ["3.5", "café"]]
        text = "\r\n".join(separator.join(row) for row in rows)
        own = datasets.read_own(write(tmp_path / "t.csv", text, encoding))
        assert own.table["größe"].tolist() == [1.5, 2.5, 3.5]
        assert own.table["label"].tolist() == ["naïve", "café", "café"]
        assert own.inputs == ("größe",)

    def test_quotation_marks_and_lines_inside_a_text(self, tmp_path):
        text = 'text,label\n"one, two ""three""\nfour",a\nplain words,b\n'
        own = datasets.read_own(write(tmp_path / "t.csv", text))
        assert own.table["text"].tolist() == ['one, two "three"\nfour', "plain words"]
        assert own.table["item"].tolist() == ["row 2", "row 3"]

    def test_a_quotation_mark_that_is_never_closed_is_found(self, tmp_path):
        lines = ["text,label", "good,a", '"bad,a', *['fine,""so,b'] * 50, 'end",a', "last,b"]
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        assert reasons(own) == {"row 3": "one row of 52 lines"}
        assert own.table["item"].tolist() == ["row 2", "row 4"]
        assert "opened in line 3" in own.skipped["do"][0]

    def test_lines_run_together_are_told_apart_where_each_is_whole(self, tmp_path):
        lines = ["text,label", "good,a", '"bad,a', *["fine,b"] * 50, 'end",a', "last,b"]
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        assert own.n == own.found == 54
        assert own.table["text"].tolist()[1] == '"bad'

    def test_a_stray_quotation_mark_runs_no_lines_together(self, tmp_path):
        lines = ["label\ttext", 'a\t"one more', "b\ttwo", 'a\tthree"', "b\tfour", 'a\t"five" or so']
        own = datasets.read_own(write(tmp_path / "t.tsv", "\n".join(lines)), text="text")
        assert own.table["text"].tolist()[:4] == ['"one more', "two", 'three"', "four"]
        assert own.table["item"].tolist() == [f"row {n}" for n in range(2, 7)]

    def test_real_messages_all_arrive(self, tmp_path):
        real = Path(__file__).parents[2] / "shared/data/SMSSpamCollection"
        if not real.exists():
            pytest.skip("../shared/data has no SMSSpamCollection")
        data = real.read_text("utf-8")
        with pytest.raises(ValueError, match=r"looks like data \('ham' comes again below it\)"):
            datasets.read_own(write(tmp_path / "t.tsv", data))
        own = datasets.read_own(write(tmp_path / "t.tsv", "label\ttext\n" + data))
        assert own.n == own.found == data.count("\n") == 5574
        assert own.table["label"].value_counts().to_dict() == {"ham": 4827, "spam": 747}

    def test_in_a_table_with_commas_a_comma_is_no_decimal(self, tmp_path):
        own = datasets.read_own(
            write(tmp_path / "t.csv", 'size,shape,label\n"1,5",x,a\n"2,5",y,b\n"1,5",x,b\n')
        )
        assert own.table["size"].tolist() == ["1,5", "2,5", "1,5"]

    def test_missing_words_in_numbers_and_a_percent_sign(self, tmp_path):
        lines = ["a;b;label", "1,5;10%;x", "n/a;20%;y", "1.234,5;?;x", "-;5%;y"]
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        assert own.table["a"].isna().tolist() == [False, True, False, True]
        assert own.table["a"][2] == 1234.5
        assert own.table["b"].tolist()[:2] == [10, 20]
        assert own.table["empty"].tolist() == [0, 1, 1, 1]

    @staticmethod
    def column(tmp_path, cells, beside=None, separator=";"):
        """A column ``n`` of these cells, read, beside one that shows how decimals are written."""
        beside = beside or ["x"] * len(cells)
        lines = [separator.join(["n", "m", "label"])]
        for at, (cell, other) in enumerate(zip(cells, beside, strict=True)):
            quoted = f'"{cell}"' if separator == "," else cell
            lines.append(separator.join([quoted, other, "ab"[at % 2]]))
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        return own, " ".join(own.notes)

    def test_points_between_thousands_where_the_table_has_decimal_commas(self, tmp_path):
        own, notes = self.column(tmp_path, ["950", "1.006", "999", "1.234"], ["1,5", "2", "3", "4"])
        assert own.table["n"].tolist() == [950, 1006, 999, 1234]
        assert "Points taken as signs between thousands in 'n'" in notes

    def test_points_before_three_figures_are_asked_about_elsewhere(self, tmp_path):
        own, notes = self.column(tmp_path, ["950", "1.006", "999", "1.234"])
        assert own.table["n"].tolist() == [950, 1.006, 999, 1.234]
        assert "Is the point in 'n' a sign between thousands" in notes

    @pytest.mark.parametrize("cells", [["0.137", "1.006"], ["1.5", "1.006"], ["12.0000", "1.006"]])
    def test_points_that_are_decimals_for_sure(self, tmp_path, cells):
        own, notes = self.column(tmp_path, [*cells, "7", "8"], ["1,5", "2", "3", "4"])
        assert own.table["n"].tolist() == [*map(float, cells), 7, 8]
        assert "'n'" not in notes

    def test_english_thousands(self, tmp_path):
        own, notes = self.column(tmp_path, ["950", "1,006", "1,234,567.5"], separator=",")
        assert own.table["n"].tolist() == [950, 1006, 1234567.5]
        assert "Commas taken as signs between thousands in 'n'" in notes
        own, notes = self.column(tmp_path, ["950", "1,006", "1,234"])
        assert own.table["n"].tolist() == [950, 1.006, 1.234]
        assert "Is the comma in 'n' a sign between thousands" in notes

    @pytest.mark.parametrize("bad", ["abc", "k.A.", "1e3", "12-14", "7 kg"])
    def test_one_odd_cell_makes_no_column_of_words(self, tmp_path, bad):
        cells = [f"{n * 1.37:.2f}".replace(".", ",") for n in range(40)]
        own, notes = self.column(tmp_path, [*cells, bad])
        assert own.inputs == ("n",)
        assert own.table["n"].notna().sum() == (41 if bad == "1e3" else 40)
        told = f"'n': 40 of 41 are numbers; row 42 '{bad}' is not."
        assert (told in notes) == (bad not in ("1e3", "k.A."))
        assert "nearly every" not in notes

    def test_many_odd_cells_make_one(self, tmp_path):
        own, notes = self.column(tmp_path, [*map(str, range(36, 46)), "S", "M", "L"])
        assert own.table["n"].tolist()[-1] == "L"
        assert "'n' is kept as text: 10 of 13 cells are numbers, others, such as 'S'" in notes

    def test_numbers_that_begin_with_zero_are_no_amounts(self, tmp_path):
        own, notes = self.column(tmp_path, ["00137", "10115", "01067", "10115"])
        assert own.table["n"].tolist() == ["00137", "10115", "01067", "10115"]
        assert "'n' is kept as text: '00137' and the like begin with 0" in notes

    @pytest.mark.parametrize("date", ["0{}.05.2026", "2026-05-0{} 10:00", "5/{}/26"])
    def test_dates_are_told(self, tmp_path, date):
        own, notes = self.column(tmp_path, [date.format(n) for n in (1, 2, 1, 2)], list("xyxy"))
        assert own.inputs == ("m",)
        assert "'n' is not learnt from: it holds dates; make columns of them" in notes

    def test_rows_are_counted_as_a_spreadsheet_does(self, tmp_path):
        text = 'text,label\n"one\ntwo\nthree",a\n\nfour,b\nfive,\nsix,a\n'
        own = datasets.read_own(write(tmp_path / "t.csv", text))
        assert own.table["item"].tolist() == ["row 2", "row 4", "row 6"]
        assert reasons(own) == {"row 5": "no label"}

    @pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;\r"])
    def test_a_first_line_that_names_the_separator(self, tmp_path, line):
        text = line + "\nsize;label\n1,5;a\n2,5;b\n"
        own = datasets.read_own(write(tmp_path / "t.csv", text))
        assert own.table["size"].tolist() == [1.5, 2.5]
        assert own.table["item"].tolist() == ["row 2", "row 3"]
        assert any("sep=;, names the separator" in note for note in own.notes)

    @pytest.mark.parametrize("title", ["Orders of May", "Orders of May;;", ";Orders of May;"])
    def test_a_title_above_the_names_of_columns(self, tmp_path, title):
        text = title + "\nsize;shape;label\n1,5;x;a\n2,5;y;b\n"
        own = datasets.read_own(write(tmp_path / "t.csv", text))
        assert own.inputs == ("size", "shape")
        assert reasons(own) == {"row 1": "above the names of the columns"}

    def test_the_last_column_is_offered_first_as_the_label(self, tmp_path):
        lines = ["town,colour,verdict", *[f"t{n % 3},c{n % 4},v{n % 2}" for n in range(40)]]
        with pytest.raises(ValueError, match=r"LABEL = 'verdict'.*'verdict' or 'colour' or 'town'"):
            datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))

    def test_na_is_a_class_like_any_other(self, tmp_path):
        own = datasets.read_own(
            write(tmp_path / "t.csv", "size;country;label\n1;x;NA\n2;y;DE\n3;x;None\n")
        )
        assert own.table["label"].tolist() == ["NA", "DE", "None"]

    def test_alike_rows_without_a_number_of_their_own_are_kept_together(self, tmp_path):
        lines = ["a;b;label", *[f"{n};{n / 7:.3f};{'xy'[n % 2]}" for n in range(20)], "3;0.429;x"]
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        last, third = own.table.iloc[-1], own.table.iloc[3]
        assert own.n == 21
        assert last["remark"] == "the same values as row 5, another class"
        assert last["group"] == third["group"]

    def test_few_different_values_are_no_copies(self, tmp_path):
        lines = ["a;b;label", *[f"{n % 2};{n % 3};{'xy'[n % 2]}" for n in range(20)]]
        own = datasets.read_own(write(tmp_path / "t.csv", "\n".join(lines)))
        assert own.table["group"].nunique() == 20
        assert any("no sign of copies" in note for note in own.notes)

    def test_names_of_ours_in_the_file_are_kept_beside(self, tmp_path):
        own = datasets.read_own(
            write(
                tmp_path / "t.csv",
                "item,split,remark,label\n5,train,good,a\n6,test,bad,b\n7,test,bad,b\n",
            )
        )
        assert own.table["item"].tolist() == ["row 2", "row 3", "row 4"]
        assert own.table["split (in the file)"].tolist() == ["train", "test", "test"]
        assert own.table["remark (in the file)"].tolist() == ["good", "bad", "bad"]

    def test_columns_can_be_named(self, tmp_path):
        path = write(tmp_path / "t.csv", "who,what,kind\nann,aa bb,x\nbo,cc dd,y\nann,ee ff,y\n")
        own = datasets.read_own(path, label="kind", text="what")
        assert (own.kind, own.who) == ("text", "who")
        assert own.table["group"].tolist() == ["ann", "bo", "ann"]
        assert datasets.read_own(path, label="what", who="kind").who == "kind"


class TestErrors:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("", "is empty"),
            ("one\ntwo\n", "a single column"),
            ("a,label\n", "no row below it"),
            ("a,label\n1,x\n2,x\n", "one class alone, 'x'"),
            (
                "a,b\n1,2\n3,4\n",
                r"which column is the label.*label='b' \(notebook 11: LABEL = 'b'\)",
            ),
            ("size,price,label\n" + "\n".join(f"{n},1,{n}.5" for n in range(30)), "pd.cut"),
            ("one,label\n1,x\n1,y\n", "no column to learn from.*holds one value"),
            ("1,2\n3,4\n5,6\n", "looks like data .it holds numbers alone."),
            ("PK\x03\x04 so on", "a spreadsheet"),
            ("a\0b,label\n", "zero bytes"),
        ],
    )
    def test_tables(self, tmp_path, content, words):
        with pytest.raises(ValueError, match=words):
            datasets.read_own(write(tmp_path / "t.csv", content))

    @pytest.mark.parametrize("path", [None, 5, ["a"], ...])
    def test_what_is_no_path(self, path):
        with pytest.raises(TypeError, match="path of a folder or of a CSV as text; this is a "):
            datasets.read_own(path)

    @pytest.mark.parametrize("path", ["", "  "])
    def test_an_empty_path_is_not_the_folder_one_is_in(self, path):
        with pytest.raises(ValueError, match="the path is empty"):
            datasets.read_own(path)

    def test_a_column_that_is_not_there(self, tmp_path):
        path = write(tmp_path / "t.csv", "a,label\n1,x\n2,y\n")
        for name in ("label", "who", "text"):
            with pytest.raises(ValueError, match=rf"{name}='nope'.*found: a, label"):
                datasets.read_own(path, **{name: "nope"})

    def test_folders(self, tmp_path):
        with pytest.raises(
            FileNotFoundError, match=f"there is no .*What is there of it: {tmp_path}"
        ):
            datasets.read_own(tmp_path / "no/where")
        with pytest.raises(ValueError, match="a sub-folder for each class"):
            datasets.read_own(tmp_path)
        tone(tmp_path / "one.wav", 300)
        with pytest.raises(ValueError, match=r"one\.wav: in no sub-folder"):
            datasets.read_own(tmp_path)
        with pytest.raises(
            ValueError, match=r"takes a folder, or a table as CSV; one\.wav is neither"
        ):
            datasets.read_own(tmp_path / "one.wav")
        tone(tmp_path / "all/one.wav", 300)
        with pytest.raises(ValueError, match="one class alone, 'all'"):
            datasets.read_own(tmp_path)
