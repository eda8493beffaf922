from __future__ import annotations

import pytest

import goldspan
from goldspan.annotation.errors import InputError, MaskingError, ServiceError, TransientServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.mask import Masker, mask, mask_async, open_masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.base import Prediction, RemotePredictor
from tests.masking.lexicon import LexiconPredictor


class FailingPredictor(RemotePredictor):
    name = "failing"

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        raise TransientServiceError("the server does not answer")


async def test_mask_works_where_an_event_loop_runs_and_where_none_does() -> None:
    one = await mask_async("Ann Smith", "redact", LexiconPredictor())
    other = mask("Ann Smith", "redact", LexiconPredictor())
    assert one.text == other.text == "[REDACTED] [REDACTED]"


def test_goldspan_mask() -> None:
    masked = goldspan.mask("Write to ann@mail.com.", policy="pseudonymise", predictor="regex")
    assert masked.text == "Write to [EMAIL_1]."
    assert masked.complete
    assert "FIRSTNAME" in masked.unread_labels
    assert "ann@mail.com" not in repr(masked)


def test_a_failing_predictor_gives_no_text() -> None:
    with pytest.raises(ServiceError):
        mask("Ann Smith", "redact", FailingPredictor())


def test_a_long_text_is_masked_to_its_end() -> None:
    text = "Nothing to see here. " * 2_000 + "Write to Ann, ann.smith@mail.com."
    masked = mask(text, "pseudonymise", LexiconPredictor())
    assert masked.text.endswith("Write to [FIRSTNAME_1], [EMAIL_1].")


def test_the_predictor_has_to_be_named() -> None:
    with pytest.raises(InputError, match=r"regex\+rampart"):
        mask("Ann")
    with pytest.raises(MaskingError):
        mask(None, "redact", LexiconPredictor())  # type: ignore[arg-type]


def test_labels_that_the_predictor_cannot_give_are_named() -> None:
    masker = open_masker("pci", "regex")
    assert masker.unread_labels == ("FIRSTNAME", "SURNAME")


def test_an_empty_text_is_complete() -> None:
    for text in ("", " \n"):
        masked = mask(text, "redact", FailingPredictor())
        assert masked.text == text
        assert masked.complete


@pytest.mark.parametrize("policy", ["pseudonymise", "surrogates"])
async def test_an_address_has_one_replacement_whether_its_person_is_named_beside_it_or_not(policy: str) -> None:
    masker = Masker(LexiconPredictor(), load_policy(policy), load_labels()).share_replacements()
    texts = ["Ann Smith: ann.smith@mail.com", "ann.smith@mail.com", "of Ann Smith, ann.smith@mail.com"]
    masked = [(await masker.mask(text)).replacements for text in texts]
    assert len({one.replacement for found in masked for one in found if one.label == "EMAIL"}) == 1
