"""The register map: its documents are current, its addresses and orders pinned."""

import csv
import io
import itertools
from dataclasses import fields
from pathlib import Path

import pytest

from plc.codec import StatusBlock, decode_status, encode_status, to_words
from plc.register_tables import as_csv, as_markdown
from plc.registers import (
    BLOCKS,
    HISTORY,
    MAILBOX,
    MAILBOX_WORDS,
    PAGE_VALVES,
    READ_WORDS,
    RECENT,
    RECENT_LATCHES,
    STATUS,
    main,
)

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documents_are_current():
    assert (DOCS / "registers.md").read_text() == as_markdown(BLOCKS), "run make registers"
    assert (DOCS / "registers.csv").read_text() == as_csv(BLOCKS), "run make registers"


def test_the_command_prints_what_the_documents_hold(capsys):
    assert main(["--markdown"]) == 0
    assert capsys.readouterr().out == as_markdown(BLOCKS)
    assert main(["--csv"]) == 0
    assert capsys.readouterr().out == as_csv(BLOCKS)


def test_one_read_and_one_write_are_enough():
    assert STATUS.address == 0
    assert RECENT_LATCHES.address == STATUS.address + STATUS.words
    assert RECENT.address == RECENT_LATCHES.address + RECENT_LATCHES.words
    assert READ_WORDS <= 125
    assert MAILBOX_WORDS <= 123


def test_blocks_neither_overlap_nor_leave_openplcs_areas():
    ends = [(block.address, block.address + block.words) for block in BLOCKS]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ends))
    assert PAGE_VALVES.address + PAGE_VALVES.words <= 1024 < MAILBOX.address
    assert HISTORY.address + HISTORY.words <= 2048


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("magic", 0),
        ("map_version", 1),
        ("line_id", 2),
        ("state", 3),
        ("flags", 4),
        ("scan_counter", 5),
        ("encoder_tick", 6),
        ("boot_number", 12),
        ("lease_owner", 13),
        ("accepted_batch", 18),
        ("fired_total", 21),
        ("heartbeat_timeout_ms", 29),
        ("report_sequence", 35),
        ("trigger_total", 37),
        ("trigger_tick", 288),
        ("pulse_id", 1280),
        ("kind", 128),
        ("test_sequence", 416),
        ("page", 448),
        ("cycles", 449),
        ("owner_id", 1028),
        ("heartbeat", 1030),
        ("requests", 1031),
        ("checksum", 1032),
        ("batch_sequence", 1033),
        ("pulse_count", 1034),
        ("flap_hold", 1035),
        ("base_pulse_id", 1036),
        ("base_tick", 1038),
        ("stations_0_3", 1040),
        ("valves", 1048),
        ("service_owner_id", 1152),
    ],
)
def test_addresses_are_pinned(name, address):
    found = {r.name: r.address for block in BLOCKS for r in block.registers}
    assert found[name] == address


def test_the_status_block_has_a_field_for_each_register_in_order():
    assert [f.name for f in fields(StatusBlock)] == [r.name for r in STATUS.registers]


def test_high_word_comes_first():
    words = [0] * STATUS.words
    words[6], words[7] = 0x0001, 0x0002
    status = decode_status(words)
    assert status.encoder_tick == 0x00010002
    assert to_words(encode_status(status)) == words


def test_the_csv_lists_each_word_of_the_map_once():
    rows = list(csv.DictReader(io.StringIO(as_csv(BLOCKS))))
    covered = [int(r["address"]) + i for r in rows for i in range(int(r["words"]))]
    assert len(covered) == len(set(covered)) == sum(block.words for block in BLOCKS)
