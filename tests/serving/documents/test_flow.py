from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents.flow import PAGE_LINES, Run, mask_runs
from tests.masking.lexicon import LexiconPredictor


@pytest.fixture
def masker(labels: LabelSchema) -> Masker:
    return Masker(LexiconPredictor(), load_policy("pseudonymise"), labels)


@pytest.mark.parametrize("end", ["\n", "\r\n", " \r\n"])
async def test_a_value_over_two_lines_of_a_page_is_one(masker: Masker, end: str) -> None:
    text = f"Ann: call +1 415{end}555 0132, or\n\nBob in Berlin{end}now"
    result = await mask_runs([Run(text)], masker, wrapped=PAGE_LINES)
    assert result.texts == (f"[FIRSTNAME_1]: call [PHONENUMBER_1], or\n\n[FIRSTNAME_2] in [CITY_1]{end}now",)
    unwrapped = await mask_runs([Run(text)], masker)
    assert "PHONENUMBER" not in unwrapped.masked.counts


async def test_every_version_of_a_changed_text_is_read(masker: Masker) -> None:
    runs = [Run("A"), Run("x", absent="final"), Run("nn and Bo"), Run("o", absent="original"), Run("b.")]
    result = await mask_runs(runs, masker)
    assert result.texts == ("[FIRSTNAME_1]", "", " and [FIRSTNAME_2]", "", ".")


async def test_a_labelled_run_is_masked_whole_in_its_escapes(masker: Masker) -> None:
    result = await mask_runs([Run("J%C3%BCrgen ", label="FIRSTNAME"), Run("x", "\n")], masker)
    assert result.texts == ("[FIRSTNAME_1] ", "x")
