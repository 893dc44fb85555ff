"""Chords over Redis: a set of counted ids, beside Celery's own keys."""

from __future__ import annotations

from typing import Any

from celery import states

from ._chords_body import join, publish_body

NOTE_MEMBER = """
if redis.call('SADD', KEYS[4], ARGV[1]) == 1 then
  if ARGV[3] == 'ordered' then
    redis.call('ZADD', KEYS[1], ARGV[4], ARGV[2])
  else
    redis.call('RPUSH', KEYS[1], ARGV[2])
  end
end
if tonumber(ARGV[5]) > 0 then
  for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[5]) end
end
local count = ARGV[3] == 'ordered' and 'ZCARD' or 'LLEN'
local added, size = redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3])
return {redis.call(count, KEYS[1]), added, size}
"""
"""Atomic. Keys: results, number of added members, the chord's size, ids."""


class CountsInRedis:
    """Mixin in front of Celery's class.

    Celery 5.7 counts by member, too, but fails the body during an outage of the broker.
    """

    def on_chord_part_return(
        self: Any, request: Any, state: str, result: Any, **_: Any
    ) -> None:
        """Count the member, and publish the body if all have been counted."""
        if not request.group or not request.id:
            return
        ends = (".j", ".t", ".s", ".m")
        keys = [self.get_key_for_group(request.group, end) for end in ends]
        count, added, size = self._note_member(keys, request, state, result)
        if size is None or count < int(size) + int(added or 0):
            return
        publish_body(self, request, lambda: self._read_results(request, keys[0]))
        self.client.delete(*keys)

    def _note_member(
        self: Any, keys: list[Any], request: Any, state: str, result: Any
    ) -> Any:
        if state != states.SUCCESS:
            # Celery also reports a member as failed that succeeded but was not counted.
            meta = self._get_task_meta_for(request.id)
            if meta["status"] == states.SUCCESS:
                state, result = states.SUCCESS, meta["result"]
        entry = self.encode([1, request.id, state, self.encode_result(result, state)])
        index = "+inf" if request.group_index is None else request.group_index
        order = "ordered" if self._chord_zset else "listed"
        expires = getattr(self, "chord_expires", self.expires)  # Since Celery 5.7.
        arguments = [request.id, entry, order, index, int(expires or 0)]
        return self.client.eval(NOTE_MEMBER, len(keys), *keys, *arguments)

    def _read_results(self: Any, request: Any, key: Any) -> list[Any]:
        group = self.restore_group(request.group, cache=False)
        if group is not None:  # Saved if members are groups themselves.
            return list(join(self, group, {}))
        read = self.client.zrange if self._chord_zset else self.client.lrange
        return [self._unpack_chord_result(e, self.decode) for e in read(key, 0, -1)]
