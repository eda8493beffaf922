"""Run the network over whole texts in torch: what validation during training needs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from goldspan.predictors.model.decode import log_softmax
from goldspan.predictors.model.encoding import EncodedText, WindowSize, pad_rows
from goldspan.predictors.model.runtime import TextOutputs, join_windows
from goldspan.training.models.device import Device
from goldspan.training.models.network import SpanNetwork

_BATCH = 16


def run_network(
    network: SpanNetwork, encoded: Sequence[EncodedText], size: WindowSize, device: Device, pad: int = 0
) -> list[TextOutputs]:
    """Outputs of texts, in their order; windows of like length run together."""
    network.eval()
    cuts = [one.cut(size) for one in encoded]
    jobs = [(text, place) for text, windows in enumerate(cuts) for place in range(len(windows))]
    jobs.sort(key=lambda job: cuts[job[0]][job[1]].end - cuts[job[0]][job[1]].start)
    found: dict[tuple[int, int], TextOutputs] = {}
    with torch.inference_mode():
        for start in range(0, len(jobs), _BATCH):
            part = jobs[start : start + _BATCH]
            ids, mask = pad_rows([encoded[text].wrap(cuts[text][place]) for text, place in part], pad)
            with device.autocast():
                outputs = network(*(torch.from_numpy(array).to(device.kind) for array in (ids, mask)))
            arrays = [output.float().cpu().numpy() for output in outputs]
            for row, (text, place) in enumerate(part):
                window, first = cuts[text][place], len(encoded[text].prefix)
                inner = slice(first, first + window.end - window.start)
                pii, mention, queries, keys = (array[row, inner] for array in arrays)
                found[text, place] = TextOutputs(log_softmax(pii), log_softmax(mention), queries, keys)
    return [
        join_windows(one, cuts[text], [found[text, place] for place in range(len(cuts[text]))])
        for text, one in enumerate(encoded)
    ]
