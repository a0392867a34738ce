"""The coast road: a drive between a wooded slope and the sea. The parts are painted elsewhere.

sky (at infinity) -> sea -> ground -> hillside -> rail -> what stands upright, far to near
"""

from __future__ import annotations

import cv2
import numpy as np

from filmgate.engines.draft.look import Look, Picture, Pose
from filmgate.engines.draft.scenes.highway_cars import Cars
from filmgate.engines.draft.scenes.highway_ground import Ground
from filmgate.engines.draft.scenes.highway_roadside import Poles, Rail
from filmgate.engines.draft.scenes.highway_sea import Sea
from filmgate.engines.draft.scenes.highway_sky import Sky
from filmgate.engines.draft.scenes.highway_trees import Hillside, Trees
from filmgate.engines.draft.scenes.highway_view import View, course_for


class Highway:
    """Knows how to do without cars, poles, clouds, trees, rail, stars, sun, moon and mountains."""

    def __init__(self, look: Look, width_px: int, height_px: int) -> None:
        self._course = course_for(look.seed, width_px, height_px)
        sky = Sky(look, self._course)
        self._sky = sky
        self._sea = Sea(look, sky)
        self._ground = Ground(look, sky)
        self._hillside = Hillside(look, sky)
        self._cars = Cars(look, sky)
        self._trees = None if "trees" in look.without else Trees(look, sky)
        self._poles = None if "poles" in look.without else Poles(look, sky)
        self._rail = None if "rail" in look.without else Rail(look, sky)

    def frame(self, t_s: float, pose: Pose) -> Picture:
        """Paint one moment; see `filmgate.engines.draft.look.Scene`."""
        course = self._course
        view = View(course, t_s, pose)
        out = np.empty((course.height_px, course.width_px, 3), np.uint8)
        glow = np.zeros((course.height_px // 4, course.width_px // 4, 3), np.uint8)
        self._sky.draw(out, view)
        self._sea.draw(out, view, t_s)
        self._ground.draw(out, view)
        self._hillside.draw(out, view)
        if self._rail:
            self._rail.draw(out, view)
        standing = [*self._cars.upright(view, t_s)]
        standing += self._trees.upright(view) if self._trees else ()
        standing += self._poles.upright(view) if self._poles else ()
        for thing in sorted(standing, key=lambda thing: -thing.ahead_m):
            thing.draw(out, glow)
        if course.is_mirrored:
            out, glow = cv2.flip(out, 1), cv2.flip(glow, 1)
        return Picture(np.asarray(out, np.uint8), np.asarray(glow, np.uint8))
