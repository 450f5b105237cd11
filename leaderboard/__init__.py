"""What was measured: summaries of runs, reports, and the leaderboard."""
