"""Trains, resumes, exports and measures a tiny network through the commands themselves."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vision.bundle import load_bundle
from vision.types import Fraction

REPOSITORY = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(
        importlib.util.find_spec("torch") is None
        or importlib.util.find_spec("ultralytics") is None,
        reason="torch and ultralytics are not installed; make test installs them",
    ),
]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder with a tiny data set and a run that was stopped after its first checkpoint."""
    folder = tmp_path_factory.mktemp("workshop")
    command(folder, "compose", "--out", "set", "--train", "16", "--held-out", "4", "--items", "3")
    command(folder, *TRAIN, "--epochs", "2")
    return folder


TRAIN = ("train", "--dataset", "set", "--out", "run", "--epoch-scenes", "8", "--batch", "4",
         "--size", "96", "--threads", "1")  # fmt: skip


def command(folder, *words, expect=0):
    result = subprocess.run(
        [sys.executable, "-m", "models", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "YOLO_CONFIG_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == expect, result.stderr[-3000:]
    return result


def test_a_trained_network_exports_with_parity_and_loads_at_run_time(workshop):
    export = ("export", "--checkpoint", "run/weights/last.pt", "--dataset", "set")
    result = command(workshop, *export, "--out", "bundle")
    assert "parity" in result.stderr
    bundle = load_bundle(workshop / "bundle")
    assert bundle.manifest.classes == tuple(Fraction)
    assert bundle.manifest.licence == "AGPL-3.0-only"
    assert not bundle.manifest.decode.needs_nms
    assert bundle.manifest.training["run"]["batch"] == 4
    assert (workshop / "bundle" / "LICENCE.md").is_file()
    assert str(workshop).encode() not in (workshop / "bundle" / "weights.pt").read_bytes()

    evaluate = ("evaluate", "--bundle", "bundle", "--dataset", "set", "--card", "card.md")
    assert "mercury_lamp" in command(workshop, *evaluate).stdout
    measured = load_bundle(workshop / "bundle").manifest
    assert measured.metrics["test_rendered"]["scenes"] == 4
    assert "AGPL-3.0-only" in (workshop / "card.md").read_text()

    command(workshop, *export, "--head", "one_to_many", "--out", "many")
    assert load_bundle(workshop / "many").manifest.decode.needs_nms


def test_another_runs_weights_are_begun_with(workshop):
    start = ("--start", "run/weights/last.pt", "--learning-rate", "1e-9", "--seed", "2")
    words = [word if word != "run" else "second" for word in TRAIN]
    command(workshop, *words, *start, "--epochs", "1")
    runs = [np.load(_first_kernel(workshop, run)) for run in ("run", "second")]
    assert np.corrcoef(runs[0].ravel(), runs[1].ravel())[0, 1] > 0.99
    seconds = [
        json.loads((workshop / r / "order.json").read_text())["seconds"] for r in ("run", "second")
    ]
    assert seconds[1] >= seconds[0]


def _first_kernel(workshop, run):
    """Save the first convolution of a run's network, read in a process of its own."""
    script = (
        "import sys, numpy, torch; from models.torchvision_shim import install; install();"
        "network = torch.load(sys.argv[1], weights_only=False)['model'];"
        "numpy.save(sys.argv[2], network.model[0].conv.weight.detach().float().numpy())"
    )
    target = workshop / f"{run}.npy"
    weights = workshop / run / "weights" / "last.pt"
    subprocess.run(
        [sys.executable, "-c", script, str(weights), str(target)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "YOLO_CONFIG_DIR": str(workshop)},
        check=True,
        timeout=100,
    )
    return target


def test_a_finished_run_is_not_trained_over(workshop):
    result = command(workshop, *TRAIN, expect=2)
    assert "finished" in result.stderr


def test_the_run_records_its_effort(workshop):
    record = json.loads((workshop / "run" / "order.json").read_text())
    assert record["family"] == "yolo26n"
    assert record["seconds"] > 0


def test_a_killed_run_goes_on_where_it_stopped(workshop):
    words = [word if word != "run" else "killed" for word in TRAIN]
    with subprocess.Popen(
        [sys.executable, "-m", "models", *words, "--epochs", "3"],
        cwd=workshop,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "YOLO_CONFIG_DIR": str(workshop)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout:
            if "2/3" in line:
                process.kill()
    assert (workshop / "killed" / "weights" / "last.pt").is_file()
    result = command(workshop, *words, "--epochs", "3")
    assert "1/3" not in result.stdout + result.stderr
    assert "3/3" in result.stdout + result.stderr


def test_training_without_a_data_set_names_the_command_that_makes_one(tmp_path):
    words = ("train", "--dataset", "none", "--out", "run")
    assert "python -m models compose" in command(tmp_path, *words, expect=2).stderr


def test_exporting_nothing_names_the_command_that_trains(tmp_path):
    words = ("export", "--checkpoint", "none.pt", "--out", "bundle")
    assert "python -m models train" in command(tmp_path, *words, expect=2).stderr
