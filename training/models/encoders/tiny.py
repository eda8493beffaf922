"""The encoder `tiny`: two random layers over a vocabulary made from the training texts. It proves wiring, no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

VOCABULARY = 8000
CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make_tokenizer(texts: Iterable[str]) -> bytes:
    """`tokenizer.json` of a cased WordPiece tokenizer: all characters, and the most frequent words of the texts."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    splitter = pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in splitter.pre_tokenize_str(text))
    letters = sorted({letter for word in words for letter in word})
    pieces = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    known = set(pieces)
    endings = Counter(
        f"##{word[-size:]}"
        for word, count in words.items()
        for size in (2, 3)
        if len(word) > size
        for _ in range(count)
    )
    for table in (words, endings):
        for word, _ in sorted(table.items(), key=lambda item: (-item[1], item[0])):
            if len(pieces) < VOCABULARY and word not in known:
                pieces.append(word)
                known.add(word)
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))  # noqa: S106
    tokenizer.pre_tokenizer = splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return tokenizer.to_str(pretty=True).encode()
