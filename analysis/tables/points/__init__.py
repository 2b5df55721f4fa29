"""Which point is the best: leaderboard, best of n, winners and their confirmation."""
