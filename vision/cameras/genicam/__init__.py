"""Cameras that speak GenICam: GigE Vision and USB3 Vision by Aravis, any other by GenTL."""
