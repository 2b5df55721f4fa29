"""Has Ray run trials: a Ray started or joined, Ray Tune's loop, and the worker that trains."""
