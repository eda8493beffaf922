"""The annotation loop: retrain on new reviews, promote a better model, queue what to label next; and its simulation."""
