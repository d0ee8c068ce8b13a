"""What every PLC of a line must do, checked over Modbus against whatever answers there."""
