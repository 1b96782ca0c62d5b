"""A comparison from the set to the page: figures recomputed from its lines, runs that go on, and what is shown."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import bootstrap

from sepkit.cli import main
from sepkit.compare import CompareJob, run_compare
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.config import load_config, parse_config
from sepkit.errors import ConfigError, OutputError, SourceError
from sepkit.judge.evaluate import evaluate_pair
from sepkit.render.pipeline import Pipeline
from tests.compare.sets import BOTH, NN, configs, lines, table, values


def test_every_method_has_its_row_and_words_that_are_not_known_no_table(compared):
    out, _ = compared
    rows = table(out)
    script = "<script>alert(1)<"
    assert list(dict.fromkeys(method for _, _, method in rows)) == [
        UNPROCESSED,
        "nn",
        script,
        *(f"{script} [{rule}]" for rule in ("mean", "min", "weights")),
        ORACLE,
    ]
    assert list(dict.fromkeys(metric for metric, _, _ in rows)) == ["si_sdr", "music_left", "speech_lost", "compute"]
    assert list(dict.fromkeys(column for _, column, _ in rows)) == [
        *("all", "speech and background", "music −5 dB", "music 5 dB", "music alone"),
    ]
    assert rows["si_sdr", "all", "nn"]["unit"] == "dB" and rows["si_sdr", "all", "nn"]["better"] == "higher"


@pytest.mark.parametrize("metric", ["si_sdr", "speech_lost", "compute"])
@pytest.mark.parametrize(("column", "start"), [("all", ""), ("music 5 dB", "music_5_")])
def test_the_tables_are_what_numpy_and_scipy_make_of_the_lines(compared, metric, column, start):
    out, _ = compared
    base = values(out, metric, "nn", start)
    for method in ("nn", "<script>alert(1)< [mean]"):
        row, here = table(out)[metric, column, method], values(out, metric, method, start)
        assert (int(row["n"]), int(row["of"])) == (len(here), {"all": 14, "music 5 dB": 6}[column])
        assert float(row["mean"]) == pytest.approx(np.mean(list(here.values())), rel=1e-12)
        assert (float(row["low"]), float(row["high"])) == pytest.approx(of_scipy(here.values()), rel=1e-9)
        if method == "nn":
            assert row["difference"] == row["difference_low"] == ""
            continue
        gains = [value - base[name] for name, value in here.items() if name in base]
        assert float(row["difference"]) == pytest.approx(np.mean(gains), rel=1e-12)
        ends = float(row["difference_low"]), float(row["difference_high"])
        assert ends == pytest.approx(of_scipy(gains), rel=1e-9)


def of_scipy(numbers) -> tuple[float, float]:
    drawn = np.random.default_rng(0)
    found = bootstrap((list(numbers),), np.mean, n_resamples=9999, method="BCa", random_state=drawn)
    return tuple(map(float, found.confidence_interval))


def test_the_unprocessed_row_is_the_mix_and_the_others_what_their_configurations_render(original, compared):
    out, _ = compared
    name = "music_-5_3"
    mix, speech = original / f"mix/{name}.wav", original / f"speech/{name}.wav"
    found = {line["method"]: line["metrics"] for line in lines(out) if line["mix"] == name}
    for path in configs(original):
        config = parse_config(path.read_text().replace(", {metric: wer}", ""))
        rendered = Pipeline(config).run(mix).speech
        (score,) = evaluate_pair(mix, rendered, speech, config=config).scores
        assert found[path.stem]["si_sdr"]["after"] == pytest.approx(score.after, abs=1e-4)
    plain = evaluate_pair(mix, mix, speech, config=parse_config(NN.replace("wer", "trade_off"))).as_dict()["metrics"]
    for metric in ("si_sdr", "music_left", "speech_lost"):
        assert found[UNPROCESSED][metric]["after"] == pytest.approx(plain[metric]["after"], abs=1e-9)
    assert found[UNPROCESSED]["music_left"]["after"] == pytest.approx(5, abs=0.05)  # the level it was made at


def test_a_rule_is_what_its_own_configuration_would_be(original, compared, tmp_path):
    out, _ = compared
    mean = tmp_path / "mean.yaml"
    mean.write_text(BOTH.replace(", {metric: wer}", "") + "fuse: {rule: mean}")
    name = "music_5_1"
    rendered = Pipeline(load_config(mean)).run(original / f"mix/{name}.wav").speech
    pair = original / f"mix/{name}.wav", rendered, original / f"speech/{name}.wav"
    scores = evaluate_pair(*pair, config=load_config(mean)).as_dict()
    found = values(out, "si_sdr", "<script>alert(1)< [mean]")[name]
    assert found == pytest.approx(scores["metrics"]["si_sdr"]["after"], abs=1e-4)
    weighted = values(out, "si_sdr", "<script>alert(1)< [weights]")[name]
    assert abs(weighted - found) > 0.1  # three to one


def test_nothing_is_better_than_the_oracle_in_any_mix(compared):
    out, _ = compared
    best = values(out, "si_sdr", ORACLE)
    assert len(best) == 12
    for method in {line["method"] for line in lines(out)} - {ORACLE}:
        for name, value in values(out, "si_sdr", method).items():
            assert value < best[name]


def test_where_nobody_speaks_the_table_says_so(compared):
    out, _ = compared
    row = table(out)["si_sdr", "music alone", "nn"]
    assert (row["n"], row["of"], row["mean"]) == ("0", "2", "")
    assert "not measured: the reference is silent: 2 mixes" in (out / "comparison.md").read_text()
    assert "measured: 0 of 2" in (out / "comparison.html").read_text()


def test_means_of_speech_and_background_leave_out_what_has_but_one(compared):
    out, _ = compared
    row = table(out)["compute", "speech and background", "nn"]
    spoken = [value for name, value in values(out, "compute", "nn").items() if "alone" not in name]
    assert (row["n"], row["of"]) == ("12", "12")
    assert float(row["mean"]) == pytest.approx(np.mean(spoken), rel=1e-12)


def test_best_is_marked_where_every_paired_interval_says_so_and_never_the_oracle(compared):
    out, _ = compared
    marked = {key for key, row in table(out).items() if row["best"] == "1"}
    assert marked and not any(method == ORACLE for _, _, method in marked)
    assert ("speech_lost", "all", UNPROCESSED) not in marked
    for metric, column, method in marked:
        sign = -1 if table(out)[metric, column, method]["better"] == "lower" else 1
        starts = {"all": "", "speech and background": "", "music alone": "music_alone"}
        start = starts.get(column, column.replace(" dB", "_").replace(" ", "_"))
        mine = values(out, metric, method, start.replace("−", "-"))
        for other in {line["method"] for line in lines(out)} - {ORACLE, method}:
            theirs = values(out, metric, other, start.replace("−", "-"))
            if theirs and (other != UNPROCESSED or metric != "speech_lost"):
                apart = [mine[name] - theirs[name] for name in mine]
                hardly = 0.05 * abs(np.mean(apart))  # by which two bootstraps of the same numbers may differ
                assert min(sign * end for end in of_scipy(apart)) > -hardly


def test_a_label_stays_text_on_the_page_and_in_the_markdown(compared):
    out, printed = compared
    page = (out / "comparison.html").read_text()
    assert "<script" not in page and page.count("&lt;script&gt;alert(1)&lt;") > 10
    for text in (printed, (out / "comparison.md").read_text()):
        assert "\\<script>alert" in text and not text.replace("\\<", "").count("<script")


def test_the_picture_holds_a_point_a_method_and_takes_the_pages_colour(compared):
    out, _ = compared
    text = (out / "trade_off.svg").read_text()
    said = [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(text).iter() if node.tag[-5:] == "}text"
    ]
    for label in (UNPROCESSED, "nn", "<script>alert(1)<", "<script>alert(1)< [min]", ORACLE, "max", "mean", "min"):
        assert label in said, said
    assert "speech lost, dB   (← better)" in said and "music left, dB   (↓ better)" in said
    assert "currentColor" in text and "#010203" not in text
    assert text.partition("<svg")[2].partition(">")[2].strip() in (out / "comparison.html").read_text()


def test_the_pictures_numbers_are_means_over_the_mixes_that_hold_both(compared):
    out, _ = compared
    lost, left = (np.mean(list(values(out, metric, "nn").values())) for metric in ("speech_lost", "music_left"))
    page = (out / "comparison.html").read_text()
    row = page.partition('<th scope="row">nn</th>')[2].partition("</tr>")[0]
    assert f"{lost:.2f} [".replace("-", "−") in row and f"{left:.2f} [".replace("-", "−") in row
    assert "Over 12 mixes" in page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_keeps_to_the_rules_for_people_and_to_the_width(compared, browser, scheme):
    """Witness: axe-core's rules, which hold those of WCAG 2 AA."""
    from axe_playwright_python.sync_playwright import Axe

    for width in (1280, 360):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        asked = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((compared[0] / "comparison.html").resolve().as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
        ink = page.evaluate("getComputedStyle(document.querySelector('.plot svg text')).fill")
        assert ink == page.evaluate("getComputedStyle(document.body).color")
        assert page.locator("table").count() == 2 + 4
        assert len(asked) == 1
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        page.close()


def test_the_command_prints_the_overview_and_where_everything_is(copied):
    words = ["compare", *(word for path in copied.configs for word in ("--config", str(path)))]
    asked = CliRunner().invoke(main, [*words, "--set", str(copied.folder), "-o", str(copied.out), "--fusion-rules"])
    assert asked.exit_code == 0, asked.output
    assert asked.output.startswith("| speech and background: 12 mixes ")
    assert [line[2:] for line in asked.output.splitlines() if line.startswith("→")] == [
        str(copied.out / name)
        for name in ("comparison.md", "comparison.csv", "trade_off.svg", "comparison.html", "results.jsonl")
    ]


def test_what_cannot_be_compared_is_one_line(copied):
    first = copied.configs[0]
    with pytest.raises(ConfigError, match=r"nn\.yaml is given twice"):
        run_compare(CompareJob((first, first), copied.folder, copied.out))
    other = copied.out.parent / "b/nn.yaml"
    other.parent.mkdir()
    other.write_text(NN)
    run_compare(CompareJob((first, other), copied.folder, copied.out))
    assert {"copy/nn", "b/nn"} <= {method for _, _, method in table(copied.out)}
    with pytest.raises(ConfigError, match="is a file; give a folder"):
        run_compare(CompareJob((first,), copied.folder, first))
    (copied.folder / "speech/music_5_2.wav").write_text("no sound")
    with pytest.raises(SourceError, match=r"unprocessed, music_5_2: .*music_5_2\.wav.*what was measured is kept"):
        run_compare(CompareJob((first,), copied.folder, copied.out))
    missing = CliRunner().invoke(main, ["compare", "--config", str(first), "--set", str(copied.out), "-o", "x"])
    assert (
        missing.exit_code == 2 and len(missing.stderr.splitlines()) == 1 and "holds no folder 'mix'" in missing.stderr
    )


def test_two_comparisons_do_not_write_into_one_folder_at_once(copied):
    from filelock import FileLock

    with (
        FileLock(copied.out / ".sepkit-lock", blocking=False),
        pytest.raises(OutputError, match="another comparison writes here"),
    ):
        run_compare(copied)


def test_the_classic_tables_configurations_differ_in_the_separator_alone():
    folder = Path(__file__).parents[2] / "config/compare"
    names = ("nn_filter", "compact", "ica")
    nn, *others = found = [load_config(folder / f"{name}.yaml") for name in names]
    assert tuple(member.separator for config in found for member in config.members) == names
    assert all(nn.model_copy(update={"members": other.members}) == other for other in others)
    assert (nn.denoise, nn.post_mask, nn.equalise, nn.loudness.target_lufs) == (None,) * 4
