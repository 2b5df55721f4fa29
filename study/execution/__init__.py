"""Drives a study on Ray: its folder taken up, its trials executed, its checkpoints and requests
looked after.
"""
