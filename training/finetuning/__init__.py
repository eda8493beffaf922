"""Fine-tuning of language models on the evaluation predictor's own prompt, at a provider or on this machine."""
