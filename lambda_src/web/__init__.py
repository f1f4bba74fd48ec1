"""HTTP as the `api` function speaks it: requests, answers, problem documents, the resources behind the routes."""
