"""What people's own scripts import: a door, as the command line is one.

Beside ``python``, which stands behind the names of ``study`` itself, these are callbacks by which
the loops of the libraries that people train with talk with a study. Each is imported by who uses
it; the packages come with the extras of the same names.
"""
