"""Decides what runs next, who stops, and what the sampler is told; knows neither Ray nor files."""
