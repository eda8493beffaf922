"""Open ONNX graphs for the CPU, with errors of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldspan.annotation.errors import StateError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.wording import describe_error

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


_SLOW_FUSIONS = frozenset({"SkipLayerNormFusion"})
"""Optimisations that cost time on a CPU: the fused layer norm takes a BERT 6 % longer than addition and layer norm."""


def open_session(model: bytes, name: str, threads: int = 1) -> InferenceSession:
    """A session over a graph; `threads` compute one run.

    Raises:
        ConfigurationError: onnxruntime is not installed.
        StateError: the graph cannot be loaded.
    """
    require_packages("models", "onnxruntime", "tokenizers")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], disabled_optimizers=set(_SLOW_FUSIONS)
        )
    except Exception as error:  # noqa: BLE001
        raise StateError(f"The graph of {name} cannot be loaded: {describe_error(error)[:200]}") from None
