"""What the draft engine reads out of prompts."""

import pytest

from filmgate.engines.draft.look import Look, Move, SceneName, TimeOfDay, Weather
from filmgate.engines.draft.words import understand


def look(prompt: str, negative: str = "", seed: int = 1) -> Look:
    return understand(prompt, negative, seed, 5)


@pytest.mark.parametrize(
    ("prompt", "scene", "time", "weather"),
    [
        ("Sunset coastal highway, cinematic shot", "highway", "sunset", "clear"),
        ("City night scene, neon lights and rain-soaked streets", "city", "night", "rain"),
        ("Cat running on the grass", "meadow", "day", "clear"),
        ("Make the cat stand up and walk", "meadow", "day", "clear"),
        ("Person dancing to the music", "dancer", "sunset", "clear"),
        ("日落时的海岸公路", "highway", "sunset", "clear"),
        ("城市夜晚,霓虹灯,下雨", "city", "night", "rain"),
        ("一只小猫在草地上奔跑", "meadow", "day", "clear"),
        ("一个女孩在舞台上跳舞", "dancer", "sunset", "clear"),
        ("Driving at dawn through thick fog along the ocean", "highway", "dawn", "fog"),
        ("snowy mountain road at midnight", "highway", "night", "snow"),
        ("xyzzy", "mood", "sunset", "clear"),
        ("", "mood", "sunset", "clear"),
    ],
)
def test_a_prompt_lands_in_its_scene(prompt: str, scene: str, time: str, weather: str) -> None:
    seen = look(prompt)
    assert (seen.scene, seen.time, seen.weather) == (
        SceneName(scene),
        TimeOfDay(time),
        Weather(weather),
    )


@pytest.mark.parametrize(
    ("prompt", "moves"),
    [
        ("static shot of a road", (Move.STATIC,)),
        ("dolly in on a road", (Move.PUSH_IN,)),
        ("the camera pulls, pull back from a road", (Move.PULL_OUT,)),
        ("zoom out from the sea", (Move.PULL_OUT,)),
        ("zoom in on the sea", (Move.ZOOM,)),
        ("pan left over the city", (Move.PAN_LEFT,)),
        ("panning right over the city", (Move.PAN_RIGHT,)),
        ("tilt up a tower", (Move.TILT_UP,)),
        ("tilt down to the street", (Move.TILT_DOWN,)),
        ("orbiting a dancer", (Move.ORBIT,)),
        ("drone footage of the coast", (Move.CRANE,)),
        ("aerial view, handheld", (Move.CRANE, Move.HANDHELD)),
        ("tracking shot of a cat", (Move.TRACKING,)),
        ("handheld in the rain", (Move.HANDHELD,)),
        ("slow push then pull out of the city", (Move.PUSH_IN,)),
        ("航拍海岸", (Move.CRANE,)),
    ],
)
def test_a_named_move_is_made(prompt: str, moves: tuple[Move, ...]) -> None:
    assert look(prompt).moves == moves


def test_a_shot_without_a_named_move_breathes() -> None:
    assert Move.HANDHELD in look("a road").moves


def test_words_match_whole_words_only() -> None:
    assert look("a concatenated broadcast of carpets").scene is SceneName.MOOD
    assert "cars" not in look("a road", "scars, carpets").without


@pytest.mark.parametrize(
    ("prompt", "negative", "gone"),
    [
        ("a road", "traffic", {"cars"}),
        ("a road", "vehicles, Power Lines", {"cars", "poles"}),
        ("a road without cars", "", {"cars"}),
        ("a road with no people or clouds in the evening", "", {"people", "clouds"}),
        ("a road", "blurry, low quality, distorted", set()),
        ("a road", "film grain", {"grain"}),
        ("空旷的公路,没有车", "", {"cars"}),
        ("a road, guardrail-free", "guard rails", {"rail"}),
    ],
)
def test_negatives_name_what_is_taken_out(prompt: str, negative: str, gone: set[str]) -> None:
    assert look(prompt, negative).without == gone


def test_a_negated_clause_is_not_wanted() -> None:
    seen = look("coastal road without rain at night")
    assert (seen.weather, seen.time) == (Weather.CLEAR, TimeOfDay.NIGHT)
    assert "rain" not in seen.words


def test_a_negation_ends_where_the_next_thought_begins() -> None:
    seen = look("no power lines or parked cars along the coast road, a red bus")
    assert seen.without == {"poles", "cars"}
    assert seen.scene is SceneName.HIGHWAY
    assert look("zero gravity dance in outer space").scene is SceneName.DANCER
    assert look("no longer raining in the city").without == set()


def test_negative_weather_and_time_change_the_look() -> None:
    assert look("rainy city", "rain").weather is Weather.CLEAR
    assert look("city", "night").time is TimeOfDay.DAY
    assert look("city", "neon").time is TimeOfDay.NIGHT


def test_quality_words_change_nothing() -> None:
    words = "Sunset coastal highway, cinematic shot"
    assert look(words, "blurry, low quality, distorted") == look(words)


def test_tempo_is_read() -> None:
    assert look("slow-motion dancer").tempo == 0.4
    assert look("Time-lapse of the city").tempo == 3.0
    assert look("a city").tempo == 1.0


def test_a_long_prompt_is_read_quickly_and_the_same_each_time() -> None:
    prompt = "no " * 300 + "sea without " * 100 + "road"
    assert look(prompt) == look(prompt)
