from __future__ import annotations

import pytest

from celery_push_worker.exceptions import MessageTooLargeError


def largest(world, queue):
    """Find the largest argument that is published, in steps of 100 bytes."""
    low, high = 0, 300_000
    while high - low > 100:
        middle = (low + high) // 2
        try:
            world.tasks.total.delay("x" * middle)
            low = middle
        except MessageTooLargeError:
            high = middle
    return low


def test_a_message_that_the_trigger_would_not_deliver_is_refused(world, queue):
    with pytest.raises(MessageTooLargeError, match=r"'t\.total' has \d+ bytes") as e:
        world.tasks.total.delay("x" * 200_000)

    assert e.value.size > e.value.limit == 230_000
    assert queue.count() == 0


def test_the_limit_is_used_up_to_its_last_kilobyte(world, queue):
    largest(world, queue)

    sizes = [len(body) for body, _ in queue.peek()]
    assert 229_000 < max(sizes) <= 230_000


def test_a_message_that_compression_makes_small_is_sent(world, queue):
    world.tasks.total.apply_async(("x" * 200_000,), compression="zlib")

    assert queue.count() == 1


def test_without_the_outer_base64_more_fits(make_world, queue):
    world = make_world(
        broker_url="sqs://",
        broker_transport_options={
            "predefined_queues": {"default": {"url": queue.url}},
            "sqs_base64_encoding": False,
        },
        result_backend=None,
    )
    world.tasks.total.delay("x" * 165_000)

    assert queue.count() == 1


def test_the_limit_is_a_setting(world):
    world.app.conf.push_worker_max_message_bytes = 1000

    with pytest.raises(MessageTooLargeError):
        world.tasks.add.delay(1, 2)


def test_a_next_step_that_is_too_large_fails_the_task(world):
    @world.app.task(name="t.large", shared=False)
    def large():
        return "x" * 200_000

    steps = large.s().set(task_id="large") | world.tasks.total.s()
    (verdict,) = world.handle(steps)

    assert (verdict.outcome.value, world.state("large")) == ("done", "FAILURE")


def test_other_brokers_know_no_limit(make_world):
    world = make_world()

    world.tasks.total.delay("x" * 300_000)


@pytest.mark.parametrize(
    "url", ["SQS://", "sqs://", " sqs://", ["SQS://"], "sqs://a;sqs://b"]
)
def test_the_broker_is_recognised_however_it_is_written(world, queue, url):
    world.app.conf.broker_url = url

    with pytest.raises(MessageTooLargeError):
        world.tasks.total.delay("x" * 200_000)


def test_a_broker_that_is_only_written_to_is_recognised(make_world, queue):
    world = make_world(
        broker_url=None,
        broker_write_url="SQS://",
        broker_transport_options={"predefined_queues": {"default": {"url": queue.url}}},
        result_backend=None,
    )

    world.tasks.add.apply_async((1, 2), countdown=100)

    ((_, delay),) = queue.peek()
    assert 99 < delay <= 100
