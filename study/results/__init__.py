"""From the journal to the three tables of a study, in Parquet."""
