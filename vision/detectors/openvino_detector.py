"""The detector on OpenVINO: the default on x86 processors."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.bundle import ModelBundle, load_bundle
from vision.config import DetectorConfig
from vision.decode import Decoder
from vision.detectors.quiet_openvino import ov, preprocess
from vision.errors import DetectorError
from vision.letterbox import Letterbox
from vision.types import Detections


class OpenVinoDetector:
    """Runs a bundle's network on the CPU, one image at a time, lowest latency first.

    Type, channel order and scale are changed inside the network, so the uint8 letterbox buffer
    is its input tensor without a copy. One thread calls `detect` at a time.
    """

    def __init__(self, config: DetectorConfig, image_shape: tuple[int, int]) -> None:
        """Load, verify, reshape and compile.

        Args:
            config: bundle, input size, threads and precision.
            image_shape: (height, width) of the camera's images, px.

        Raises:
            BundleError: the bundle is missing, altered or unusable.
            DetectorError: OpenVINO cannot compile it as configured on this processor.
        """
        bundle = load_bundle(config.bundle)
        spec = bundle.manifest.input
        self._bundle_id = bundle.bundle_id
        self._letterbox = Letterbox(image_shape, config.input_px or spec.long_side_px, spec.fill)
        self._decoder = Decoder(bundle.manifest, config.min_score)
        try:
            compiled = _compile(bundle, self._letterbox.shape, config)
            self._request = compiled.create_infer_request()
            tensor = ov.Tensor(self._letterbox.buffer[np.newaxis], shared_memory=True)
            self._request.set_input_tensor(tensor)
            self._request.infer()
        except RuntimeError as error:
            msg = f"{bundle.path}: OpenVINO cannot run this network: {error}"
            raise DetectorError(msg) from error
        self._decoder.check_rows(tuple(self._request.get_output_tensor().shape))

    @property
    def bundle_id(self) -> str:
        """Name and hash of the model bundle."""
        return self._bundle_id

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Find items; see the port."""
        self._letterbox.fit(image)
        try:
            self._request.infer()
        except RuntimeError as error:
            msg = f"OpenVINO failed on an image: {error}"
            raise DetectorError(msg) from error
        output = self._request.get_output_tensor().data
        return self._decoder.decode(output, self._letterbox)


def _compile(bundle: ModelBundle, shape: tuple[int, int], config: DetectorConfig) -> Any:
    core = ov.Core()
    model = core.read_model(BytesIO(bundle.network))
    model.reshape([1, 3, *shape])
    spec = bundle.manifest.input
    preprocessing = preprocess.PrePostProcessor(model)
    tensor = preprocessing.input().tensor()
    tensor.set_element_type(ov.Type.u8)
    tensor.set_layout(ov.Layout("NHWC"))
    tensor.set_color_format(preprocess.ColorFormat.BGR)
    preprocessing.input().model().set_layout(ov.Layout("NCHW"))
    steps = preprocessing.input().preprocess()
    steps.convert_element_type(ov.Type.f32)
    if spec.colour == "rgb":
        steps.convert_color(preprocess.ColorFormat.RGB)
    steps.scale(1 / spec.scale)
    return core.compile_model(
        preprocessing.build(),
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": config.threads,
            # A pinned thread would wait for its core while the PLC's scan holds it.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": _precision(core, config),
        },
    )


def _precision(core: Any, config: DetectorConfig) -> str:
    has_bf16 = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if config.precision == "auto":
        return "bf16" if has_bf16 else "f32"
    if config.precision == "bf16" and not has_bf16:
        msg = "precision bf16: this processor lacks it; set precision = f32 or auto"
        raise DetectorError(msg)
    return config.precision
