"""The journal, the only truth about a study: its events, the state they add up to, what is lost of
them.
"""
