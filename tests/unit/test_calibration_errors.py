"""Errors of procedures."""

import pickle

from calibration.errors import ProcedureError


def test_a_refusal_survives_the_way_from_another_process():
    refusal = ProcedureError("no board in view", "hold it under the camera")
    again = pickle.loads(pickle.dumps(refusal))
    assert (again.found, again.remedy) == (refusal.found, refusal.remedy)
    assert str(again) == "no board in view; hold it under the camera"
