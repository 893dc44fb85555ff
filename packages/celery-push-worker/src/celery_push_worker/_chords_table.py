"""Chords over a table with DynamoDB's API: string sets of ids, and one item of counts.

Each set has an item of its own and holds up to 500 ids. Its size is written to the item
of counts, where it never decreases, so that both steps may be repeated in any order;
the sum of the sizes is the number of members counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from celery import states
from celery.result import result_from_tuple

from ._chords_body import join, publish_body

MEMBERS_PER_SET = 500
"""An item holds up to 400 KB, and adding an id rewrites all of it."""

SETS_OF_UNNUMBERED = 40
"""Number of sets for members whose publisher did not number them."""

MAX_ID_CHARACTERS = 64
"""A longer id is recorded by its hash."""

PIECE_BYTES = 300_000
"""Size of a piece of a saved group: the ids of 7,000 members fill an item."""

KEYS_PER_READ = 100
"""Limit of one ``BatchGetItem``."""

SIZE, SUM = "chord_size", "chord_count"
"""The number of members; the number that Celery itself has counted."""

PART = "part_"
"""Prefix of the other counts, one per set."""


class CountsInTable:
    """Mixin in front of Celery's class."""

    def on_chord_part_return(
        self: Any, request: Any, _state: str, _result: Any, **_: Any
    ) -> None:
        """Count the member, and publish the body if all have been counted."""
        if not request.group or not request.id:
            return
        key = str(self.get_key_for_chord(request.group))
        counts = self._note_member(key, request)
        if counts and read_sum(counts) >= read_number(counts, SIZE):
            self._complete_chord(key, request, counts)

    def _note_member(self: Any, key: str, request: Any) -> Any:
        # None if another member of the same set has written a larger number: that one
        # sees what is still missing.
        number = find_set(request)
        added = self._update(f"{key}-{number}", add={"members": [shorten(request.id)]})
        count = len(added["members"]["SS"])
        return self._update(key, raise_to={f"{PART}{number}": count})

    def _complete_chord(
        self: Any, key: str, request: Any, counts: Mapping[str, Any]
    ) -> None:
        group = self.restore_group(request.group, cache=False)
        if group is not None:
            if SIZE not in counts:  # Published by Celery alone.
                counts = self._update(key, raise_to={SIZE: len(group)}) or counts
            if read_sum(counts) < len(group):
                return
            publish_body(self, request, lambda: self._join(group))
            self.delete_group(request.group)
        # Without a group, the body was published already and this is a late duplicate.
        for name in [name for name in counts if name.startswith(PART)]:
            self.delete(f"{key}-{name.removeprefix(PART)}")
        self.delete(key)

    # Reading the members.

    def _join(self: Any, group: Any) -> list[Any]:
        return list(join(self, group, dict(self._read_all(list(list_ids(group))))))

    def _read_all(self: Any, ids: list[str]) -> Iterator[tuple[str, Any]]:
        keys = {str(self.get_key_for_task(task_id)): task_id for task_id in ids}
        names = list(keys)
        for start in range(0, len(names), KEYS_PER_READ):
            for key, value in self._read_items(names[start : start + KEYS_PER_READ]):
                meta = self.decode_result(value)
                if meta["status"] in states.READY_STATES:
                    yield keys[key], meta

    def _read_items(self: Any, keys: list[str]) -> Iterator[tuple[str, bytes]]:
        id_, value = self._key_field, self._value_field
        wanted: Any = {
            self.table_name: {"Keys": [self._name_item(key) for key in keys]}
        }
        while wanted:
            answer = self.client.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(self.table_name, ()):
                yield item[id_.name][id_.data_type], item[value.name][value.data_type]
            wanted = answer.get("UnprocessedKeys")

    # Publishing a chord.

    def _apply_chord_incr(
        self: Any, header_result_args: Any, _body: Any, **_: Any
    ) -> None:
        group_id, members = header_result_args[:2]
        self.app.GroupResult(group_id, members).save(backend=self)
        # Keep what has been counted: a step that runs twice publishes a chord twice.
        self._update(
            str(self.get_key_for_chord(group_id)),
            raise_to={SIZE: len(list(members))},
            keep={SUM: 0},
        )

    def _save_group(self: Any, group_id: str, result: Any) -> Any:
        content = self.encode({"result": result.as_tuple()})
        content = content.encode() if isinstance(content, str) else content
        starts = range(0, len(content), PIECE_BYTES)
        if len(starts) > 1:
            key = self.get_key_for_group
            for number, start in enumerate(starts):
                piece = content[start : start + PIECE_BYTES]
                self.set(key(group_id, f"-{number}"), piece)
            content = self.encode({"result": None, "pieces": len(starts)})
        self.set(self.get_key_for_group(group_id), content)
        return result

    def _restore_group(self: Any, group_id: str) -> Any:
        pieces = list(self._list_pieces(group_id))
        content: Any = self.get(pieces[0])
        if len(pieces) > 1:
            contents = [self.get(key) for key in pieces[1:]]
            content = None if None in contents else b"".join(contents)
        if not content:
            return None
        meta = self.decode(content)
        return {**meta, "result": result_from_tuple(meta["result"], self.app)}

    def _delete_group(self: Any, group_id: str) -> None:
        for key in list(self._list_pieces(group_id)):
            self.delete(key)

    def _list_pieces(self: Any, group_id: str) -> Iterator[Any]:
        key = self.get_key_for_group(group_id)
        head = self.get(key)
        yield key
        for number in range(self.decode(head).get("pieces", 0) if head else 0):
            yield self.get_key_for_group(group_id, f"-{number}")

    # The table.

    def _update(
        self: Any,
        key: str,
        *,
        add: Mapping[str, list[str]] | None = None,
        raise_to: Mapping[str, int] | None = None,
        keep: Mapping[str, int] | None = None,
    ) -> Any:
        """Change an item, and return it; None if it has a larger number already.

        :param add: ids to add to sets, by attribute.
        :param raise_to: numbers that never decrease.
        :param keep: numbers that are set only if missing.
        """
        add, raise_to, keep = add or {}, raise_to or {}, keep or {}
        expiry = self._plan_expiry()
        numbers = {**raise_to, **keep, **expiry}
        actions = [f"#{name} = :{name}" for name in (*raise_to, *expiry)]
        actions += [f"#{n} = if_not_exists(#{n}, :{n})" for n in keep]
        expression = "SET " + ", ".join(actions)
        if add:
            expression += " ADD " + ", ".join(f"#{name} :{name}" for name in add)
        limits = [f"(attribute_not_exists(#{n}) OR #{n} <= :{n})" for n in raise_to]
        condition = {"ConditionExpression": " AND ".join(limits)} if limits else {}
        try:
            answer = self.client.update_item(
                TableName=self.table_name,
                Key=self._name_item(key),
                UpdateExpression=expression,
                ExpressionAttributeNames={f"#{n}": n for n in (*numbers, *add)},
                ExpressionAttributeValues={
                    **{f":{n}": {"N": str(value)} for n, value in numbers.items()},
                    **{f":{n}": {"SS": ids} for n, ids in add.items()},
                },
                ReturnValues="ALL_NEW",
                **condition,
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return answer["Attributes"]

    def _plan_expiry(self: Any) -> dict[str, float]:
        now = time.time()
        expiry: dict[str, float] = {self._timestamp_field.name: now}
        if self._has_ttl():
            expiry[self._ttl_field.name] = int(now + self.time_to_live_seconds)
        return expiry

    def _name_item(self: Any, key: str) -> dict[str, Any]:
        return {self._key_field.name: {self._key_field.data_type: key}}


def find_set(request: Any) -> int:
    index = request.group_index
    if isinstance(index, int) and index >= 0:
        return index // MEMBERS_PER_SET
    digest = sha256(request.id.encode(errors="surrogatepass")).digest()
    return digest[0] % SETS_OF_UNNUMBERED


def shorten(task_id: str) -> str:
    if len(task_id) <= MAX_ID_CHARACTERS:
        return task_id
    return sha256(task_id.encode(errors="surrogatepass")).hexdigest()


def read_number(counts: Mapping[str, Any], name: str) -> int:
    return int(counts[name]["N"]) if name in counts else 0


def read_sum(counts: Mapping[str, Any]) -> int:
    names = [n for n in counts if n == SUM or n.startswith(PART)]
    return sum(read_number(counts, name) for name in names)


def list_ids(members: Iterable[Any]) -> Iterator[str]:
    for member in getattr(members, "results", None) or ():
        if hasattr(member, "results"):
            yield from list_ids(member)
        else:
            yield member.id
