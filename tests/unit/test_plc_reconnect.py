"""Back-off between attempts to reach the PLC."""

from plc.reconnect import ReconnectPolicy

MS = 1_000_000


def test_the_first_attempt_is_due_at_once():
    policy = ReconnectPolicy()
    assert policy.due(0)
    assert policy.wait_ms(0) == 0


def test_delays_double_up_to_the_limit_and_are_jittered():
    policy = ReconnectPolicy(first_ms=100, longest_ms=1000, seed=1)
    delays = [policy.failed(0) for _ in range(40)]
    for delay, step in zip(delays, [100, 200, 400, 800, *[1000] * 36], strict=True):
        assert step / 2 <= delay <= step
    assert len(set(delays)) == 40
    assert policy.failures == 40


def test_nothing_is_due_until_the_delay_has_passed():
    policy = ReconnectPolicy(seed=1)
    delay_ms = policy.failed(0)
    assert not policy.due(int(delay_ms * MS) - 1)
    assert policy.wait_ms(0) > 49
    assert policy.due(int(delay_ms * MS))


def test_a_success_starts_anew():
    policy = ReconnectPolicy(seed=1)
    for _ in range(10):
        policy.failed(0)
    policy.succeeded()
    assert policy.due(0)
    assert policy.failed(0) <= 100
