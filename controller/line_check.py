"""What of a line file can only be checked beside the files it names: bundle and paths."""

from controller.config_check import bundle_problems
from controller.config_report import ConfigError
from controller.line_file import LineFile, MeasuredCalibration
from plc.config import DirectConfig, PlcConfig, TlsTransport
from plc.errors import PlcSecurityError
from plc.tls import client_context
from vision.bundle import read_manifest
from vision.config import ImagesCamera, VideoCamera


def check_bundle(line: LineFile) -> None:
    """Check that the line's bundle knows every fraction that the recipe acts on.

    Raises:
        ConfigError: it does not; class and bundle are named.
        vision.errors.BundleError: there is no readable bundle.
    """
    manifest = read_manifest(line.detector.bundle)
    if problems := bundle_problems(line.recipe, manifest.name, manifest.classes):
        raise ConfigError(problems)


def check_one_camera(line: LineFile) -> None:
    """Check that a line that is to run on the twin in real time has one camera.

    Raises:
        ConfigError: it names several, which the twin renders in virtual time alone.
    """
    if line.more_cameras:
        msg = (
            f"cameras: the twin has {len(line.cameras)} cameras in `run_line.py simulate` only; "
            "in real time it has one: name it in [camera], or name a plant's cameras and `run`"
        )
        raise ConfigError([msg])


def check_paths(line: LineFile) -> None:
    """Check that the files named are where the line file says, and fit for use.

    Raises:
        ConfigError: one line for each that is not.
    """
    problems: list[str] = []
    behind = line.downstream_camera
    every = line.cameras if behind is None else (*line.cameras, behind)
    for index, camera in enumerate(every):
        key = f"cameras[{index}]" if line.several_cameras else "camera"
        if isinstance(camera, VideoCamera) and not camera.path.is_file():
            problems.append(f"{key}.path: no video file {camera.path}")
        if isinstance(camera, ImagesCamera) and not camera.path.is_dir():
            problems.append(f"{key}.path: no folder {camera.path}")
    if isinstance(line.calibration, MeasuredCalibration):
        problems += (
            f"calibration.path: no file {path}; calibrate the line first"
            for path in line.calibration.paths
            if not path.is_file()
        )
    problems += (problem for plc in line.plcs for problem in _certificate_problems(plc))
    if problems:
        raise ConfigError(problems)


def _certificate_problems(plc: PlcConfig | DirectConfig) -> tuple[str, ...]:
    """Return what is wrong with the line's own certificate, before a PLC says so."""
    if not isinstance(plc.transport, TlsTransport):
        return ()
    try:
        client_context(plc.transport)
    except PlcSecurityError as error:
        return (f"plc.transport: {error}",)
    return ()
