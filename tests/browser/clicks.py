"""Clicks between a question and its answer."""

from __future__ import annotations

from playwright.sync_api import Locator


class Clicks:
    """Counts what a person does."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Locator) -> None:
        self.count += 1
        target.click()

    def choose(self, target: Locator, value: str) -> None:
        """Opening a select and picking from it are one click and another."""
        self.count += 2
        target.select_option(value)
