"""Results of several systems as one report: quality, speed and cost, in tables and charts, without texts."""
