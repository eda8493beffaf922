"""Goldspan: from a label schema to reviewed, measured training data and a signed model."""

__version__ = "0.2.0"
