"""However a project names a queue, its tasks are in that queue, and stay there."""

from __future__ import annotations

import base64
import json

import pytest
from kombu import Exchange, Queue, binding

from celery_push_worker.exceptions import UnboundExchangeError, UnknownQueueError
from celery_push_worker.testing import build_event

from .conftest import Queue as Place
from .conftest import later

NAMES = ("default", "heavy", "mail")

TASKS = Exchange("tasks", type="topic")
MEDIA = Exchange("media", type="direct")

TOPIC = {
    "task_default_exchange": "tasks",
    "task_default_exchange_type": "topic",
    "task_default_routing_key": "task.default",
    "task_create_missing_queues": False,
    "task_queues": [
        Queue("default", TASKS, routing_key="task.#"),
        Queue("heavy", TASKS, routing_key="heavy.*"),
        Queue("mail", [binding(TASKS, "mail.#"), binding(MEDIA, "letter")]),
    ],
}


@pytest.fixture
def places(request):
    """Return the queues by Celery's names."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[-60:]
    return {each: Place(f"{name}-{each}") for each in NAMES}


@pytest.fixture
def make(make_world, places):
    def make(**conf):
        urls = {name: {"url": place.url} for name, place in places.items()}
        return make_world(
            broker_url="sqs://",
            broker_transport_options={"predefined_queues": urls},
            result_backend="cache+memory://",
            **conf,
        )

    return make


def find_filled(places):
    return {name: place.count() for name, place in places.items() if place.count()}


def deliver(world, place, body):
    """POST a message as the trigger of its queue does."""
    event = build_event([body])
    name = place.url.rpartition("/")[2]
    event["messages"][0]["details"]["queue_id"] = f"yrn:yc:ymq:ru-central1:b1g:{name}"
    (verdict,) = json.loads(world.post_raw(json.dumps(event).encode()).body)["messages"]
    return verdict


@pytest.mark.parametrize(
    ("conf", "options", "queue"),
    [
        ({}, {}, "default"),
        ({}, {"queue": "heavy"}, "heavy"),
        ({}, {"queue": Queue("heavy")}, "heavy"),
        ({}, {"queue": Queue("heavy", MEDIA, routing_key="x")}, "heavy"),
        ({"task_routes": {"t.add": "heavy"}}, {}, "heavy"),
        ({"task_routes": {"t.add": {"queue": "heavy"}}}, {}, "heavy"),
        ({"task_routes": {"t.*": {"queue": "mail"}}}, {}, "mail"),
        ({"task_routes": ([("other", "mail"), ("t.*", "heavy")],)}, {}, "heavy"),
        ({"task_routes": [lambda *_, **__: "mail"]}, {}, "mail"),
        ({"task_routes": {"t.add": "mail"}}, {"queue": "heavy"}, "heavy"),
        ({"task_default_queue": "mail"}, {}, "mail"),
        ({"task_create_missing_queues": False}, {}, "default"),
        (TOPIC, {}, "default"),
        (TOPIC, {"queue": "heavy", "routing_key": "heavy.now"}, "heavy"),
        (TOPIC, {"exchange": "tasks", "routing_key": "heavy.now"}, "heavy"),
        (TOPIC, {"exchange": TASKS, "routing_key": "mail.out.now"}, "mail"),
        (TOPIC, {"routing_key": "heavy.now"}, "heavy"),
        (TOPIC, {"exchange": "media", "routing_key": "letter"}, "mail"),
        (TOPIC, {"queue": "mail", "routing_key": "mail.in"}, "mail"),
        (
            {**TOPIC, "task_routes": {"t.add": {"exchange": "media", "routing_key": "letter"}}},
            {},
            "mail",
        ),
    ],
)  # fmt: skip
def test_a_task_is_in_its_queue_and_in_no_other(make, places, conf, options, queue):
    make(**conf).tasks.add.apply_async((1, 2), **options)

    assert find_filled(places) == {queue: 1}


def test_a_task_has_its_own_queue(make, places):
    @make().app.task(name="t.own", queue="heavy", shared=False)
    def own():
        raise AssertionError

    own.delay()

    assert find_filled(places) == {"heavy": 1}


def test_a_topic_of_two_queues_is_in_both(make, places):
    world = make(**TOPIC)
    options = {"exchange": "tasks", "routing_key": "task.heavy"}
    world.app.amqp.queues.add(Queue("heavy", TASKS, routing_key="*.heavy"))

    world.tasks.add.apply_async((1, 2), **options)

    assert find_filled(places) == {"default": 1, "heavy": 1}


@pytest.mark.parametrize(
    ("conf", "options", "queue"),
    [
        ({}, {"queue": "slow"}, "slow"),
        ({}, {"queue": Queue("high-prio", MEDIA, routing_key="x")}, "high-prio"),
        ({"task_default_queue": "main"}, {}, "main"),
        (
            {
                **TOPIC,
                "task_queues": [
                    Queue("default"),
                    Queue("video", TASKS, routing_key="#"),
                ],
            },
            {"exchange": "tasks", "routing_key": "any"},
            "video",
        ),
    ],
)
def test_a_queue_that_the_stack_lacks_is_named_with_the_line_that_adds_it(
    make, places, conf, options, queue
):
    world = make(**conf)

    with pytest.raises(UnknownQueueError) as caught:
        world.tasks.add.apply_async((1, 2), **options)

    key = f'"{queue}"' if "-" in queue else queue
    assert f"Task 't.add' is sent to queue '{queue}'" in str(caught.value)
    assert "(known: 'default', 'heavy', 'mail')" in str(caught.value)
    assert f"Add it to config.ts (queues: {{ {key}: {{}} }})" in str(caught.value)
    assert find_filled(places) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"exchange": "elsewhere", "routing_key": "heavy.now"},
        {"exchange": "tasks", "routing_key": "nothing"},
        {"exchange": "media", "routing_key": "letters"},
        {"exchange": "tasks", "routing_key": "x", "queue": "heavy"},
        {"queue": Queue("heavy", Exchange("all", type="fanout"), routing_key="x")},
    ],
)
def test_a_route_that_would_lose_the_task_is_an_error(make, places, options):
    with pytest.raises(UnboundExchangeError, match=r"'t\.add' .* no queue is bound"):
        make(**TOPIC).tasks.add.apply_async((1, 2), **options)

    assert find_filled(places) == {}


@pytest.mark.parametrize("conf", [{}, TOPIC], ids=["by name", "by topic"])
def test_a_retry_stays_in_its_queue(make, places, conf):
    world = make(**conf)
    world.tasks.retry.apply_async(queue="heavy", routing_key=conf and "heavy.now")
    (body,) = places["heavy"].take()

    assert deliver(world, places["heavy"], body)["state"] == "RETRY"
    assert find_filled(places) == {"heavy": 1}


def test_a_retry_moves_to_another_queue(make, places):
    world = make()

    @world.app.task(name="t.move", bind=True, shared=False)
    def move(self):
        raise self.retry(queue="mail", countdown=0)

    move.apply_async(queue="heavy")
    deliver(world, places["heavy"], *places["heavy"].take())

    assert find_filled(places) == {"mail": 1}


@pytest.mark.parametrize("conf", [{}, TOPIC], ids=["by name", "by topic"])
def test_a_long_delay_comes_back_to_the_queue_it_was_in(make, places, conf):
    world = make(**conf)
    options = {"queue": "heavy", "routing_key": conf and "heavy.now"}
    world.tasks.add.apply_async((1, 2), eta=later(2000), **options)

    for hop in (1, 2):
        body, _ = places["heavy"].peek()[-1]
        assert deliver(world, places["heavy"], body)["outcome"] == "delayed"
        bodies = [body for body, delay in places["heavy"].peek() if delay > 890]
        assert len(bodies) == hop + 1
    assert find_filled(places) == {}
    assert places["default"].peek() == []


def test_a_delayed_message_under_another_name_comes_back_to_its_queue(make, places):
    world = make()
    world.tasks.add.apply_async((1, 2), eta=later(2000), queue="heavy")
    ((body, _),) = places["heavy"].peek()
    message = json.loads(base64.b64decode(body))
    message["properties"]["delivery_info"]["routing_key"] = "default"

    deliver(world, places["heavy"], json.dumps(message))

    assert len(places["heavy"].peek()) == 2


def test_a_delayed_message_of_an_unnamed_queue_goes_where_it_was_sent(make, places):
    world = make()
    world.tasks.add.apply_async((1, 2), eta=later(2000), queue="heavy")
    ((body, _),) = places["heavy"].peek()

    world.handle(body)

    assert len(places["heavy"].peek()) == 2


def test_a_retry_in_a_queue_that_the_stack_lacks_is_a_failure_that_names_it(
    make, places
):
    world = make()

    @world.app.task(name="t.lost", bind=True, shared=False)
    def lost(self):
        raise self.retry(queue="slow")

    (verdict,) = world.handle(lost.s().set(task_id="lost"))

    assert (verdict.outcome.value, verdict.state) == ("done", "FAILURE")
    assert "queues: { slow: {} }" in str(world.result("lost"))


def test_a_step_in_a_queue_that_the_stack_lacks_is_a_failure_that_names_it(
    make, places
):
    world = make()
    chain = world.tasks.add.s(1, 2).set(task_id="step")
    body = world.body(chain | world.tasks.add.s(1).set(queue="slow"))

    (verdict,) = world.handle(body)

    assert (verdict.outcome.value, verdict.state) == ("done", "FAILURE")
    assert "queues: { slow: {} }" in str(world.result("step"))


def test_a_chords_body_in_a_queue_that_the_stack_lacks_is_a_failure_that_names_it(
    make, places
):
    from celery import chord

    world = make()
    body = world.tasks.total.s().set(queue="slow", task_id="body")
    chord([world.tasks.add.s(i, i) for i in range(2)])(body)

    verdicts = world.handle(*places["default"].take())

    assert [verdict.outcome.value for verdict in verdicts] == ["done", "done"]
    assert world.state("body") == "FAILURE"
    assert "queues: { slow: {} }" in str(world.result("body"))
