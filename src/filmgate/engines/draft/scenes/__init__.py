"""Which class paints which scene. No painting here."""

from __future__ import annotations

from filmgate.engines.draft.look import Look, Scene, SceneName
from filmgate.engines.draft.scenes.city import City
from filmgate.engines.draft.scenes.dancer import Dancer
from filmgate.engines.draft.scenes.highway import Highway
from filmgate.engines.draft.scenes.meadow import Meadow
from filmgate.engines.draft.scenes.mood import Mood


def scene_for(look: Look, width_px: int, height_px: int) -> Scene:
    """Paint the scene of a look, once, for pictures of width x height."""
    match look.scene:
        case SceneName.HIGHWAY:
            return Highway(look, width_px, height_px)
        case SceneName.CITY:
            return City(look, width_px, height_px)
        case SceneName.MEADOW:
            return Meadow(look, width_px, height_px)
        case SceneName.DANCER:
            return Dancer(look, width_px, height_px)
        case SceneName.MOOD:
            return Mood(look, width_px, height_px)
