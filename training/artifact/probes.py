"""Eight texts whose outputs are recorded in the model directory and compared whenever it is opened.

They are invented, and belong to no data set. The model need not be right about them, only give the same again.
"""

from __future__ import annotations

from collections.abc import Sequence

from goldspan.predictors.model.decode import DecodingOptions, decode_entities
from goldspan.predictors.model.directory import Probe
from goldspan.predictors.model.runtime import OnnxRuntime

TEXTS = (
    "My name is Johanna Brandt and I live at Lindenweg 14, 50674 Köln. You can call me on +49 221 4710815.",
    "Dear Mr Okafor, your parcel 00340434161094 was delivered to 22 Mill Lane, Leeds on 3 May. Regards, Priya Nair",
    "Please send the contract to t.almeida@example.org before Friday; she works for Brightwater Ltd in Lisbon.",
    "La patiente Camille Rousseau, née le 12 avril 1988, habite 7 rue des Tilleuls à 69003 Lyon.",
    "El pago de Lucía Fernández llegó desde la cuenta ES91 2100 0418 4502 0005 1332 el martes pasado.",
    "Sanne de Vries heeft paspoort NX5R2K8L7 bij de balie in Utrecht getoond.",
    "user: mkhan_84, password: Tr0ub4dor&3, last login from https://portal.example.com/u/mkhan_84",
    "The meeting was moved to Tuesday at half past two; nothing else on the agenda changed.",
)


def record_probes(runtime: OnnxRuntime, tags: Sequence[str]) -> tuple[Probe, ...]:
    """The probe texts with what the served graph gives for each."""
    encoded = runtime.encode(TEXTS)
    probes = []
    for text, one, output in zip(TEXTS, encoded, runtime.run(encoded), strict=True):
        found = decode_entities(text, one, output.pii, tags, DecodingOptions())
        best = tuple(output.pii.argmax(axis=1).tolist()) if len(one) else ()
        probes.append(Probe(text, best, tuple((e.start, e.end, e.label) for e in found)))
    return tuple(probes)
