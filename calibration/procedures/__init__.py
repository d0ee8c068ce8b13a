"""The steps a technician goes through, as functions of a bench; command line and HMI show them."""
