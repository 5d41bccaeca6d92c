"""When an appointment is booked for somebody without cover, has a person look into it."""

import os

from vagus.automations import Automation, Event

automation = Automation(
    "eligibility",
    project=os.environ["VAGUS_PROJECT"],
    rabbitmq={"url": os.environ["RABBITMQ_URL"]},
    key="keys/eligibility.jwk",
    state="state/eligibility",
    recipients=[{"name": "front_desk", "key": "keys/front_desk.jwk", "on": ["work.*"]}],
)


@automation.on("appointment.booked")
async def check(event: Event) -> None:
    """Publish a task unless the booking came with an active coverage."""
    if not any(item["status"] == "active" for item in event.resources("Coverage")):
        task = {"resourceType": "Task", "status": "requested", "intent": "order"}
        task["code"] = {"text": "No cover on file: call before the visit"}
        await automation.publish(event, "work.requested", [task, event.first("Appointment")])


automation.run()
