from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.requests import Request

from napari_medt.serving.answers import Refusal
from napari_medt.serving.work import Work


@pytest.fixture
def work():
    work = Work(waiting=2)
    yield work
    work.close()


@pytest.fixture
def held():
    """Something that computes until it is let go."""
    event = threading.Event()
    yield event
    event.set()


def request_of(*messages):
    """Return a request of a client that sends these, one each time it is asked, and then waits for ever."""
    left = list(messages)

    async def receive():
        if not left:
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return left.pop(0)

    return Request({"type": "http", "headers": []}, receive)


GONE = {"type": "http.disconnect"}


def test_one_thread_computes_one_thing_after_the_other(work):
    together, most, threads = [], [], set()

    def compute(number):
        together.append(number)
        most.append(len(together))
        threads.add(threading.get_ident())
        together.remove(number)
        return number * number

    async def ask():
        return await asyncio.gather(*(work.run(compute, number, waiting_limit=99) for number in range(20)))

    assert asyncio.run(ask()) == [number * number for number in range(20)]
    assert set(most) == {1}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_those_who_are_too_many_are_told(work, held):
    async def ask():
        first = [asyncio.ensure_future(work.run(held.wait)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert work.waiting == 2
        with pytest.raises(Refusal, match="2 requests wait") as refusal:
            await work.run(int)
        assert refusal.value.status == 503
        held.set()
        await asyncio.gather(*first)
        await asyncio.sleep(0.05)
        assert work.waiting == 0
        return await work.run(int, "7")

    assert asyncio.run(ask()) == 7


def test_what_is_raised_comes_back(work):
    with pytest.raises(ZeroDivisionError):
        asyncio.run(work.run(lambda: 1 / 0))


def test_work_for_a_client_that_has_gone_is_passed_over(work, held):
    done = []

    async def ask():
        first = asyncio.ensure_future(work.run(held.wait))
        with pytest.raises(Refusal, match="gone"):
            await work.run_for(request_of(GONE), done.append, "for nobody")
        held.set()
        await first
        await work.run(done.append, "for somebody")

    asyncio.run(ask())
    assert done == ["for somebody"]


def test_work_that_has_begun_hears_that_its_client_has_gone(work):
    gone, heard = threading.Event(), []

    async def ask():
        with pytest.raises(Refusal, match="gone"):
            await work.run_for(request_of(GONE), lambda: heard.append(gone.wait(10)), gone=gone)
        await work.run(int)

    asyncio.run(ask())
    assert heard == [True]


def test_work_that_has_begun_hears_that_the_server_ends(work):
    gone, heard = threading.Event(), []

    async def ask():
        task = asyncio.ensure_future(work.run_for(request_of(), lambda: heard.append(gone.wait(10)), gone=gone))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await work.run(int)

    asyncio.run(ask())
    assert heard == [True]


def test_a_client_that_stays_gets_its_result(work):
    gone = threading.Event()
    body_end = {"type": "http.request", "body": b"", "more_body": False}
    assert asyncio.run(work.run_for(request_of(body_end), sum, [1, 2], gone=gone)) == 3
    assert not gone.is_set()


def test_the_loop_goes_on_while_something_is_computed(work, held):
    async def ask():
        waiting = asyncio.ensure_future(work.run(held.wait))
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not waiting.done()
        held.set()
        return await waiting

    assert asyncio.run(ask())
