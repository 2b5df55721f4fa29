"""What a study promises of its requests to stop, its saved states and its tables, held against what
happens.
"""
