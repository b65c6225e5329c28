"""Sound made harder: every ratio, length and frequency is measured, not believed."""

import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from mlkit.augment import audio

RATE = 8000

# Every function of samples, at a strength that does something, and at the one that does nothing.
STRONG = {
    "add_noise": lambda x: audio.add_noise(x, snr_db=5, rng=1),
    "add_speech": lambda x: audio.add_speech(x, snr_db=5, speech=[tone(300, 0.1)], rng=1),
    "change_speed": lambda x: audio.change_speed(x, factor=1.3),
    "stretch_time": lambda x: audio.stretch_time(x, factor=1.3, rate_hz=RATE),
    "shift_pitch": lambda x: audio.shift_pitch(x, semitones=3, rate_hz=RATE),
    "change_gain": lambda x: audio.change_gain(x, gain_db=-6),
    "normalise_loudness": lambda x: audio.normalise_loudness(x, level_db=-30),
    "add_reverb": lambda x: audio.add_reverb(x, rate_hz=RATE, rng=1),
    "limit_band": lambda x: audio.limit_band(x, rate_hz=RATE),
    "clip_peaks": lambda x: audio.clip_peaks(x, over_db=6),
    "shift_time": lambda x: audio.shift_time(x, shift_s=0.001, rate_hz=RATE),
}
NOTHING = {
    "add_noise": lambda x: audio.add_noise(x, snr_db=np.inf),
    "add_speech": lambda x: audio.add_speech(x, snr_db=np.inf, speech=[tone(300, 0.1)]),
    "change_speed": lambda x: audio.change_speed(x, factor=1),
    "stretch_time": lambda x: audio.stretch_time(x, factor=1, rate_hz=RATE),
    "shift_pitch": lambda x: audio.shift_pitch(x, semitones=0, rate_hz=RATE),
    "change_gain": lambda x: audio.change_gain(x, gain_db=0),
    "add_reverb": lambda x: audio.add_reverb(x, rate_hz=RATE, rt60_s=0),
    "limit_band": lambda x: audio.limit_band(x, rate_hz=RATE, low_hz=0, high_hz=np.inf),
    "clip_peaks": lambda x: audio.clip_peaks(x, over_db=0),
    "shift_time": lambda x: audio.shift_time(x, shift_s=0, rate_hz=RATE),
}
KEEP_LENGTH = set(STRONG) - {"change_speed", "stretch_time"}


def tone(hz, seconds=1.0, *, level=0.3, rate=RATE):
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def vowel(hz, seconds=1.0, *, rate=RATE):
    """A pulse train through three resonances, roughly an 'a'."""
    from scipy.signal import lfilter

    wave = np.zeros(round(seconds * rate))
    wave[np.unique((np.arange(0, seconds, 1 / hz) * rate).astype(int))] = 1.0
    for centre, width in ((700, 110), (1200, 120), (2600, 160)):
        radius = np.exp(-np.pi * width / rate)
        wave = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * centre / rate), radius**2], wave)
    return 0.5 * wave / np.abs(wave).max()


def fundamental(wave, near, *, rate=RATE):
    """Hz, within a third of `near`: the harmonic product of a fine spectrum, nothing of librosa."""
    middle = wave[len(wave) // 8 : -len(wave) // 8]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 20))
    most = len(spectrum) // 5
    product = np.prod([spectrum[:: k + 1][:most] for k in range(5)], axis=0)
    step = rate / (1 << 20)
    low, high = round(near / 1.3 / step), round(near * 1.3 / step)
    return (low + int(product[low:high].argmax())) * step


def db(signal, noise):
    return 10 * np.log10(np.mean(np.square(signal)) / np.mean(np.square(noise)))


def ratio_in(mixture, clip):
    """The SNR of a mixture that may have been turned down, by projecting the clip out of it."""
    share = mixture @ clip / (clip @ clip)
    return db(share * clip, mixture - share * clip)


def silently(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", audio.AudioWarning)
        return function(*args, **kwargs)


# ---- laws of all


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_input_stays_and_dtype_and_scale_are_kept(name, dtype):
    clip = (0.9 * vowel(120)).astype(dtype)
    before = clip.copy()
    out = silently(STRONG[name], clip)
    np.testing.assert_array_equal(clip, before)
    assert out.dtype == dtype
    assert out.ndim == 1
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1 + 1e-6
    assert not np.shares_memory(out, clip)
    assert not np.array_equal(out[: len(clip)], clip)


@pytest.mark.parametrize("name", sorted(KEEP_LENGTH))
@pytest.mark.parametrize("size", [1, 2, 7, 100, 4001])
def test_length_is_kept(name, size):
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, size)
    assert len(silently(STRONG[name], clip)) == size


@pytest.mark.parametrize("name", ["change_speed", "stretch_time"])
@pytest.mark.parametrize("factor", [0.5, 0.77, 1.01, 2.0])
@pytest.mark.parametrize("size", [1, 3, 1000, 4001])
def test_a_faster_clip_is_shorter_by_the_factor(name, factor, size):
    clip = np.random.default_rng(0).uniform(-0.5, 0.5, size)
    given = {"rate_hz": RATE} if name == "stretch_time" else {}
    out = silently(getattr(audio, name), clip, factor=factor, **given)
    assert len(out) == max(1, round(size / factor))


@pytest.mark.parametrize("name", NOTHING)
def test_no_strength_is_the_identity(name):
    clip = vowel(140, 0.3).astype(np.float32)
    out = NOTHING[name](clip)
    np.testing.assert_allclose(out, clip, atol=1e-7)
    assert not np.shares_memory(out, clip)


@pytest.mark.parametrize("name", ["add_noise", "add_speech", "add_reverb"])
def test_the_same_seed_gives_the_same_bytes(name):
    clip = vowel(120)
    make = {
        "add_noise": lambda rng: audio.add_noise(clip, snr_db=10, noise="pink", rng=rng),
        "add_speech": lambda rng: audio.add_speech(
            clip, snr_db=10, speech=[tone(200, 3), vowel(90, 2)], rng=rng
        ),
        "add_reverb": lambda rng: audio.add_reverb(clip, rate_hz=RATE, rng=rng),
    }[name]
    first = silently(make, 7)
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    assert silently(make, 7).tobytes() == first.tobytes()
    assert silently(make, 8).tobytes() != first.tobytes()


def test_nothing_is_drawn_from_the_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state itself is looked at
    silently(STRONG["add_noise"], tone(200))
    silently(STRONG["add_reverb"], tone(200))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002 - as above


# ---- noise


@settings(max_examples=60, deadline=None)
@given(
    snr_db=st.floats(-30, 60),
    colour=st.sampled_from(["white", "pink", "brown", "blue", "violet"]),
    level=st.floats(1e-4, 1),
    seed=st.integers(0, 2**32),
)
def test_the_measured_snr_is_the_one_asked(snr_db, colour, level, seed):
    clip = level * vowel(120, 0.5)
    noisy = silently(audio.add_noise, clip, snr_db=snr_db, noise=colour, rng=seed)
    scale = 1.0
    if np.abs(clip).max() <= 1 and np.isclose(np.abs(noisy).max(), 1):  # turned down as a whole
        undone = audio.add_noise(clip / 1e6, snr_db=snr_db, noise=colour, rng=seed) * 1e6
        scale = np.abs(noisy).max() / np.abs(undone).max()
    assert db(clip, noisy / scale - clip) == pytest.approx(snr_db, abs=0.1)


def test_the_snr_holds_where_the_mixture_is_turned_down_and_it_is_said():
    clip = 0.9 * vowel(120) / np.abs(vowel(120)).max()
    with pytest.warns(audio.AudioWarning, match=r"turned down by \d+\.\d dB as a whole"):
        noisy = audio.add_noise(clip, snr_db=-5, rng=0)
    assert np.abs(noisy).max() == pytest.approx(1)
    unhurried = audio.add_noise(clip / 100, snr_db=-5, rng=0)
    np.testing.assert_allclose(noisy / np.abs(noisy).max(), unhurried / np.abs(unhurried).max())


@pytest.mark.parametrize(
    ("colour", "slope"), [("white", 0), ("pink", -1), ("brown", -2), ("blue", 1), ("violet", 2)]
)
def test_the_colour_of_the_noise_is_the_slope_of_its_spectrum(colour, slope):
    clip = np.full(400_000, 1e-3)
    noise = audio.add_noise(clip, snr_db=0, noise=colour, rng=0) - clip
    hz, power = welch(noise, fs=RATE, nperseg=4096)
    inner = (hz > 50) & (hz < 3500)
    fitted = np.polyfit(np.log10(hz[inner]), np.log10(power[inner]), 1)[0]
    assert fitted == pytest.approx(slope, abs=0.05)


def test_noise_from_a_file_is_brought_to_the_clips_rate(tmp_path):
    path = tmp_path / "hum.wav"
    soundfile.write(path, tone(500, 2, rate=16_000), 16_000)
    clip = 0.5 * vowel(120)
    noisy = audio.add_noise(clip, snr_db=10, noise=path, rate_hz=RATE, rng=0)
    noise = noisy - clip
    assert db(clip, noise) == pytest.approx(10, abs=0.1)
    spectrum = np.abs(np.fft.rfft(noise))
    assert spectrum.argmax() * RATE / len(noise) == pytest.approx(500, abs=1)


def test_a_short_recording_of_noise_goes_round_and_a_long_one_begins_anywhere():
    clip = 0.1 * vowel(120)
    ramp = np.linspace(0.1, 0.4, 1000)
    noise = audio.add_noise(clip, snr_db=0, noise=ramp, rng=3) - clip
    np.testing.assert_allclose(noise[:1000], noise[1000:2000])
    assert sorted(np.round(noise[:1000] / noise.max() * 0.4, 6)) == pytest.approx(ramp, abs=1e-5)
    starts = {
        round(float((audio.add_noise(clip, snr_db=0, noise=long_, rng=seed) - clip)[0]), 9)
        for long_ in [np.random.default_rng(5).normal(size=50_000)]
        for seed in range(5)
    }
    assert len(starts) == 5


def test_a_recording_that_is_mostly_silent_is_taken_where_it_sounds():
    noise = np.zeros(2_000_000)
    noise[1_234_567] = 0.5
    clip = tone(200, 0.1)
    noisy = audio.add_noise(clip, snr_db=20, noise=noise, rng=0)
    assert db(clip, noisy - clip) == pytest.approx(20, abs=0.1)


def test_silence_gets_no_noise_and_it_is_said():
    with pytest.warns(audio.AudioWarning, match="the clip is silent, so nothing has a ratio"):
        out = audio.add_noise(np.zeros(100), snr_db=10)
    assert not out.any()


def test_several_talkers_together_have_the_ratio():
    clip = 0.2 * vowel(110)
    others = [vowel(hz, 1.4) * level for hz, level in ((90, 0.1), (150, 1.0), (210, 0.01))]
    noisy = audio.add_speech(clip, snr_db=3, speech=others, talkers=3, rng=0)
    assert db(clip, noisy - clip) == pytest.approx(3, abs=0.1)


# ---- speed, pitch, loudness


@pytest.mark.parametrize("factor", [0.75, 0.9, 1.1, 1.3])
def test_speed_moves_the_pitch_by_the_factor_and_stretching_does_not(factor):
    clip = vowel(120, 2)
    faster = audio.change_speed(clip, factor=factor)
    assert fundamental(faster, 120 * factor) == pytest.approx(120 * factor, rel=0.003)
    stretched = silently(audio.stretch_time, clip, factor=factor, rate_hz=RATE)
    assert fundamental(stretched, 120) == pytest.approx(120, rel=0.003)


@pytest.mark.parametrize("semitones", [-4, -1, 0.5, 2, 5])
def test_pitch_moves_by_semitones(semitones):
    moved = silently(audio.shift_pitch, vowel(130, 2), semitones=semitones, rate_hz=RATE)
    cents = 1200 * np.log2(fundamental(moved, 130 * 2 ** (semitones / 12)) / 130)
    assert cents == pytest.approx(100 * semitones, abs=10)


@settings(max_examples=15, deadline=None)
@given(semitones=st.floats(0.5, 6), hz=st.floats(90, 220))
def test_a_pitch_shift_there_and_back_returns_the_fundamental(semitones, hz):
    clip = vowel(hz, 1.5)
    there = silently(audio.shift_pitch, clip, semitones=semitones, rate_hz=RATE)
    back = silently(audio.shift_pitch, there, semitones=-semitones, rate_hz=RATE)
    assert abs(1200 * np.log2(fundamental(back, hz) / fundamental(clip, hz))) <= 10


@given(st.floats(-60, 20))
def test_gain_is_measured_in_db(gain_db):
    clip = tone(200, 0.1, level=0.05)
    assert db(audio.change_gain(clip, gain_db=gain_db), clip) == pytest.approx(gain_db)


@given(level_db=st.floats(-60, -10), before=st.floats(1e-4, 0.9))
def test_loudness_is_the_one_asked(level_db, before):
    out = audio.normalise_loudness(tone(200, 0.1, level=before), level_db=level_db)
    assert 10 * np.log10(np.mean(out**2)) == pytest.approx(level_db, abs=1e-6)


def test_a_gain_beyond_full_scale_stops_there_and_says_so():
    with pytest.warns(audio.AudioWarning, match=r"change_gain: turned down by 14\.0 dB"):
        out = audio.change_gain(tone(200, 0.1, level=0.5), gain_db=20)
    assert np.abs(out).max() == pytest.approx(1)


# ---- rooms, bands, clipping, time


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.0])
def test_a_room_rings_for_as_long_as_asked(rt60_s):
    """Schroeder's backward integral (1965) of what the room makes of a clap."""
    clap = np.eye(1, round(2 * rt60_s * RATE))[0]
    echo = audio.add_reverb(clap, rate_hz=RATE, rt60_s=rt60_s, direct_db=0, rng=0)[1:]
    decay = 10 * np.log10(np.cumsum(echo[::-1] ** 2)[::-1] / np.sum(echo**2))
    part = (decay < -5) & (decay > -35)
    slope = np.polyfit(np.flatnonzero(part) / RATE, decay[part], 1)[0]
    assert -60 / slope == pytest.approx(rt60_s, rel=0.1)


@pytest.mark.parametrize("direct_db", [-6.0, 0.0, 12.0])
def test_the_direct_sound_stands_over_the_echo_as_asked(direct_db):
    clap = np.eye(1, 8000)[0]
    room = silently(audio.add_reverb, clap, rate_hz=RATE, rt60_s=0.3, direct_db=direct_db, rng=0)
    assert 10 * np.log10(room[0] ** 2 / np.sum(room[1:] ** 2)) == pytest.approx(direct_db, abs=0.01)


def test_a_measured_room_begins_with_its_direct_sound():
    impulse = np.r_[np.zeros(50), -0.5, 0.0, 0.25]
    out = audio.add_reverb(np.array([0.1, 0.2, 0.0, 0.0]), rate_hz=RATE, impulse=impulse)
    np.testing.assert_allclose(out, [0.1, 0.2, -0.05, -0.1], atol=1e-12)


def test_a_telephone_keeps_speech_and_cuts_both_ends():
    heard = {
        hz: db(audio.limit_band(tone(hz), rate_hz=RATE)[1000:-1000], tone(hz)[1000:-1000])
        for hz in (60, 300, 1000, 3400, 3900)
    }
    assert heard[60] < -40
    assert heard[300] == pytest.approx(-6, abs=0.3)
    assert heard[1000] == pytest.approx(0, abs=0.1)
    assert heard[3400] == pytest.approx(-6, abs=0.3)
    assert heard[3900] < -25


def test_nothing_is_delayed_by_the_telephone():
    clip = vowel(120)
    through = audio.limit_band(clip, rate_hz=RATE)
    lag = np.correlate(through, clip, "full").argmax() - (len(clip) - 1)
    assert lag == 0


@given(st.floats(0, 40))
def test_peaks_are_cut_at_the_limit(over_db):
    clip = tone(200, 0.1)
    out = audio.clip_peaks(clip, over_db=over_db)
    limit = np.abs(clip).max() / 10 ** (over_db / 20)
    np.testing.assert_allclose(out, np.clip(clip, -limit, limit))


@given(st.integers(-50, 50))
def test_a_shift_moves_by_whole_samples(by):
    clip = np.arange(1.0, 41.0) / 100
    out = silently(audio.shift_time, clip, shift_s=by / RATE, rate_hz=RATE)
    at = np.arange(40) - by
    expected = np.where((at >= 0) & (at < 40), clip[np.clip(at, 0, 39)], 0)
    np.testing.assert_allclose(out, expected)


def test_what_is_moved_out_of_the_clip_is_told():
    clip = np.r_[np.zeros(50), np.full(50, 0.5)]
    with pytest.warns(audio.AudioWarning, match="50% of the sound's energy was moved out"):
        audio.shift_time(clip, shift_s=25 / RATE, rate_hz=RATE)


# ---- masks


@settings(max_examples=50)
@given(st.tuples(st.integers(1, 60), st.integers(1, 80)), st.integers(0, 2**32), st.integers(0, 30))
def test_masks_lie_inside_and_cover_what_they_say(shape, seed, most):
    masks = audio.draw_masks(shape, widest=most, longest=most, rng=seed)
    spectrogram = np.random.default_rng(0).random(shape) + 1
    out = audio.mask_spectrogram(spectrogram, **masks, fill=0.0)
    covered = np.zeros(shape, bool)
    for first, width in masks["bands"]:
        assert width <= most
        covered[first : first + width] = True
    for first, width in masks["times"]:
        assert width <= most
        covered[:, first : first + width] = True
    np.testing.assert_array_equal(out == 0, covered)
    np.testing.assert_array_equal(out[~covered], spectrogram[~covered])


def test_a_mask_outside_is_refused():
    with pytest.raises(ValueError, match=r"the mask \(3, 2\) in bands lies outside 0 to 4"):
        audio.mask_spectrogram(np.ones((4, 5)), bands=[(3, 2)])


# ---- what is wrong with the input


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (np.zeros((10, 2)), r"needs one channel, samples of shape \(n,\); it was given \(10, 2\)"),
        (np.zeros(10, np.int16), r"needs samples as floats from -1 to 1; it was given int16"),
        (np.zeros(0), "was given a clip without a single sample"),
        (np.array([0.1, np.nan, np.inf]), "was given 2 of 3 samples that are no numbers"),
    ],
)
def test_a_clip_that_is_none_is_refused(name, clip, words):
    with pytest.raises(ValueError, match=rf"{name}\(\) {words}"):
        STRONG[name](clip)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: audio.add_noise(x, snr_db="loud"), r"needs snr_db as a number; .* 'loud'"),
        (lambda x: audio.add_noise(x, snr_db=-np.inf), "needs snr_db above minus infinity"),
        (lambda x: audio.add_noise(x, snr_db=5, noise="grey"), "reads a file, and needs rate_hz"),
        (
            lambda x: audio.add_noise(x, snr_db=5, noise="grey", rate_hz=RATE),
            "there is no file grey; for a colour, give one of 'white'",
        ),
        (lambda x: audio.add_noise(x, snr_db=5, noise=np.zeros(9)), "the recording .* is silent"),
        (lambda x: audio.add_speech(x, snr_db=5, speech=[]), "needs speech as a list"),
        (
            lambda x: audio.add_speech(x, snr_db=5, speech=[x], talkers=2),
            "asked for 2 talkers and given 1 recordings",
        ),
        (lambda x: audio.change_speed(x, factor=0), r"needs factor from 0\.1 to 10"),
        (lambda x: audio.shift_pitch(x, semitones=99, rate_hz=RATE), "semitones from -24 to 24"),
        (lambda x: audio.normalise_loudness(x, level_db=3), "level_db from -200 to 0"),
        (lambda x: audio.limit_band(x, rate_hz=RATE, low_hz=5000), "low_hz below 4000 Hz"),
        (lambda x: audio.clip_peaks(x, over_db=-1), "over_db from 0 to 200"),
    ],
)
def test_a_wrong_parameter_is_named(call, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        call(tone(200, 0.1))


def test_a_text_file_named_wav_is_named(tmp_path):
    path = tmp_path / "notes.wav"
    path.write_text("these are no samples")
    with pytest.raises(ValueError, match=r"notes\.wav cannot be read as sound"):
        audio.add_noise(tone(200, 0.1), snr_db=5, noise=path, rate_hz=RATE)


def test_silence_cannot_be_made_louder_and_says_so():
    silent = np.zeros(800, np.float32)
    with pytest.warns(UserWarning, match="the clip is silent and stays so"):
        louder = audio.normalise_loudness(silent, level_db=-20)
    assert not louder.any()
    assert louder is not silent


@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((2, 0)), np.zeros((2, 2), int)])
def test_what_is_no_spectrogram_is_told(wrong):
    with pytest.raises(ValueError, match=r"needs floats of shape \(frequencies, frames\)"):
        audio.mask_spectrogram(wrong, bands=[(0, 1)])
