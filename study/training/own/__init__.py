"""Trainings of the user's own: the function that ``train: package.module:function`` names, and the
session by which it talks with its study.
"""
