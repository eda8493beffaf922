"""Quality of a data set in numbers: every check gives a score, a flag, a summary and the figures behind it."""
