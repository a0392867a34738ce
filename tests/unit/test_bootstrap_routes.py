"""routes.toml: what it may say, and what each wrong word is answered with."""

from __future__ import annotations

from datetime import time

import pytest

from filmgate.bootstrap.routes import key_variables, read_routes
from filmgate.config import Settings
from filmgate.domain.errors import ConfigError
from filmgate.domain.route import Rewriting
from filmgate.testing.provider_contract import NoWeb

THEIRS = """
[upstreams.theirs]
provider = "dashscope"
url = "https://dashscope.example/"
key = "env:THEIR_KEY"
"""
PRICES = "usd_per_s = { 480p = 0.05 }\n"
ENVIRONMENT = {"THEIR_KEY": "sk-1"}


@pytest.fixture
def read(tmp_path):
    def read(text: str | None, *, engines=(), **settings):
        if text is not None:
            (tmp_path / "routes.toml").write_text(text)
        return read_routes(
            Settings(data=str(tmp_path), **settings),
            tmp_path,
            fetcher=NoWeb(),
            engines=engines,
            environment=ENVIRONMENT,
        )

    return read


def refusal(read, text, **settings):
    with pytest.raises(ConfigError) as refused:
        read(text, **settings)
    return refused.value.message


def names(route):
    return [name for choice in route.choices for name in choice]


def test_without_a_file_the_draft_engine_makes_all(read):
    routes = read(None)
    assert routes.routes == ()
    assert names(routes.otherwise) == ["draft"]


def test_auto_is_what_is_set_up_and_a_drawing_only_where_nothing_is(read):
    assert names(read(THEIRS, engines=("wan",)).otherwise) == ["theirs", "wan"]
    assert names(read(THEIRS, engine="testcard").otherwise) == ["testcard"]


def test_an_upstream_is_read_with_its_limits(read):
    routes = read(
        THEIRS
        + """
        concurrent_max = 3
        requests_per_s = 2
        poll_s = 7
        timeout_s = 9
        budget_usd_per_day = 1.5
        budget_usd_per_month = 20
        usd_per_s = { 480p = 0.05, 720p = 0.10, 1080p = 0.15 }
        options = { prompt_chars_max = 100 }
        """
    )
    theirs = routes.upstreams["theirs"]
    assert theirs.provider.url == "https://dashscope.example", "a slash at the end is dropped"
    assert theirs.allowance.concurrent_max == 3
    assert theirs.allowance.micro_usd_per_day == 1_500_000
    assert theirs.allowance.micro_usd_per_month == 20_000_000
    assert theirs.poll_every_s == 7


def test_a_route_is_read_with_its_conditions(read):
    routes = read(
        THEIRS
        + """
        [[routes]]
        name = "night"
        engines = [{ theirs = 3, draft = 1 }, "testcard"]
        models = ["wan2.5-preview"]
        modes = ["text-to-video"]
        resolutions = ["480p"]
        durations_s = [5]
        api_keys = ["key_1"]
        hours_utc = "20:00-06:00"
        rewriting = "upstream"
        """
    )
    (night,) = routes.routes
    assert night.name == "night"
    assert night.choices == ({"theirs": 3, "draft": 1}, {"testcard": 1})
    assert night.hours_utc == (time(20), time(6))
    assert night.rewriting is Rewriting.UPSTREAM
    assert (night.modes, night.durations_s) == ({"text-to-video"}, {5})


def test_a_key_may_stand_in_a_file_of_its_own(read, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("sk-2\n")
    read(THEIRS.replace("env:THEIR_KEY", f"file:{secret}"))


def test_variables_that_hold_keys_are_known(tmp_path):
    (tmp_path / "routes.toml").write_text(THEIRS)
    assert key_variables(Settings(), tmp_path) == {"THEIR_KEY"}
    assert key_variables(Settings(), tmp_path / "nowhere") == frozenset()


ROUTE = "[[routes]]\nengines = ['draft']\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[upstreams", "is not valid TOML"),
        ("[upstream.a]", "no field 'upstream'; did you mean upstreams?"),
        ("upstreams.a = 1", "upstreams must be tables, as [upstreams.NAME]"),
        ("routes = 1", "routes must be a list of tables, each as [[routes]]"),
        (
            THEIRS + "budget_usd_per_day = 1",
            "[upstreams.theirs] has a budget and no usd_per_s for 480p, 720p, 1080p, which route"
            " 'otherwise' may ask of it: such films would not count",
        ),
        (THEIRS + "options = 1", "[upstreams.theirs] options must be a table, got 1"),
        (THEIRS + "usd_per_s = { 480p = '1' }", "usd_per_s 480p must be a number above 0, got '1'"),
        (THEIRS + "options = { models = 1 }", "theirs: models must be a table, got 1"),
        (
            THEIRS + "options = { prompt_chars_max = '9' }",
            "theirs: prompt_chars_max must be a whole number above 0, got '9'",
        ),
        ("upstreams = 1", "upstreams must be tables, as [upstreams.NAME]"),
        (THEIRS + "pol_s = 1", "[upstreams.theirs] has no field 'pol_s'; did you mean poll_s?"),
        (THEIRS + "zzz = 1", "it may have "),
        ("[upstreams.a]\nprovider = 'dashscope'", "[upstreams.a] needs url, a text"),
        ("[upstreams.a]\nurl = 'https://a'", "[upstreams.a] needs provider, a text"),
        (THEIRS.replace("dashscope\"", "dash\""), "provider must be one of apimart, comfyui, "),
        (THEIRS.replace("https://", "ftp://"), "the url of theirs must be http(s)"),
        (THEIRS.replace("env:THEIR_KEY", "sk-1"), "never the key itself"),
        (THEIRS.replace("THEIR_KEY", "NO_KEY"), "the environment variable NO_KEY is not set"),
        (THEIRS.replace("env:THEIR_KEY", "file:/no/such"), "/no/such cannot be read"),
        (THEIRS + "options = { x = 1 }", "theirs has no option 'x'; it may have models"),
        (THEIRS + "poll_s = 0", "poll_s must be a number above 0, got 0"),
        (THEIRS + "concurrent_max = true", "concurrent_max must be a number above 0, got True"),
        (THEIRS + PRICES + "budget_usd_per_day = 'a'", "budget_usd_per_day must be a number"),
        ("[[routes]]\nname = 'a'", "[[routes]] 1 needs engines"),
        ("[[routes]]\nengines = ['drafd']", "there is no 'drafd', only draft, "),
        ("[[routes]]\nengines = [{ draft = 0 }]", "weights must be at least 1, draft has 0"),
        (ROUTE + "durations_s = 5", "[[routes]] 1 durations_s must be a list, got 5"),
        (ROUTE + "modes = ['text']", "modes must be of image-to-video, text-to-video, got text"),
        (ROUTE + "rewriting = 'yes'", "rewriting must be here, not, upstream, got 'yes'"),
        (ROUTE + "hours_utc = 'night'", "hours_utc must be like 20:00-06:00, got 'night'"),
        (ROUTE + "hour_utc = '1'", "[[routes]] 1 has no field 'hour_utc'; did you mean hours_utc?"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_answered_with_the_rule_and_its_place(read, text, said):
    assert said in refusal(read, text)


def test_with_a_budget_every_size_that_may_be_asked_has_a_price(read):
    small = THEIRS + PRICES + "budget_usd_per_day = 1\n"
    assert "no usd_per_s for 720p, 1080p, which route 'otherwise'" in refusal(read, small)
    only_small = small + "[[routes]]\nengines = ['theirs']\nresolutions = ['480p']\n"
    assert "no usd_per_s for 720p, 1080p, which route 'otherwise'" in refusal(read, only_small)
    assert set(read(only_small, engine="draft").upstreams) == {"theirs"}
    assert set(read(small, engine="draft").upstreams) == {"theirs"}, "no route leads there"
    wider = only_small.replace("'480p'", "'480p', '720p'")
    assert "no usd_per_s for 720p, which route 'route 1'" in refusal(read, wider, engine="draft")


def test_an_engine_that_there_is_not_is_refused(read):
    assert "no engine is named 'nosuch'" in refusal(read, None, engine="nosuch")


def test_a_file_that_is_named_must_be_there(read, tmp_path):
    said = refusal(read, None, routes_file=str(tmp_path / "other.toml"))
    assert "routes_file must be a readable TOML file" in said
