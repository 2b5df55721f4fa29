"""What an hour of a worker costs: prices of processors, and how many of them it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tariff:
    """Prices as plain data of the form of ``prices:``, and what each worker of a trial holds."""

    prices: Mapping[str, Any]
    cpus: float
    gpus: float

    @property
    def currency(self) -> str:
        """The currency's name; empty where none was named."""
        return str(self.prices.get("currency") or "")

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels of nodes by which prices differ."""
        return tuple(self.prices.get("by_label") or ())

    def hourly(self, labels: Mapping[str, str] | None = None) -> float:
        """Return what an hour of a worker costs on a node with these labels."""
        rates = {**self.prices, **self._rates_of(labels or {})}
        by_gpu = self.gpus * (rates.get("gpu_hour") or 0.0)
        by_cpu = self.cpus * (rates.get("cpu_hour") or 0.0)
        return float(by_gpu + by_cpu)

    def highest_hourly(self) -> float:
        """Return what an hour of a worker costs on the dearest kind of node that has a price."""
        nodes: list[dict[str, str]] = [{}]
        for label, values in (self.prices.get("by_label") or {}).items():
            nodes += [{label: value} for value in values]
        return max(self.hourly(labels) for labels in nodes)

    def _rates_of(self, labels: Mapping[str, str]) -> Mapping[str, Any]:
        """Return what differs by a node's labels: by the first of the file that it has."""
        for label, values in (self.prices.get("by_label") or {}).items():
            rates = values.get(labels.get(label))
            if rates is not None:
                return {name: rate for name, rate in rates.items() if rate is not None}
        return {}


def money_text(amount: float, currency: str) -> str:
    """Return an amount as a person reads it: ``12.30 EUR``, ``0.0042 EUR``."""
    digits = 2 if amount == 0 or abs(amount) >= 1 else 4
    return f"{amount:,.{digits}f} {currency}".rstrip()
