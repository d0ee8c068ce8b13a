"""The line in other systems: MQTT Sparkplug B and OPC UA, read-only, by PackML tag names."""
