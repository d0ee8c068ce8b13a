"""Commands into numbered batches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.batches import BatchSender
from plc.codec import encode_mailbox
from plc.errors import PlcFaultError
from plc.register_flags import RequestFlag
from plc.types import PlcRequest
from tests.support.plc_bench import IDLE, RUN, pulse


def test_without_commands_the_last_accepted_batch_is_named_again():
    sender = BatchSender(owner_id=77)
    sender.acknowledge(41)
    mailbox = sender.next_mailbox(IDLE)
    assert (mailbox.batch_sequence, mailbox.pulse_count) == (41, 0)


def test_the_heartbeat_changes_with_every_write_and_skips_zero():
    sender = BatchSender(owner_id=77)
    beats = [sender.next_mailbox(IDLE).heartbeat for _ in range(65540)]
    assert beats[:2] == [1, 2]
    assert beats[65534:65537] == [65535, 1, 2]


def test_requests_are_passed_on():
    assert (
        BatchSender(owner_id=77).next_mailbox(RUN).requests
        == RequestFlag.RUN | RequestFlag.BELT_RUN
    )
    assert BatchSender(owner_id=77).next_mailbox(IDLE).requests == RequestFlag(0)


def test_a_batch_is_repeated_unchanged_until_it_is_accepted():
    sender = BatchSender(owner_id=77)
    sender.put([pulse(1, 1000), pulse(2, 1040)])
    first = sender.next_mailbox(RUN)
    sender.put([pulse(3, 1100)])
    sender.acknowledge(0)
    again = sender.next_mailbox(RUN)
    assert (first.batch_sequence, first.pulses) == (again.batch_sequence, again.pulses)
    assert sender.waiting == 3
    sender.acknowledge(1)
    assert sender.next_mailbox(RUN).base_pulse_id == 3


def test_the_sequence_goes_on_after_the_plcs_and_skips_zero():
    sender = BatchSender(owner_id=77)
    sender.acknowledge(65535)
    sender.put([pulse(1, 1000)])
    assert sender.next_mailbox(RUN).batch_sequence == 1


def test_a_plc_that_booted_gets_the_batch_in_flight_under_its_own_next_number():
    sender = BatchSender(owner_id=77)
    sender.acknowledge(500)
    sender.put([pulse(1, 1000)])
    assert sender.next_mailbox(RUN).batch_sequence == 501
    sender.renumber(0)
    again = sender.next_mailbox(RUN)
    assert (again.batch_sequence, again.base_pulse_id) == (1, 1)
    sender.acknowledge(1)
    assert sender.waiting == 0


def test_every_write_says_whose_it_is_and_the_last_one_gives_the_lease_back():
    sender = BatchSender(owner_id=77)
    first, last = sender.next_mailbox(RUN), sender.farewell()
    assert (first.owner_id, last.owner_id) == (77, 77)
    assert last.requests == RequestFlag.RELEASE
    assert last.heartbeat != first.heartbeat


def test_flaps_slow_belt_and_maintenance_are_passed_on():
    request = PlcRequest(
        run=False, belt_run=True, belt_slow=True, maintenance=True, flaps_held=frozenset({0, 5})
    )
    mailbox = BatchSender(owner_id=77).next_mailbox(request)
    wanted = RequestFlag.BELT_RUN | RequestFlag.BELT_SLOW | RequestFlag.MAINTENANCE
    assert (mailbox.requests, mailbox.flap_hold) == (wanted, 0b100001)


def test_missing_ids_are_marked_unused():
    sender = BatchSender(owner_id=77)
    sender.put([pulse(10, 1000), pulse(13, 1005)])
    mailbox = sender.next_mailbox(RUN)
    assert [p.duration_tick for p in mailbox.pulses] == [60, 0, 0, 60]
    assert (mailbox.base_pulse_id, mailbox.pulse_count) == (10, 4)


def test_open_ticks_too_far_apart_go_into_two_batches():
    sender = BatchSender(owner_id=77)
    sender.put([pulse(1, 1000), pulse(2, 1000 + 65536)])
    assert sender.next_mailbox(RUN).pulse_count == 1
    sender.acknowledge(1)
    assert sender.next_mailbox(RUN).base_tick == 1000 + 65536


def test_what_registers_cannot_hold_is_sent_so_that_the_plc_refuses_it():
    sender = BatchSender(owner_id=77)
    sender.put([pulse(1, 1000, ticks=100_000, first=300, last=400)])
    (only,) = sender.next_mailbox(RUN).pulses
    assert (only.duration_tick, only.first_valve, only.last_valve) == (65535, 255, 255)


def test_a_station_beyond_the_map_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="pulse 1: station 16"):
        BatchSender(owner_id=77).put([pulse(1, 1000, station=16)])


def test_a_plc_that_takes_nothing_is_noticed():
    sender = BatchSender(owner_id=77, most_waiting=3)
    sender.put([pulse(1, 1000), pulse(2, 1000), pulse(3, 1000)])
    with pytest.raises(PlcFaultError, match="takes no batches: 3 pulses wait"):
        sender.put([pulse(4, 1000)])
    assert sender.waiting == 3


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(-40_000, 80_000), st.integers(0, 15)),
        max_size=120,
    ),
    st.integers(-(2**33), 2**33),
)
def test_every_command_is_sent_once_with_its_own_ticks(drawn, base):
    commands, next_id = [], 0
    for gap, offset, station in drawn:
        next_id += gap
        commands.append(pulse(next_id, base + offset, station=station))
    sender = BatchSender(owner_id=77)
    sender.put(commands)
    sent = {}
    while sender.waiting:
        mailbox = sender.next_mailbox(RUN)
        encode_mailbox(mailbox)
        assert 0 < mailbox.pulse_count <= 32
        for index, one in enumerate(mailbox.pulses):
            if one.duration_tick:
                open_tick = (mailbox.base_tick + one.open_offset_tick) % 2**32
                assert mailbox.base_pulse_id + index not in sent
                sent[mailbox.base_pulse_id + index] = (open_tick, one.station)
        sender.acknowledge(mailbox.batch_sequence)
    assert sent == {c.pulse_id: (c.open_tick % 2**32, c.station) for c in commands}
