"""Whether PLCs, encoder and stations of a line file fit together."""

from collections import Counter
from collections.abc import Sequence

from controller.stations import StationConfig
from plc.config import DirectConfig, PlcConfig
from plc.encoders.config import EncoderConfig, PlcEncoder


def plc_problems(
    plcs: Sequence[PlcConfig | DirectConfig],
    encoder: EncoderConfig,
    stations: Sequence[StationConfig],
) -> tuple[str, ...]:
    """Return what does not fit between the PLCs, the encoder and the stations, one line each."""
    main = plcs[0]
    if isinstance(main, DirectConfig):
        return _direct_problems(main, encoder, stations)
    problems: list[str] = []
    if not isinstance(encoder, PlcEncoder):
        problems.append(
            f'encoder.kind: "{encoder.kind}" goes with plc.mode "direct" only; a PLC fires by the '
            'encoder that is wired to it (kind "plc")'
        )
    queue_plcs = [plc for plc in plcs if isinstance(plc, PlcConfig)]
    return tuple(problems + _mapping_problems(queue_plcs, [station.name for station in stations]))


def _mapping_problems(plcs: Sequence[PlcConfig], names: Sequence[str]) -> list[str]:
    """Every station belongs to exactly one PLC."""
    several = len(plcs) > 1
    problems: list[str] = []
    repeated = [name for name, count in Counter(plc.name for plc in plcs).items() if count > 1]
    problems += (f"plc: two PLCs are named {name!r}" for name in repeated)
    for index, plc in enumerate(plcs):
        where = f"plc[{index}].stations" if several else "plc.stations"
        if several and not plc.stations:
            problems.append(f"{where}: name the stations that {plc.name!r} drives")
        problems += (
            f"{where}: no station {name!r}; there are {', '.join(map(repr, names))}"
            for name in plc.stations
            if name not in names
        )
    named = Counter(name for plc in plcs for name in plc.stations)
    problems += (f"plc: station {name!r} is driven twice" for name, n in named.items() if n > 1)
    if named:
        problems += (f"plc: no PLC drives station {name!r}" for name in names if name not in named)
    return problems


def _direct_problems(
    plc: DirectConfig, encoder: EncoderConfig, stations: Sequence[StationConfig]
) -> tuple[str, ...]:
    problems: list[str] = []
    if isinstance(encoder, PlcEncoder):
        problems.append(
            'encoder.kind: plc.mode "direct" has no PLC that counts; use "register" (a counter of '
            "the remote I/O) or a serial counter"
        )
    if len(plc.first_coils) != len(stations):
        problems.append(
            f"plc.first_coils: {len(plc.first_coils)} coils for {len(stations)} stations"
        )
        return tuple(problems)
    taken: dict[int, str] = {} if plc.belt_coil is None else {plc.belt_coil: "plc.belt_coil"}
    for index, (first, station) in enumerate(zip(plc.first_coils, stations, strict=True)):
        last = first + station.valve_count - 1
        if last >= plc.coil_count:
            problems.append(
                f"plc.first_coils[{index}]: {station.name!r} needs coils {first} to {last}, "
                f"coil_count is {plc.coil_count}"
            )
        shared = {taken[coil] for coil in range(first, last + 1) if coil in taken}
        problems += (
            f"plc.first_coils[{index}]: {station.name!r} shares coils with {other}"
            for other in sorted(shared)
        )
        taken.update(dict.fromkeys(range(first, last + 1), repr(station.name)))
    return tuple(problems)
