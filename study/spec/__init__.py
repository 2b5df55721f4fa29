"""The study file: its keys, its rules, and how it is read, overridden and written."""
