"""Light and colour: a grey card that fills the view."""

from dataclasses import dataclass
from typing import Final

from calibration.bench import Bench, Task, TaskKind
from calibration.procedures.steps import Step, Tell
from calibration.solve.light import LightFit, fit_light

NAME: Final = "light"
_PHOTOGRAPHS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LightOutcome:
    """What the grey card showed.

    Attributes:
        fit: flat field, white balance, exposure.
    """

    fit: LightFit


def calibrate_light(bench: Bench, tell: Tell) -> LightOutcome:
    """Photograph a grey card and judge light, colour and exposure.

    Raises:
        ProcedureError: the card is too dark, burnt out, coloured, or not alone in the view.
    """
    words = "lay a grey card over the whole view, and keep your shadow off it"
    bench.ask(Task(kind=TaskKind.GREY_CARD, words=words))
    images = []
    for number in range(_PHOTOGRAPHS):
        images.append(bench.photograph().image)
        share = (number + 1) / (_PHOTOGRAPHS + 1)
        words = f"grey card, photograph {number + 1}"
        tell(Step(procedure=NAME, words=words, share=share, image=images[-1]))
    fit = fit_light(images)
    bench.ask(Task(kind=TaskKind.CLEAR_BELT, words="take the grey card away"))
    tell(Step(procedure=NAME, words=words_of(fit), share=1.0))
    return LightOutcome(fit=fit)


def words_of(fit: LightFit) -> str:
    """Return how a line is lit, for people."""
    blue, _, red = fit.white_balance
    advice = (
        "the exposure may stay"
        if fit.exposure_factor == 1.0
        else f"change the exposure to {fit.exposure_factor:.2f} times"
    )
    return (
        f"grey card at level {fit.level:.0f}, {advice}; corners {fit.vignette_share:.0%} darker "
        f"than the middle, flat field up to {fit.gain.max():.2f}; white balance blue "
        f"{blue:.2f}, red {red:.2f}; noise {fit.noise_levels:.1f} levels"
    )
