"""The libraries that people train with, as callbacks by which their loops talk with a study.

Each is imported by who uses it; the packages come with the extras of the same names.
"""
