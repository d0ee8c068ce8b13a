"""Everything the plc package raises on purpose."""


class PlcError(Exception):
    """Base of the family."""


class PlcLinkError(PlcError):
    """No connection, no answer in time, or the connection broke."""


class PlcMapError(PlcError):
    """The device answers but does not hold this register map (magic or version differ)."""


class PlcFaultError(PlcError):
    """The PLC answers, but with a Modbus exception, or its program does not run or take batches."""


class EncoderError(PlcError):
    """Encoder counts jump, run backwards or stand still while the belt is driven."""
