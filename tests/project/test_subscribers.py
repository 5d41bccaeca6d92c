"""What vagus.yaml says about brokers and subscribers is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from vagus.kernel.diagnostics import Diagnostics
from vagus.kernel.jwe import generate
from vagus.project import load

RABBIT = "broker: {rabbitmq: {url: 'amqps://u:p@mq.example/v'}}\n"
CHANNEL = """\
channel: adt
source: {mllp: {port: 2575}}
steps: [{transform: hl7v2_to_fhir}]
publish: canonical
"""


def found(folder: Path, project: str, channel: str = CHANNEL) -> list[str]:
    (folder / "channels").mkdir(exist_ok=True)
    (folder / "vagus.yaml").write_text(f"project: trial\n{project}")
    (folder / "channels/adt.yaml").write_text(channel)
    key = folder / "k.jwk"
    key.write_text(generate("k"))
    key.chmod(0o600)
    (folder / "bad.jwk").write_text("{}")
    diagnostics = Diagnostics()
    load(folder, diagnostics, {})
    return [str(item).replace(f"{folder}/", "") for item in diagnostics]


def test_a_whole_set_is_clean(tmp_path: Path) -> None:
    text = RABBIT + "subscribers: [{name: desk, on: patient.* work.*, key: k.jwk, queues: 4}]\n"
    assert found(tmp_path, text) == []
    assert found(tmp_path, "broker: embedded\n", CHANNEL.replace("publish: canonical", "")) != []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("subscribers: [{name: a, key: k.jwk}]\n", "vagus.yaml:2:14: error no-broker: the"),
        ("", "channels/adt.yaml:4:10: error no-broker: publish needs broker"),
        (RABBIT, "channels/adt.yaml:4:10: warning no-subscriber: nobody subscribes"),
        (RABBIT + "subscribers: [{name: a, key: k.jwk}, {name: a, key: k.jwk}]\n",
         "vagus.yaml:3:45: error duplicate-subscriber: another subscriber is called 'a'"),
        (RABBIT + "subscribers: [{name: a, key: k.jwk, on: patient.mergde}]\n",
         "vagus.yaml:3:41: error unknown-event: 'mergde' is not a verb of patient; did you mean"),
        (RABBIT + "subscribers: [{name: a, key: none.jwk}]\n",
         "vagus.yaml:3:30: warning missing-key: there is no key file none.jwk"),
        (RABBIT + "subscribers: [{name: a, key: bad.jwk}]\n",
         "vagus.yaml:3:30: error bad-key: bad.jwk: a key is a JWK"),
        (RABBIT + "subscribers: [{name: a, key: k.jwk, queues: 3}]\n",
         "vagus.yaml:3:45: error bad-value: "),
        ("broker: rabbit\n", "vagus.yaml:2:9: error bad-value: "),
        ("broker: {rabbitmq: {url: 'http://x'}}\n", "vagus.yaml:2:26: error bad-value: write"),
        ("broker: {rabbitmq: {url: 'amqp://u:p@mq.example/v'}}\n",
         "vagus.yaml:2:20: error bad-value: amqp to mq.example is not encrypted"),
        ("broker: {rabbitmq: {url: 'amqps://h', key: k.pem}}\n",
         "vagus.yaml:2:20: error bad-value: certificate and key belong together"),
        ("broker: {rabbitmq: {url: 'amqps://h', widnow: 4}}\n",
         "vagus.yaml:2:39: error unknown-field: 'widnow' is not a field here; did you mean"),
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_place(tmp_path: Path, text: str, wanted: str) -> None:
    assert any(line.startswith(wanted) for line in found(tmp_path, text)), found(tmp_path, text)


def test_there_must_be_something_to_publish(tmp_path: Path) -> None:
    text = RABBIT + "subscribers: [{name: a, key: k.jwk}]\n"
    (line,) = found(tmp_path, text, CHANNEL.replace("steps: [{transform: hl7v2_to_fhir}]\n", ""))
    assert line.startswith("channels/adt.yaml:3:10: error nothing-to-send")
