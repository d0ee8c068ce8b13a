"""The detector on ONNX Runtime: runs wherever the default backend does not."""

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from vision.bundle import load_bundle
from vision.config import DetectorConfig
from vision.decode import Decoder
from vision.errors import DetectorError
from vision.letterbox import Letterbox
from vision.types import Detections


class OnnxDetector:
    """Runs a bundle's network on the CPU, one image at a time.

    One thread calls `detect` at a time; the input tensor is one preallocated buffer.
    """

    def __init__(self, config: DetectorConfig, image_shape: tuple[int, int]) -> None:
        """Load, verify and prepare.

        Args:
            config: bundle, input size and threads; bf16 is refused.
            image_shape: (height, width) of the camera's images, px.

        Raises:
            BundleError: the bundle is missing, altered or unusable.
            DetectorError: ONNX Runtime cannot run it as configured.
        """
        if config.precision == "bf16":
            msg = "precision bf16 needs backend = openvino; ONNX Runtime runs f32 here"
            raise DetectorError(msg)
        bundle = load_bundle(config.bundle)
        spec = bundle.manifest.input
        self._bundle_id = bundle.bundle_id
        self._letterbox = Letterbox(image_shape, config.input_px or spec.long_side_px, spec.fill)
        self._decoder = Decoder(bundle.manifest, config.min_score)
        self._scale = np.float32(spec.scale)
        channels = slice(None, None, -1) if spec.colour == "rgb" else slice(None)
        self._pixels = self._letterbox.buffer[:, :, channels].transpose(2, 0, 1)
        self._tensor = np.zeros((1, 3, *self._letterbox.shape), dtype=np.float32)
        try:
            self._session = ort.InferenceSession(
                bundle.network, _options(config.threads), providers=["CPUExecutionProvider"]
            )
            self._input_name = self._session.get_inputs()[0].name
            first_output = self._run()
        except Exception as error:
            # The library's own exceptions share no base class but Exception.
            msg = f"{bundle.path}: ONNX Runtime cannot run this network: {error}"
            raise DetectorError(msg) from error
        self._decoder.check_rows(first_output.shape)

    @property
    def bundle_id(self) -> str:
        """Name and hash of the model bundle."""
        return self._bundle_id

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Find items; see the port."""
        self._letterbox.fit(image)
        try:
            output = self._run()
        except Exception as error:
            # As above.
            msg = f"ONNX Runtime failed on an image: {error}"
            raise DetectorError(msg) from error
        return self._decoder.decode(output, self._letterbox)

    def _run(self) -> npt.NDArray[np.float32]:
        np.multiply(self._pixels, self._scale, out=self._tensor[0], casting="same_kind")
        output: npt.NDArray[np.float32] = self._session.run(None, {self._input_name: self._tensor})[
            0
        ]
        return output


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return options
