"""The rows of the register map, block by block; plc.registers gives them their addresses."""

from plc.register_types import Kind

Row = tuple[str, Kind, str, str]
"""Name, kind, unit, meaning."""

MAGIC = 0x534C
"""ASCII "SL" in register 0: the device runs this program."""
MAP_VERSION = 3
"""Raised whenever an address or a meaning changes."""
BATCH_PULSES = 32
VALVES_PER_PAGE = 16

STATUS_ROWS: tuple[Row, ...] = (
    ("magic", Kind.U16, "", f"Always {MAGIC} (0x{MAGIC:04X})"),
    ("map_version", Kind.U16, "", f"Version of this map, {MAP_VERSION}"),
    ("line_id", Kind.U16, "", "Which line this PLC belongs to; a master of another one leaves it"),
    ("state", Kind.U16, "", "0 stopped, 1 running, 2 safe, 3 maintenance"),
    (
        "flags",
        Kind.BITS,
        "",
        (
            "Bit 0 safety input OK, 1 belt drive on, 2 heartbeat in time, 3 belt slow, 4 triggers "
            "latched in hardware, 5 valves compared in hardware, 6 can simulate, 7 simulated"
        ),
    ),
    ("scan_counter", Kind.U16, "", "Counts scans; the PLC's heartbeat to the PC"),
    ("encoder_tick", Kind.U32, "tick", "Encoder count at the last scan, wraps at 2^32"),
    ("encoder_ticks_per_s", Kind.U32, "tick/s", "Magnitude, over the last 100 ms"),
    ("scan_period_us", Kind.U16, "us", "Nominal time between two scans"),
    ("heartbeat_echo", Kind.U16, "", "The owner's last heartbeat that the program took"),
    (
        "boot_number",
        Kind.U16,
        "",
        "Differs after each start of the program; 0 until a master wrote",
    ),
    ("lease_owner", Kind.U32, "", "Id of the master in control, 0 if there is none"),
    ("foreign_writes", Kind.U16, "", "Writes of other masters, refused; wraps"),
    ("bad_writes", Kind.U16, "", "Scans that found a mailbox whose checksum is wrong; wraps"),
    ("stale_batches", Kind.U16, "", "Batches ignored for a number that is not the next; wraps"),
    ("accepted_batch", Kind.U16, "", "Sequence number of the last batch taken"),
    ("queue_used", Kind.U16, "", "Pulses waiting or open, all stations"),
    ("queue_size", Kind.U16, "", "Pulses that each station can hold"),
    ("fired_total", Kind.U32, "", "Pulses fired since boot"),
    ("late_total", Kind.U32, "", "Pulses not fired because they came or would open too late"),
    ("refused_total", Kind.U32, "", "Pulses not taken: malformed, out of limits, queue full"),
    ("blocked_total", Kind.U32, "", "Pulses not fired: stopped, safe state, heartbeat lost"),
    ("heartbeat_timeout_ms", Kind.U16, "ms", "Silence after which every valve closes"),
    ("late_tolerance_tick", Kind.U16, "tick", "A pulse due longer ago than this is late"),
    ("station_count", Kind.U16, "", "Stations present"),
    ("output_count", Kind.U16, "", "Valve and flap outputs present, all stations"),
    (
        "flap_positions",
        Kind.U32,
        "",
        "Bits 2s and 2s + 1: flap of station s; 0 moving, 1 at rest, 2 working, 3 fault",
    ),
    ("report_sequence", Kind.U32, "", "Number of the newest report; reports count 1, 2, 3 ..."),
    ("trigger_total", Kind.U32, "", "Number of the newest camera trigger; they count 1, 2, 3 ..."),
)
TRIGGER_ROWS: tuple[Row, ...] = (
    ("trigger_tick", Kind.U32, "tick", "Encoder count at the rising edge of the trigger input"),
)
REPORT_ROWS: tuple[Row, ...] = (
    ("pulse_id", Kind.U32, "", "As commanded"),
    (
        "tag",
        Kind.U16,
        "",
        (
            "Bits 0-4, the reason: 1 fired, 2 fired but closed early, 3 late on arrival, 4 late in "
            "the queue, 5 no room, 6 station unknown, 7 valve unknown, 8 too short, 9 too long, "
            "10 malformed, 11 not running, 12 stopped, 13 silence, 14 safety. Bits 5-15: low "
            "11 bits of this report's number in report_sequence: an overwritten entry shows"
        ),
    ),
    ("open_tick", Kind.U32, "tick", "When the valves opened (fired), else as commanded"),
    (
        "duration_tick",
        Kind.U16,
        "tick",
        "From opening to closing (fired), else as commanded; at most 65535",
    ),
)
STATION_ROWS: tuple[Row, ...] = (
    ("kind", Kind.U16, "", "0 none, 1 jet bar, 2 diverter flap, 3 reject gate"),
    ("valve_count", Kind.U16, "", "Valves present; 1 for a flap or gate"),
    ("first_output", Kind.U16, "", "Coil of valve 0; valve v is coil first_output + v"),
    ("station_queue_used", Kind.U16, "", "Pulses waiting or open at this station"),
    ("min_open_tick", Kind.U16, "tick", "Shorter pulses are refused"),
    ("max_open_tick", Kind.U16, "tick", "Longer pulses are refused"),
    ("min_open_ms", Kind.U16, "ms", "A valve stays open at least this long, by the PLC's clock"),
    ("max_open_ms", Kind.U16, "ms", "A valve closes after this, whatever the encoder says"),
    ("pressure", Kind.U16, "0.1 kPa", "Air pressure at the bar; 0 without a sensor"),
    ("position", Kind.U16, "", "Of the flap: 0 moving, 1 at rest, 2 working, 3 fault"),
)
TEST_ROWS: tuple[Row, ...] = (
    ("test_sequence", Kind.U16, "", "Number of the last test command that was looked at"),
    ("test_state", Kind.U16, "", "0 none yet, 1 running, 2 done, 3 refused, 4 aborted"),
    (
        "test_reason",
        Kind.U16,
        "",
        (
            "Why refused: 1 not in maintenance, 2 not the owner, 3 station unknown, 4 valve "
            "unknown, 5 duration out of limits, 6 count out of limits, 7 another test runs"
        ),
    ),
    ("test_station", Kind.U16, "", "Station of that command"),
    ("test_valve", Kind.U16, "", "Valve of that command"),
    ("pulses_done", Kind.U16, "", "Pulses of that command that have closed again"),
    ("test_open_tick", Kind.U32, "tick", "Encoder count when the last test pulse opened"),
    ("pressure_before", Kind.U16, "0.1 kPa", "At the scan that opened the last test pulse"),
    ("pressure_min", Kind.U16, "0.1 kPa", "Lowest from there to the next pulse or 500 ms"),
    (
        "response_tenth_ms",
        Kind.U16,
        "0.1 ms",
        "From switching on until the pressure had fallen by 2 % of pressure_before; 65535 never",
    ),
    ("minimum_tenth_ms", Kind.U16, "0.1 ms", "From switching on until the lowest pressure"),
)
PAGE_ROWS: tuple[Row, ...] = (
    ("page", Kind.U16, "", f"The entries show outputs {VALVES_PER_PAGE} x page and following"),
)
VALVE_ROWS: tuple[Row, ...] = (
    ("cycles", Kind.U32, "", "Openings since boot"),
    ("last_open_tick", Kind.U32, "tick", "Encoder count at the last opening"),
    ("valve_min_open_ms", Kind.U16, "ms", "Shortest opening that holds for this valve"),
    ("valve_max_open_ms", Kind.U16, "ms", "Longest opening that holds for this valve"),
)
MAILBOX_ROWS: tuple[Row, ...] = (
    ("owner_id", Kind.U32, "", "Who writes: any number but 0, drawn anew by each master's start"),
    ("heartbeat", Kind.U16, "", "Changed with every write; a write that keeps it is not seen"),
    (
        "requests",
        Kind.BITS,
        "",
        "Bit 0 run (line may fire), 1 belt run, 2 maintenance, 3 belt slow, 4 release the lease",
    ),
    (
        "checksum",
        Kind.U16,
        "",
        (
            "Sum of (index + 1) x word over the header and the pulses there are, this word taken "
            "as 0, modulo 65536; index 0 is the first register of the mailbox"
        ),
    ),
    ("batch_sequence", Kind.U16, "", "accepted_batch: no batch. The next number (65535 -> 1): one"),
    ("pulse_count", Kind.U16, "", f"Pulses in this batch, 0 to {BATCH_PULSES}"),
    ("flap_hold", Kind.BITS, "", "Bit s holds the flap of station s in its working position"),
    ("base_pulse_id", Kind.U32, "", "Id of the first pulse; the others count up from it"),
    ("base_tick", Kind.U32, "tick", "Encoder count that open offsets are added to"),
    *(
        (
            f"stations_{4 * i}_{4 * i + 3}",
            Kind.U16,
            "",
            (
                f"Station of pulse {4 * i} in bits 0-3, of {4 * i + 1} in 4-7, "
                f"of {4 * i + 2} in 8-11, of {4 * i + 3} in 12-15"
            ),
        )
        for i in range(BATCH_PULSES // 4)
    ),
)
PULSE_ROWS: tuple[Row, ...] = (
    ("valves", Kind.U16, "", "First valve in the high byte, last valve in the low byte"),
    ("open_offset_tick", Kind.U16, "tick", "Open tick = base_tick + this"),
    (
        "open_duration_tick",
        Kind.U16,
        "tick",
        "Close tick = open tick + this; 0 marks an id that is not used, skipped unreported",
    ),
)
SERVICE_ROWS: tuple[Row, ...] = (
    ("service_owner_id", Kind.U32, "", "The owner's id again: only the owner may test"),
    ("command_sequence", Kind.U16, "", "A change commands one test"),
    ("command_station", Kind.U16, "", "Station to test"),
    ("command_valve", Kind.U16, "", "Valve to test"),
    ("command_open_ms", Kind.U16, "ms", "How long each pulse lasts, within the valve's limits"),
    ("command_pause_ms", Kind.U16, "ms", "Between two pulses, at least as long as a pulse"),
    ("command_count", Kind.U16, "", "Pulses, 1 to 100"),
    ("wanted_page", Kind.U16, "", "Which valves the page shows; read page to see it taken"),
    (
        "simulated_ticks_per_s",
        Kind.U16,
        "tick/s",
        (
            "Other than 0: count this many while the belt is on, and take safety as OK. Not in "
            "RUNNING; ends with the lease"
        ),
    ),
    ("simulated_start_tick", Kind.U32, "tick", "Count to begin a simulation with"),
)
