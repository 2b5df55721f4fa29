"""How many epochs and how long rules of search take to a good point, on recorded learning curves.

``make bench-search`` runs it; docs/fewer-epochs.md says how it measures and what came out.
"""
