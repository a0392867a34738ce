"""Reads a prompt and makes a Look of it, by lists of words. It draws nothing and asks no model.

    prompt --Chinese words to English, negated clauses out--> words --tables below--> Look

A prompt that no table knows still gives a film: an abstract mood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np

from filmgate.engines.draft.look import Look, Move, SceneName, TimeOfDay, Weather

_SCENES: dict[SceneName, dict[int, str]] = {
    SceneName.HIGHWAY: {
        5: "highway, motorway, freeway, road trip, coastal road, mountain road",
        3: "coast, coastal, coastline, road, drive, driving, sea, ocean, seaside, beach, shore, "
        "cliff",
        2: "car, sunset, sunrise, wave, horizon, bay, island, lake, desert, route",
        1: "mountain, journey, travel, vehicle, golden hour",
    },
    SceneName.CITY: {
        5: "city, cityscape, skyline, cyberpunk, downtown, metropolis, megacity",
        3: "street, neon, skyscraper, urban, building, alley, town, tokyo, new york, hong kong, "
        "shanghai, london, paris",
        2: "traffic, subway, office, crosswalk, futuristic, shop, billboard",
        1: "night, car, light, crowd, architecture",
    },
    SceneName.MEADOW: {
        9: "cat, kitten, kitty, feline",
        5: "meadow, grassland, prairie, pasture",
        3: "grass, garden, field, flower, lawn, park, puppy, dog, pet, butterfly, countryside",
        2: "spring, farm, hill, nature, forest, valley, animal, rabbit, horse, tree, picnic",
        1: "summer, green, bird, sunny",
    },
    SceneName.DANCER: {
        9: "dance, dancing, dancer, ballet, ballerina, breakdance, choreography, waltz, tango",
        4: "concert, stage, disco, nightclub, singer, performer, performance, spotlight",
        3: "music, party, theatre, theater, musician, acrobat, figure skating",
        2: "person, woman, man, girl, boy, people, singing, silhouette",
        1: "rhythm, show, audience, portrait, human",
    },
    SceneName.MOOD: {
        5: "abstract, nebula, galaxy, aurora, outer space, underwater, kaleidoscope, fractal",
        3: "space, planet, dream, dreamy, ink, smoke, particle, liquid, gradient, pattern, energy",
        1: "texture, colour, color, background, light, calm, meditation, magic",
    },
}
"""How much each word speaks for a scene. What the film is about outweighs where it happens."""
_DEFINING = 5
"""Words of at least this weight make the scene what it is."""

_TIMES = {
    TimeOfDay.SUNSET: "sunset, dusk, golden hour, evening, twilight, sundown, setting sun",
    TimeOfDay.DAWN: "dawn, sunrise, daybreak, morning, first light, rising sun",
    TimeOfDay.NIGHT: "night, midnight, nighttime, nocturnal, moonlight, moonlit, moon, starry, "
    "neon",
    TimeOfDay.DAY: "day, daytime, daylight, noon, midday, afternoon, sunny, blue sky, sunshine",
}
_USUAL_TIME = {
    SceneName.HIGHWAY: TimeOfDay.SUNSET,
    SceneName.CITY: TimeOfDay.NIGHT,
    SceneName.MEADOW: TimeOfDay.DAY,
    SceneName.DANCER: TimeOfDay.SUNSET,
    SceneName.MOOD: TimeOfDay.SUNSET,
}

_WEATHERS = {
    Weather.RAIN: "rain, rainy, raining, rainfall, drizzle, downpour, storm, stormy, thunderstorm, "
    "monsoon, wet",
    Weather.SNOW: "snow, snowy, snowing, snowfall, blizzard, snowflake, winter",
    Weather.FOG: "fog, foggy, mist, misty, haze, hazy, smog",
    Weather.CLOUDY: "cloudy, overcast, grey sky, gray sky, gloomy",
    Weather.CLEAR: "clear sky, sunny, cloudless, blue sky",
}

_MOVES = {
    Move.STATIC: "static, static shot, locked off, locked shot, fixed camera, still camera, tripod",
    Move.PUSH_IN: "push in, pushing in, dolly in, move in, slow push, closer, camera approaches, "
    "dolly forward, moves forward, moving forward",
    Move.PULL_OUT: "pull out, pull back, pulling back, dolly out, zoom out, zooms out, "
    "zooming out, move back, moves back, reveal shot",
    Move.PAN_LEFT: "pan left, pans left, panning left, pan to the left, pans to the left, "
    "turn left",
    Move.PAN_RIGHT: "pan right, pans right, panning right, pan to the right, pans to the right, "
    "turn right, pan, pans, panning, panoramic",
    Move.TILT_UP: "tilt up, tilts up, tilting up, look up, looking up, tilt",
    Move.TILT_DOWN: "tilt down, tilts down, tilting down, look down, looking down",
    Move.ORBIT: "orbit, orbits, orbiting, arc shot, circling, circle around, rotate around, "
    "rotating around, 360, revolve, around the subject",
    Move.CRANE: "crane, crane shot, jib, boom up, boom shot, drone, aerial, bird's eye, "
    "rising shot, fly over, flyover, flying over, camera rises, pedestal",
    Move.TRACKING: "tracking, tracking shot, follow shot, following shot, camera follows, dolly, "
    "dolly shot, truck left, truck right, trucking shot, side scrolling, steadicam",
    Move.ZOOM: "zoom, zoom in, zooms in, zooming in, crash zoom",
    Move.HANDHELD: "handheld, hand held, shaky, shaky cam, documentary, vlog, found footage",
}
_OPPOSITES = [
    {Move.PUSH_IN, Move.PULL_OUT},
    {Move.ZOOM, Move.PULL_OUT},
    {Move.PAN_LEFT, Move.PAN_RIGHT},
    {Move.TILT_UP, Move.TILT_DOWN},
]
_USUAL_MOVES = {
    SceneName.HIGHWAY: ((Move.PUSH_IN, Move.HANDHELD), (Move.CRANE, Move.HANDHELD)),
    SceneName.CITY: ((Move.PUSH_IN, Move.HANDHELD), (Move.CRANE, Move.HANDHELD)),
    SceneName.MEADOW: ((Move.PUSH_IN, Move.HANDHELD), (Move.ORBIT, Move.HANDHELD)),
    SceneName.DANCER: ((Move.ORBIT, Move.HANDHELD), (Move.PUSH_IN, Move.HANDHELD)),
    SceneName.MOOD: ((Move.PUSH_IN, Move.HANDHELD), (Move.ORBIT, Move.HANDHELD)),
}
_MOVES_MAX = 3

_TEMPOS = {
    0.4: "slow motion, slow mo, slowmo, slowmotion, bullet time, super slow",
    3.0: "time lapse, timelapse, hyperlapse, hyper lapse, fast motion, fast forward, sped up",
}

_THINGS = {
    "music": "music, song, soundtrack",
    "cars": "car, traffic, vehicle, truck, automobile, bus, taxi",
    "people": "people, person, pedestrian, crowd, human, man, woman, men, women, one, nobody, "
    "dancer, pedestrian",
    "clouds": "cloud, cloudy, overcast",
    "rain": "rain, raindrop, rainy, drizzle",
    "snow": "snow, snowflake, snowy",
    "fog": "fog, mist, haze, foggy, misty",
    "trees": "tree, forest, pine, palm, wood",
    "poles": "pole, wire, power line, telephone pole, street lamp, lamppost, streetlight, cable",
    "rail": "rail, guardrail, guard rail, barrier, railing, fence",
    "birds": "bird, seagull, gull",
    "neon": "neon, neon sign, neon light, sign, billboard",
    "grain": "grain, film grain, grainy, noise, noisy",
    "stars": "star, starry",
    "flowers": "flower, blossom, daisy, daisies, poppy, poppies",
    "cat": "cat, kitten, kitty, feline",
    "butterflies": "butterfly, butterflies",
    "boats": "boat, ship, sailboat",
    "buildings": "building, skyscraper, tower, house",
    "lights": "light, lamp, spotlight",
    "moon": "moon",
    "sun": "sun",
    "mountains": "mountain, hill",
    "reflections": "reflection, puddle",
    "glow": "glow, bloom, lens flare, flare",
    "umbrellas": "umbrella",
    "particles": "particle, dust, sparkle, confetti",
}
"""What a negative can take out of a picture, under the name that scenes ask for."""

_CHINESE = {
    "日落": "sunset", "夕阳": "sunset", "黄昏": "dusk", "傍晚": "evening", "日出": "sunrise",
    "黎明": "dawn", "清晨": "morning", "早晨": "morning", "夜晚": "night", "夜景": "night city",
    "夜": "night", "白天": "daytime", "中午": "noon", "下午": "afternoon", "月亮": "moon",
    "星空": "starry sky", "星": "star", "城市": "city", "都市": "city", "街道": "street",
    "街": "street", "霓虹": "neon", "赛博朋克": "cyberpunk", "高楼": "skyscraper",
    "建筑": "building", "雨": "rain", "雪": "snow", "雾": "fog", "云": "cloud", "多云": "cloudy",
    "阴天": "overcast", "晴": "sunny", "蓝天": "blue sky", "小猫": "kitten", "猫": "cat",
    "狗": "dog", "草地": "grass meadow", "草": "grass", "花园": "garden", "花": "flower",
    "田野": "field", "树": "tree", "森林": "forest", "鸟": "bird", "跳舞": "dancing",
    "舞蹈": "dance", "舞者": "dancer", "舞台": "stage", "芭蕾": "ballet", "音乐": "music",
    "演唱会": "concert", "人": "person", "女孩": "girl", "男孩": "boy", "女人": "woman",
    "高速公路": "highway", "公路": "road highway", "道路": "road", "马路": "road", "海岸": "coast",
    "沿海": "coastal", "海边": "seaside", "海滩": "beach", "沙滩": "beach", "大海": "sea",
    "海洋": "ocean", "海": "sea", "山": "mountain", "湖": "lake", "汽车": "car", "车辆": "vehicle",
    "车": "car", "开车": "driving", "驾驶": "driving", "抽象": "abstract", "星系": "galaxy",
    "宇宙": "outer space", "太空": "outer space", "极光": "aurora", "梦": "dream",
    "推近": "push in", "推镜头": "push in", "拉近": "push in", "拉远": "pull out",
    "拉镜头": "pull out", "左摇": "pan left", "右摇": "pan right", "环绕": "orbit",
    "航拍": "aerial", "升降": "crane", "跟拍": "tracking shot", "跟随": "tracking shot",
    "变焦": "zoom", "手持": "handheld", "固定镜头": "static shot", "慢动作": "slow motion",
    "延时": "time lapse", "红": "red", "蓝": "blue", "绿": "green", "金": "golden",
    "没有": "without", "不要": "without", "无": "without", "电影": "cinematic",
}  # fmt: skip

_WORD = (
    r"(?!(?:in|on|at|with|but|while|under|during|near|through|as|just|only|and|or|nor)(?![a-z]))"
    r"[^\s,.;:!?]+"
)
_NEGATED = re.compile(
    r"(?<![a-z])(?:without any|without|no|free of)\s+(?!longer|doubt|matter|more than)"
    rf"({_WORD}(?:\s+{_WORD})?(?:\s+(?:and|or|nor)\s+{_WORD}(?:\s+{_WORD})?)*)"
)
"""One or two words after a 'no', and those joined to them: 'no power lines or parked cars'."""


def understand(prompt: str, negative_prompt: str, seed: int, duration_s: int) -> Look:
    """Return the look of a prompt; the same words and seed give the same look."""
    wanted, negated = _split(_plain(prompt))
    unwanted = f"{_plain(negative_prompt)} , {negated}"
    rng = np.random.default_rng((seed, 0x70))
    scene = _scene(wanted, unwanted)
    return Look(
        scene=scene,
        time=_time(wanted, unwanted, scene),
        weather=_weather(wanted, unwanted),
        moves=_moves(wanted, unwanted, scene, rng),
        without=frozenset(name for name, words in _THINGS.items() if _hits(words, unwanted)),
        words=frozenset(re.findall(r"[a-z0-9']+", wanted)),
        seed=seed,
        duration_s=duration_s,
        tempo=next((tempo for tempo, words in _TEMPOS.items() if _hits(words, wanted)), 1.0),
    )


def _plain(text: str) -> str:
    """Lower case, one width of letters, hyphens as spaces, the known Chinese words in English."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("-", " ")
    text = re.sub("[、。，；！？]", " , ", text)
    return _CHINESE_WORDS.sub(lambda found: f" {_CHINESE[found[0]]} ", text)


def _split(text: str) -> tuple[str, str]:
    """Part what the prompt wants from what its 'no …' and 'without …' clauses do not want."""
    negated = " , ".join(_NEGATED.findall(text))
    if re.search(r"(?<![a-z])nobody(?![a-z])", text):
        negated += " , nobody"
    return _NEGATED.sub(" , ", text), negated


def _scene(wanted: str, unwanted: str) -> SceneName:
    def score(scene: SceneName) -> int:
        table = _SCENES[scene].items()
        liked = sum(weight * len(_hits(words, wanted)) for weight, words in table)
        return liked - sum(
            2 * weight * len(_hits(words, unwanted))
            for weight, words in table
            if weight >= _DEFINING  # a city without cars is still a city
        )

    liked = {scene: score(scene) for scene in _SCENES}
    best = max(liked, key=lambda scene: liked[scene])
    return best if liked[best] > 0 else SceneName.MOOD


def _time(wanted: str, unwanted: str, scene: SceneName) -> TimeOfDay:
    excluded = {time for time, words in _TIMES.items() if _hits(words, unwanted)}
    if TimeOfDay.NIGHT in excluded and not re.search("night|nocturnal", unwanted):
        excluded.remove(TimeOfDay.NIGHT)  # 'no neon' and 'no moon' leave the night dark, not bright
    named = {time: len(_hits(words, wanted)) for time, words in _TIMES.items()}
    best = max(named, key=lambda time: named[time] * (time not in excluded))
    if named[best] and best not in excluded:
        return best
    usual = (_USUAL_TIME[scene], TimeOfDay.DAY, TimeOfDay.SUNSET, TimeOfDay.DAWN)
    return next((time for time in usual if time not in excluded), _USUAL_TIME[scene])


def _weather(wanted: str, unwanted: str) -> Weather:
    for weather, words in _WEATHERS.items():
        if _hits(words, wanted) and not _hits(words, unwanted):
            return weather
    return Weather.CLEAR


def _moves(
    wanted: str, unwanted: str, scene: SceneName, rng: np.random.Generator
) -> tuple[Move, ...]:
    found = {move: hits for move, words in _MOVES.items() if (hits := _first_named(words, wanted))}
    chosen: list[Move] = []
    for move in sorted(found, key=lambda move: found[move]):
        fights = any({move, other} in _OPPOSITES for other in chosen)
        if not fights and not _hits(_MOVES[move], unwanted):
            chosen.append(move)
    if Move.STATIC in chosen:
        return (Move.STATIC,)
    if chosen:
        return tuple(chosen[:_MOVES_MAX])
    usual = _USUAL_MOVES[scene][int(rng.random() < 0.35)]
    calm = tuple(move for move in usual if not _hits(_MOVES[move], unwanted))
    return calm or (Move.STATIC,)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Match any of the words as a whole word, singular or plural, the longest first."""
    longest = sorted((re.escape(word.strip()) for word in words), key=len, reverse=True)
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(longest)})(?=(?:s|es)?(?![a-z0-9]))")


_TABLES = (
    *(words for table in _SCENES.values() for words in table.values()),
    *_TIMES.values(), *_WEATHERS.values(), *_MOVES.values(), *_TEMPOS.values(), *_THINGS.values(),
)  # fmt: skip
_PATTERNS = {words: _pattern(words.split(",")) for words in _TABLES}
_ALL_MOVES = _pattern(word for words in _MOVES.values() for word in words.split(","))
_CHINESE_WORDS = re.compile("|".join(sorted(_CHINESE, key=len, reverse=True)))


def _hits(words: str, text: str) -> set[str]:
    return set(_PATTERNS[words].findall(text))


def _first_named(words: str, text: str) -> int:
    """Where in the text, from 1, a move is first named; 0 if it is not. 'Zoom out' is no zoom."""
    names = {word.strip() for word in words.split(",")}
    return next((m.start() + 1 for m in _ALL_MOVES.finditer(text) if m[0] in names), 0)
