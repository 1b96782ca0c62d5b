"""The page of a file in a real browser: what is heard is checked in the sound that reaches the speakers.

Each track is a tone of its own, which changes after six seconds; an analyser beside the speakers tells which sounds.
Witnesses: the tones' frequencies, soundfile's decoder, the metrics as they were measured.
"""

import base64
import io
import json
import time

import numpy as np
import pytest
import soundfile

from sepkit.audio.resample import resample
from sepkit.audio.samples import Audio
from sepkit.config import parse_config
from sepkit.judge.evaluate import Evaluator, Excerpt
from sepkit.metrics.base import Pair
from sepkit.render.base import make_task
from sepkit.render.mask_picture import MaskPicture
from sepkit.render.pipeline import Pipeline
from sepkit.report import file_page, tracks
from tests.report.rules import keep_to_the_rules_at

RATE = 16_000
LENGTH_S = 12.0
NAME = "<script>alert(1)</script> & co.wav"
TONES_HZ = {"Before": (500, 700), "After": (1500, 1900), "Taken away": (3000, 3400)}
CONFIG = """
members: [{separator: passthrough}, {separator: nn_filter}]
report: true
evaluate: {metrics: [{metric: loudness}, {metric: si_sdr}, {metric: music_residual}, {metric: trade_off}]}
"""
HEAR = """
window.heard = null;
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    window.heard ??= new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    connect.call(this, window.heard);
  }
  return connect.call(this, to, ...rest);
};
"""
LOUDEST = """() => {
  const levels = new Float32Array(window.heard.frequencyBinCount);
  window.heard.getFloatFrequencyData(levels);
  const bin = levels.indexOf(Math.max(...levels));
  return { hz: (bin * window.heard.context.sampleRate) / window.heard.fftSize, db: levels[bin] };
}"""


def tone(hertz: tuple[int, int], level: float = 0.2) -> Audio:
    time_s = np.arange(round(LENGTH_S * RATE)) / RATE
    return Audio(level * np.sin(2 * np.pi * np.where(time_s < 6, *hertz) * time_s), RATE)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page whose tracks are tones, with the masks of a real rendering; and the metrics that it shows."""
    folder = tmp_path_factory.mktemp("page")
    config = parse_config(CONFIG)
    mix, clean, taken = (tone(hertz, level) for hertz, level in zip(TONES_HZ.values(), (0.3, 0.05, 0.2), strict=True))
    soundfile.write(folder / "mix.wav", mix.samples.T, RATE)
    masks = MaskPicture()
    Pipeline(config).render(folder / "mix.wav", {"speech": folder / "speech.wav"}, masks=masks)
    excerpt = Excerpt(Pair(mix, clean, Audio(0.1 * mix.samples, RATE)), 0.0, LENGTH_S, LENGTH_S)
    metrics = Evaluator(config.evaluate.metrics).evaluate(excerpt).as_dict()["metrics"]
    speech, background, _ = make_task(config).stems()
    shown = {"stems": ((background, taken),), "chosen": config.evaluate.metrics, "facts": {"mix": NAME}}
    evidence = file_page.Evidence(NAME, excerpt, metrics, speech, masks, **shown)
    return file_page.write(folder / "report.html", evidence), metrics


@pytest.fixture
def page(browser, made):
    """The page, opened where nothing can be fetched; whatever it asks for besides itself is kept in `page.asked`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(HEAR)
    opened = context.new_page()
    opened.asked, opened.faults = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda said: opened.faults.append(said.text))
    opened.on("dialog", lambda dialog: opened.faults.append(dialog.message) or dialog.dismiss())
    opened.goto(made[0].as_uri())
    yield opened
    assert opened.faults == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [made[0].as_uri()]
    context.close()


def position_s(page) -> float:
    return float(page.locator("#player").get_attribute("data-position"))


def text(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def hears(page, *hertz: float) -> bool:
    """Whether, within a while, one of these sounds loudest."""
    for _ in range(60):
        loudest = page.evaluate(LOUDEST)
        if min(abs(loudest["hz"] - each) for each in hertz) < 25 and loudest["db"] > -80:
            return True
        page.wait_for_timeout(50)
    return False


def test_choosing_a_track_changes_the_sound_and_keeps_the_position(page):
    """The position is drawn frame by frame: what is read may be old on a busy machine, by less than a second."""
    page.click("#play")
    now = "Before"
    for key, name in (("2", "After"), ("3", "Taken away"), ("1", "Before"), ("x", "After"), ("x", "Before")):
        page.locator("#position").fill("0.5")
        assert hears(page, *TONES_HZ[now]), now
        before_s, started = position_s(page), time.monotonic()
        page.keyboard.press(key)
        after_s, took_s = position_s(page), time.monotonic() - started
        assert 0.5 <= before_s <= after_s <= before_s + took_s + 1, name
        assert hears(page, *TONES_HZ[name]), name
        pressed = page.locator(".track[aria-pressed=true]")
        assert pressed.count() == 1 and name in pressed.inner_text()
        now = name


def test_seeking_by_click_slider_and_keys_goes_there(page):
    box = page.locator("#timeline").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 40)
    assert position_s(page) == pytest.approx(9.0, abs=0.05)
    page.click("#play")
    assert hears(page, 700)
    page.locator("#position").fill("1.5")
    assert hears(page, 500)
    page.click("#play")
    paused_s = position_s(page)
    page.keyboard.press("ArrowRight")
    assert position_s(page) == pytest.approx(paused_s + 2, abs=0.01)
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    assert position_s(page) == pytest.approx(paused_s, abs=0.01)
    left = page.locator("#cursor").bounding_box()["x"]
    assert left == pytest.approx(box["x"] + box["width"] * paused_s / LENGTH_S, abs=2)


def test_playing_goes_on_over_the_seam_of_two_pieces_and_ends_at_the_end(page):
    page.locator("#position").fill("9.2")
    page.click("#play")
    assert hears(page, 700)
    while position_s(page) < 10.4:
        page.wait_for_timeout(50)
    assert hears(page, 700)
    page.wait_for_selector("#player[data-playing=false]")
    assert position_s(page) == pytest.approx(LENGTH_S, abs=0.2)


def test_a_worst_moment_is_one_click_and_stops_where_it_ends(page):
    button = page.locator(".moment").first
    start_s, end_s = (float(button.get_attribute(f"data-{edge}")) for edge in ("start", "end"))
    button.click()
    page.wait_for_selector("#player[data-playing=true]")
    page.wait_for_selector("#player[data-playing=false]")
    assert start_s < end_s <= position_s(page) <= end_s + 1  # a timer stops it; a busy machine's may be late


def test_matched_loudness_is_what_the_gains_say(page, made):
    """Witness: levels of tones in the analyser, whose difference is that of the amplitudes without the gains."""
    page.click("#play")
    found = {}
    for matched in (True, False):
        page.locator("#matched").set_checked(matched)
        for key, name in (("1", "Before"), ("2", "After")):
            page.locator("#position").fill("0.5")
            page.keyboard.press(key)
            assert hears(page, TONES_HZ[name][0])
            page.wait_for_timeout(300)
            found[matched, name] = page.evaluate(LOUDEST)["db"]
    gains = {track["name"]: track["gain_db"] for track in json.loads(page.locator("#page").text_content())["tracks"]}
    assert found[False, "Before"] - found[False, "After"] == pytest.approx(20 * np.log10(0.3 / 0.05), abs=1)
    for name in ("Before", "After"):
        assert found[True, name] - found[False, name] == pytest.approx(gains[name], abs=1)


def test_each_metric_equals_the_one_measured(page, made):
    shown = {
        row.get_attribute("data-metric"): [row.locator("td").nth(index).inner_text() for index in (0, 1)]
        for row in page.locator("#metrics tbody tr").all()
    }
    written = {name: [text(score["before"]), text(score["after"])] for name, score in made[1].items()}
    assert shown == written and len(shown) == 6
    for name, score in made[1].items():
        row = page.locator(f"tr[data-metric={name}]")
        exact = [row.get_attribute(f"data-{side}") for side in ("before", "after")]
        assert [float(value) if value else None for value in exact] == [score["before"], score["after"]]
    assert "not measured: " in page.locator("tr[data-metric=music_residual]").inner_text()


def test_the_figures_of_all_seconds_average_to_the_metrics(page, made):
    found = {each["title"]: each for each in json.loads(page.locator("#page").text_content())["windows"]}
    for title, name in (("Most music left", "music_left"), ("Most speech lost", "speech_lost")):
        figures = found[title]["figures"]
        assert len(figures) == LENGTH_S and page.locator(".curve").count() == 2
        floored = max(10 * np.log10(np.mean(figures)), -80)
        assert floored == pytest.approx(made[1][name]["after"], abs=1e-6)


def test_names_stay_text(page):
    assert page.locator("h1").inner_text() == NAME
    assert page.title() == NAME
    assert page.locator("dd", has_text="alert(1)").inner_text() == NAME


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_to_the_rules_for_people_and_to_the_width(page, width, scheme):
    keep_to_the_rules_at(page, width, scheme)


def test_everything_can_be_reached_and_is_named(page):
    tree = page.locator("body").aria_snapshot()
    for expected in ('button "Play"', 'slider "Position"', 'checkbox "at matched loudness"', 'heading "Worst moments"'):
        assert expected in tree
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "play":
            break
    page.keyboard.press("Enter")
    assert hears(page, 500)


def test_pieces_begin_where_they_should():
    """Witness: libsndfile's decoder and the noise itself; a lag of one frame would lose the correlation."""
    noise = np.random.default_rng(0).standard_normal((1, 15 * 48_000)).astype(np.float32)
    from scipy.signal import butter, correlate, sosfilt

    heard = Audio(0.2 * sosfilt(butter(4, 4_000, fs=48_000, output="sos"), noise), 48_000)
    (track,) = tracks.make_tracks([("noise", "", heard)], [True])
    lead = round(tracks.LEAD_S * 48_000)
    assert len(track.pieces) == 2
    for index, piece in enumerate(track.pieces):
        decoded = soundfile.read(io.BytesIO(base64.b64decode(piece)), dtype="float32")[0]
        first = index * round(tracks.PIECE_S * 48_000)
        expected = heard.samples[0, first : first + 48_000]
        found = decoded[lead : lead + 48_000]
        lags = correlate(found, expected, mode="same")
        assert abs(int(lags.argmax()) - 24_000) == 0
        assert np.corrcoef(found, expected)[0, 1] > 0.97


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_pieces_are_stretches_of_the_whole_at_another_rate(rate, monkeypatch):
    """Witness: the sound resampled in one go."""
    heard = []
    monkeypatch.setattr(tracks, "encode_opus", lambda piece: heard.append(piece) or b"")
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, round(23.4 * rate)))
    tracks.make_tracks([("noise", "", Audio(noise, rate))], [True])
    lead = round(tracks.LEAD_S * 48_000)
    joined = np.concatenate([piece[:, lead:] for piece in heard], axis=1)
    whole = resample(noise.astype(np.float32), rate, 48_000)
    assert joined.shape == whole.shape and len(heard) == 3
    assert not heard[0][:, :lead].any()
    np.testing.assert_allclose(heard[1][:, :lead], heard[0][:, -lead:], atol=1e-4)
    np.testing.assert_allclose(joined, whole, atol=1e-4)


def test_gains_bring_tracks_to_one_loudness_and_the_rest_follows_the_first():
    """Witness: pyloudnorm on what is played."""
    import pyloudnorm

    loud, quiet, rest = (Audio(level * tone((500, 500)).samples, RATE) for level in (1.0, 0.1, 0.3))
    found = tracks.make_tracks([("a", "", loud), ("b", "", quiet), ("c", "", rest)], [True, True, False])
    meter = pyloudnorm.Meter(RATE)
    played = [
        meter.integrated_loudness(audio.samples.T * 10 ** (track.gain_db / 20))
        for audio, track in zip((loud, quiet), found[:2], strict=True)
    ]
    assert played[0] == pytest.approx(played[1], abs=0.02)
    assert found[2].gain_db == found[0].gain_db
