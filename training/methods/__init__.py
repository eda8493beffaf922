"""Ways to make a predictor from a bundle, behind one interface: `fit(bundle, settings, context)`."""
