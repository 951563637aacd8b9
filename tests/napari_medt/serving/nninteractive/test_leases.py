"""Places of clients: taken, kept, lost and given back, by a clock that the test moves."""

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from napari_medt.serving.answers import Refusal
from napari_medt.serving.nninteractive.leases import Leases

IDLE, SILENT, MOST = 600.0, 90.0, 3


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def made(most=MOST):
    clock = Clock()
    return Leases(most, IDLE, SILENT, count().__next__, clock), clock


def test_each_client_has_a_place_and_what_is_kept_of_its_own():
    leases, _ = made()
    one, other = leases.claim(), leases.claim()
    assert one.token != other.token
    assert (one.held, other.held) == (0, 1)
    assert leases.hear(one.token) is one
    assert len(one.token) >= 32


def test_when_all_places_are_taken_it_is_said_what_can_be_done():
    leases, _ = made(most=1)
    first = leases.claim()
    with pytest.raises(Refusal, match="one place, and it is taken: disconnect another client") as refused:
        leases.claim()
    assert refused.value.status == 503
    leases.release(first.token)
    assert leases.claim().held == 1


def test_a_client_that_says_nothing_loses_its_place():
    leases, clock = made()
    lease = leases.claim()
    clock.now += SILENT - 1
    leases.hear(lease.token)
    clock.now += SILENT - 1
    assert leases.hear(lease.token) is lease
    clock.now += SILENT
    with pytest.raises(Refusal) as refused:
        leases.hear(lease.token)
    assert refused.value.status == 410


def test_a_client_that_is_alive_but_not_used_loses_its_place_too():
    leases, clock = made()
    lease = leases.claim()
    for _ in range(9):
        clock.now += IDLE / 10
        assert leases.remaining(leases.hear(lease.token)) == pytest.approx(IDLE - (clock.now - 1000))
    clock.now += IDLE / 10
    with pytest.raises(Refusal, match="initialise again"):
        leases.hear(lease.token)


def test_looking_at_a_place_does_not_keep_it():
    leases, clock = made()
    lease = leases.claim()
    clock.now += SILENT - 1
    assert leases.look(lease.token) is lease
    clock.now += 1
    with pytest.raises(Refusal):
        leases.look(lease.token)


def test_a_place_is_kept_while_a_long_request_is_answered():
    leases, clock = made()
    lease = leases.begin(leases.claim().token)
    clock.now += 10 * IDLE
    assert leases.hear(lease.token) is lease
    leases.end(lease)
    assert leases.remaining(lease) == IDLE
    clock.now += SILENT
    assert len(leases) == 0


@pytest.mark.parametrize("token", [None, "", "anything"])
def test_who_has_no_place_is_told_so_and_may_give_it_back_all_the_same(token):
    leases, _ = made()
    leases.claim()
    leases.release(token)
    assert len(leases) == 1
    for ask in (leases.hear, leases.look, leases.begin):
        with pytest.raises(Refusal) as refused:
            ask(token)
        assert refused.value.status == 410


class Places(RuleBasedStateMachine):
    """Against a plain list of who used and who said something when."""

    def __init__(self):
        super().__init__()
        self.leases, self.clock = made()
        self.known = {}

    @rule()
    def claim(self):
        try:
            lease = self.leases.claim()
        except Refusal:
            assert len(self.alive()) == MOST
            return
        self.known[lease.token] = [self.clock.now, self.clock.now]

    @rule(seconds=st.sampled_from([1.0, 45.0, 89.0, 90.0, 300.0]))
    def wait(self, seconds):
        self.clock.now += seconds

    @rule(data=st.data(), used=st.booleans())
    def say(self, data, used):
        if not self.known:
            return
        token, alive = data.draw(st.sampled_from(sorted(self.known))), self.alive()
        try:
            lease = self.leases.begin(token) if used else self.leases.hear(token)
        except Refusal:
            assert token not in alive
            return
        assert token in alive
        if used:
            self.leases.end(lease)
            self.known[token][0] = self.clock.now
        self.known[token][1] = self.clock.now

    @rule(data=st.data())
    def release(self, data):
        if self.known:
            token = data.draw(st.sampled_from(sorted(self.known)))
            self.leases.release(token)
            del self.known[token]

    def alive(self):
        now = self.clock.now
        self.known = {t: (u, h) for t, (u, h) in self.known.items() if now - u < IDLE and now - h < SILENT}
        self.known = {t: list(each) for t, each in self.known.items()}
        return set(self.known)

    @invariant()
    def as_many_places_are_taken_as_clients_are_alive(self):
        assert len(self.leases) == len(self.alive())


TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=40, stateful_step_count=25)
