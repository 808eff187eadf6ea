"""Answers to the dashboard and to any other client."""
