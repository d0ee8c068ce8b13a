"""One pure function from observed positions to a passage, and the command that scores files."""

import json

import numpy as np
import pytest

from benchmarks.track_scenes import CYLINDERS, GRAIN, KINDS, SPHERES, make_tracks
from benchmarks.tracking import learnt_gain, lined_up
from vision.tracking import score
from vision.tracking.arrival import predict_arrival
from vision.tracking.recorded import Scales, TrackFileError, read_tracks


def _seen(speed=1000.0, noise_mm=0.0, count=30, seed=1):
    rng = np.random.default_rng(seed)
    times = np.arange(count) * 0.005
    return (
        times,
        100.0 + rng.normal(0.0, noise_mm, count),
        speed * times + rng.normal(0.0, noise_mm, count),
    )


@pytest.mark.parametrize("belt", [None, 1000.0])
def test_an_item_at_constant_speed_is_foreseen_to_a_twentieth_of_a_millisecond(belt):
    times, x, y = _seen(speed=960.0)
    found = predict_arrival(times, x, y, 960.0 * 0.2, belt_speed_mm_per_s=belt)
    assert found.time_s == pytest.approx(0.2, abs=5e-5)
    assert found.lateral_mm == pytest.approx(100.0, abs=0.05)
    assert found.speed_mm_per_s == pytest.approx(960.0, rel=0.01)


def test_order_gaps_and_irregular_times_make_no_difference():
    times, x, y = _seen(noise_mm=0.1)
    shuffled = np.random.default_rng(2).permutation(len(times))
    first = predict_arrival(times, x, y, 200.0)
    again = predict_arrival(times[shuffled], x[shuffled], y[shuffled], 200.0)
    assert again == first
    x[7], y[11] = np.nan, np.nan
    gaps = predict_arrival(times, x, y, 200.0)
    assert gaps.used == 28
    assert gaps.time_s == pytest.approx(first.time_s, abs=2e-4)


def test_the_clock_and_the_place_may_start_anywhere():
    times, x, y = _seen(noise_mm=0.1)
    near = predict_arrival(times, x, y, 200.0)
    far = predict_arrival(times + 5000.0, x, y + 3000.0, 3200.0)
    assert far.time_s - 5000.0 == pytest.approx(near.time_s, abs=1e-6)


def test_a_single_wrong_position_and_another_items_views_are_left_out():
    times, x, y = _seen(noise_mm=0.1)
    y[12] += 9.0
    assert predict_arrival(times, x, y, 200.0).time_s == pytest.approx(0.2, abs=2e-4)
    x[:8] += 14.0
    y[:8] -= 11.0
    found = predict_arrival(times, x, y, 200.0)
    assert 17 <= found.used <= 22
    assert found.time_s == pytest.approx(0.2, abs=2e-4)
    assert found.lateral_mm == pytest.approx(100.0, abs=0.5)


def test_the_spread_grows_with_noise_and_covers_the_error():
    errors, spreads = [], []
    for seed in range(60):
        times, x, y = _seen(noise_mm=0.4, count=12, seed=seed)
        found = predict_arrival(times, x, y, 1000.0 * times[-1] + 44.0)
        errors.append(found.time_s - times[-1] - 0.044)
        spreads.append(found.sd_time_s)
    quiet = predict_arrival(*_seen(noise_mm=0.05, count=12), 99.0)
    assert quiet.sd_time_s < np.median(spreads)
    assert 0.5 < np.std(errors) / np.median(spreads) < 1.5


def test_one_view_is_enough_on_a_known_belt_and_too_little_without():
    found = predict_arrival([1.0], [50.0], [0.0], 44.0, belt_speed_mm_per_s=1000.0)
    assert found.time_s == pytest.approx(1.044, abs=1e-6)
    assert found.sd_time_s > 0
    with pytest.raises(ValueError, match="2 are needed without a belt speed"):
        predict_arrival([1.0], [50.0], [0.0], 44.0)
    with pytest.raises(ValueError, match="equally long"):
        predict_arrival([1.0, 2.0], [50.0], [0.0], 44.0)
    with pytest.raises(ValueError, match="never reaches the nozzles"):
        predict_arrival([0.0, 0.1], [50.0, 50.0], [10.0, 0.0], 44.0)


@pytest.mark.parametrize(("kind", "aim"), [(SPHERES, 0.99), (CYLINDERS, 0.95), (GRAIN, 0.98)])
def test_made_tracks_are_foreseen_better_than_by_a_fixed_delay(kind, aim):
    scores = score.score_tracks(lined_up(kind, 80, seed=3), score.Task(nozzle_y_mm=0.0), 1000.0)
    hits = {s.method: s.hits for s in scores}
    assert hits["predict_arrival"] >= aim
    assert hits["predict_arrival"] >= hits["fixed delay"]
    assert hits["predict_arrival, belt speed known"] >= hits["fixed delay"]


def test_a_learnt_correction_changes_little():
    before, after = learnt_gain(CYLINDERS, 40)
    assert abs(after - before) < 0.05


def _as_long(tracks):
    lines = ["track,kind,time_ms,x_px,y_px"]
    for track in tracks:
        rows = zip(track.times_s, track.x_mm, track.y_mm, strict=True)
        lines += [f"{track.name},{track.kind},{1e3 * t},{2.88 * x},{2.88 * y}" for t, x, y in rows]
    return "\n".join(lines) + "\n"


def test_the_command_scores_a_long_csv_a_wide_one_and_json_alike(tmp_path, capsys):
    tracks = make_tracks(SPHERES, 12, seed=4)
    long, document = tmp_path / "long.csv", tmp_path / "tracks.json"
    long.write_text(_as_long(tracks))
    document.write_text(
        json.dumps(
            [
                {
                    "track": t.name,
                    "kind": t.kind,
                    "times_s": t.times_s.tolist(),
                    "x_mm": t.x_mm.tolist(),
                    "y_mm": t.y_mm.tolist(),
                }
                for t in tracks
            ]
        )
    )
    arguments = ["--json", "--nozzle-y-mm", "110"]
    assert score.main([str(long), *arguments, "--px-per-mm", "2.88"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert score.main([str(document), *arguments]) == 0
    second = json.loads(capsys.readouterr().out)
    assert [s["method"] for s in first] == [s["method"] for s in second]
    assert [s["hits"] for s in first] == [s["hits"] for s in second]
    assert score.main([str(document)]) == 0
    assert "predict_arrival" in capsys.readouterr().out


def test_a_wide_csv_has_a_frame_a_line_and_gaps(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("A_X,A_Y,B_X,B_Y\n1,10,,\n1,20,5,11\n,,5,21\n")
    a, b = read_tracks(path, Scales(frames_per_s=200.0))
    assert (a.name, b.name) == ("A", "B")
    assert a.y_mm.tolist() == [10.0, 20.0]
    assert b.times_s.tolist() == [0.005, 0.01]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("track,frame,x_mm,y_mm\nA,0,1,2\n", "--frames-per-s"),
        ("track,time_s,x_px,y_px\nA,0,1,2\n", "--px-per-mm"),
        ("track,time_s,y_mm\nA,0,1\n", "no column x_mm"),
        ("track,time_s,x_mm,y_mm\nA,0,1\n", "line 2: 3 columns"),
        ("hello,world\n1,2\n", "neither the long nor the wide form"),
        ("track,time_s,x_mm,y_mm\n", "no line below the header"),
        ("track,time_s,x_mm,y_mm\nA,zero,1,2\n", "could not convert"),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_a_remedy(tmp_path, capsys, text, message):
    path = tmp_path / "tracks.csv"
    path.write_text(text)
    assert score.main([str(path)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert str(path) in told


def test_missing_files_and_tracks_that_end_too_early_are_told(tmp_path, capsys):
    assert score.main([str(tmp_path / "none.csv")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    with pytest.raises(TrackFileError, match="--nozzle-y-mm"):
        score.score_tracks(make_tracks(GRAIN, 3, seed=1), score.Task(nozzle_y_mm=9000.0))


def test_the_interval_of_a_share_holds_it_and_narrows():
    low, high = score.wilson(98, 100)
    assert low < 0.98 < high
    assert score.wilson(980, 1000)[0] > low
    assert score.wilson(0, 0) == (0.0, 1.0)


def test_same_seed_same_tracks():
    for kind in KINDS:
        first, again = (make_tracks(kind, 2, seed=5)[1] for _ in range(2))
        assert np.array_equal(first.y_mm, again.y_mm)
