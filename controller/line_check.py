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
    """Check that a line that runs on threads has one camera.

    Raises:
        ConfigError: it names several, which virtual time alone can drive so far.
    """
    if line.more_cameras:
        msg = (
            f"cameras: {1 + len(line.more_cameras)} cameras run in `run_line.py simulate` only; "
            "`run` and `demo` drive one: name it in [camera]"
        )
        raise ConfigError([msg])


def check_paths(line: LineFile) -> None:
    """Check that the files named are where the line file says, and fit for use.

    Raises:
        ConfigError: one line for each that is not.
    """
    problems: list[str] = []
    camera, calibration = line.camera, line.calibration
    if isinstance(camera, VideoCamera) and not camera.path.is_file():
        problems.append(f"camera.path: no video file {camera.path}")
    if isinstance(camera, ImagesCamera) and not camera.path.is_dir():
        problems.append(f"camera.path: no folder {camera.path}")
    if isinstance(calibration, MeasuredCalibration) and not calibration.path.is_file():
        problems.append(f"calibration.path: no file {calibration.path}; calibrate the line first")
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
