"""The kit for programs that act on canonical events: eligibility, claims, reviews, reminders."""

from vagus.automations.automation import Automation, Reject, Retry
from vagus.automations.event import Event

__all__ = ["Automation", "Event", "Reject", "Retry"]
