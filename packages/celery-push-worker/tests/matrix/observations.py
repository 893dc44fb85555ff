"""Logs and rows come in, one comparable observation for each scenario goes out.

What differs from run to run is replaced: ids by the labels of their tasks, times by
seconds relative to the sending, names of hosts by a word.
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .scenarios import make_id
from .stand_in import Place

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LIFECYCLE = "(lifecycle)"


@dataclass
class Publication:
    """What was published before a side started."""

    lane: str
    told: dict[str, Any]
    copies: dict[str, str]
    """Ids of the messages that the side got instead."""

    def find_raw(self) -> dict[str, tuple[str, str]]:
        return {
            self.copies.get(message_id, message_id): (name, label)
            for name, told in self.told.items()
            for message_id, label in told["raw"].items()
        }

    def find_ids(self) -> dict[str, tuple[str, str]]:
        return {
            make_id(name, label): (name, label)
            for name, told in self.told.items()
            for label in told["labels"]
        }


@dataclass
class Sent:
    """One message of the queue, decoded as far as it goes."""

    message_id: str
    queue: str
    sent_at: float
    delay: int
    envelope: dict[str, Any]
    payload: Any
    received: int = 0
    end: str = "left"
    scenario: str = ""
    label: str = ""
    is_first: bool = False
    """Whether it was there before a worker started."""

    @property
    def headers(self) -> dict[str, Any]:
        headers = self.envelope.get("headers")
        return headers if isinstance(headers, dict) else {}

    @property
    def task_id(self) -> str | None:
        if "id" in self.headers:
            return self.headers["id"]
        return self.payload.get("id") if isinstance(self.payload, dict) else None


@dataclass
class Names:
    """Labels of the ids of one scenario; new ids are numbered as they appear."""

    known: dict[str, str]
    new: dict[str, str] = field(default_factory=dict)

    def replace(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.replace(k): self.replace(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.replace(item) for item in value]
        return UUID.sub(self.rename, value) if isinstance(value, str) else value

    def rename(self, match: re.Match[str]) -> str:
        found = match[0]
        if found in self.known:
            return f"<{self.known[found]}>"
        return self.new.setdefault(found, f"<new {len(self.new) + 1}>")


def observe(place: Place, log: Path, publication: Publication) -> dict[str, Any]:
    """Return what was observed, by scenario."""
    ids = publication.find_ids()
    messages = read_messages(place)
    attribute(messages, ids, publication.find_raw())
    first = [json.loads(line) for line in log.read_text().splitlines()]
    rows = place.read_rows()
    found: dict[str, Any] = {}
    for name in publication.told:
        own = [m for m in messages if m.scenario == name]
        known = {i: label for i, (scenario, label) in ids.items() if scenario == name}
        names = Names(known)
        found[name] = {
            "published": [show(m, names) for m in own if not m.is_first],
            "messages": show_verdicts(own, names),
            "signals": show_signals(first, names, own),
            "results": show_rows(rows, names),
            "delays": [m.delay for m in own if not m.is_first],
        }
    found[f"{publication.lane} {LIFECYCLE}"] = show_lifecycle(first)
    return found


def show_lifecycle(lines: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the signals of a worker's start and of its end."""
    names = [line["signal"] for line in lines]
    own = [name for name in names if name.startswith(("worker_", "celeryd_"))]
    end = own.index("worker_shutting_down")
    return {"start": own[:end], "end": own[end:]}


def read_messages(place: Place) -> list[Sent]:
    messages: dict[str, Sent] = {}
    started = False
    for line in place.read_log():
        message_id = line["message_id"]
        if line["event"] == "send":
            sent = decode(line)
            sent.is_first = not started
            messages[message_id] = sent
            continue
        started = True
        message = messages[message_id]
        if line["event"] == "receive":
            message.received += 1
        elif line["event"] == "delete":
            message.end = "deleted"
        elif line["event"] == "dead":
            message.end = "dead"
    return list(messages.values())


def decode(line: dict[str, Any]) -> Sent:
    envelope: Any = None
    body = line["body"]
    try:
        text = body if body.startswith("{") else base64.b64decode(body)
        envelope = json.loads(text)
    except ValueError:
        pass
    envelope = envelope if isinstance(envelope, dict) else {}
    return Sent(
        message_id=line["message_id"],
        queue=line["queue"],
        sent_at=line["time"],
        delay=line["delay"],
        envelope=envelope,
        payload=decode_payload(envelope),
    )


def decode_payload(envelope: dict[str, Any]) -> Any:
    try:
        content = base64.b64decode(envelope["body"])
        return json.loads(content)
    except (KeyError, ValueError, TypeError):
        return envelope.get("body")


def attribute(
    messages: list[Sent],
    ids: dict[str, tuple[str, str]],
    raw: dict[str, tuple[str, str]],
) -> None:
    """Find the scenario of each message: by its id, its root's, its parent's."""
    children: dict[str, str] = {}
    for message in messages:
        headers = message.headers
        own = ids.get(message.task_id or "") or raw.get(message.message_id)
        if own:
            message.scenario, message.label = own
            continue
        for relative in (headers.get("root_id"), headers.get("parent_id")):
            scenario = ids.get(relative or "", (children.get(relative or ""), ""))[0]
            if scenario:
                message.scenario = scenario
                break
        message.label = message.task_id or "?"
        if message.task_id and message.scenario:
            children[message.task_id] = message.scenario


def show(message: Sent, names: Names) -> Any:
    headers = dict(message.headers)
    headers.pop("origin", None)
    for key in ("eta", "expires"):
        headers[key] = show_time(headers.get(key), message.sent_at)
    properties = dict(message.envelope.get("properties", {}))
    for key in ("delivery_tag", "DelaySeconds", "origin"):
        properties.pop(key, None)
    payload = message.payload
    if isinstance(payload, dict) and "eta" in payload:
        payload = {**payload, "eta": show_time(payload["eta"], message.sent_at)}
    return names.replace(
        {
            "id": message.task_id,
            "queue": message.queue,
            "headers": headers,
            "properties": properties,
            "payload": payload,
            "content-type": message.envelope.get("content-type"),
            "content-encoding": message.envelope.get("content-encoding"),
        }
    )


def show_time(value: Any, sent_at: float) -> Any:
    try:
        time = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return value
    time = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return f"in {round(time.timestamp() - sent_at)} s"


def show_verdicts(messages: list[Sent], names: Names) -> dict[str, str]:
    count: dict[str, int] = defaultdict(int)
    shown = {}
    for message in messages:
        count[message.label] += 1
        label = names.replace(f"{message.label}, message {count[message.label]}")
        shown[label] = f"received {message.received} times, {message.end}"
    return shown


def show_signals(
    lines: list[dict[str, Any]], names: Names, messages: list[Sent]
) -> dict[str, Any]:
    own = {*names.known, *names.new, *(m.task_id for m in messages if m.task_id)}
    shown: dict[str, Any] = defaultdict(list)
    for line in lines:
        if line["id"] in own:
            fields = {k: v for k, v in line.items() if k not in ("time", "id")}
            shown[names.replace(line["id"])].append(names.replace(fields))
    return dict(shown)


def show_rows(rows: dict[str, dict[str, Any]], names: Names) -> dict[str, Any]:
    own = {*names.known, *names.new}
    shown = {}
    for key, meta in rows.items():
        match = UUID.search(key)
        if match and match[0] in own:
            shown[names.replace(key)] = names.replace(simplify(meta))
    return dict(sorted(shown.items()))


def simplify(meta: dict[str, Any]) -> dict[str, Any]:
    simple = dict(meta)
    if simple.get("traceback"):
        simple["traceback"] = str(simple["traceback"]).strip().splitlines()[-1]
    for key in ("date_done", "worker", "hostname"):
        if key in simple:
            simple[key] = bool(simple[key])
    if isinstance(simple.get("result"), dict) and "pid" in simple["result"]:
        simple["result"] = {key: bool(value) for key, value in simple["result"].items()}
    return simple
